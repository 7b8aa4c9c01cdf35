// Runs the tests of a page and writes what happened where a program can read it.

const tests = []

/** @param {string} name a sentence that says what holds @param {() => unknown} body throws when it does not */
export const test = (name, body) => tests.push({ name, body })

const shown = value => typeof value === "string" ? JSON.stringify(value) : JSON.stringify(value) ?? String(value)

/** @param {unknown} actual @param {unknown} expected compared by value */
export const equal = (actual, expected) => {
  if (shown(actual) !== shown(expected)) throw new Error(`expected ${shown(expected)}, got ${shown(actual)}`)
}

/** @param {unknown} condition @param {string} message */
export const ok = (condition, message) => {
  if (!condition) throw new Error(message)
}

/** Runs all tests, one after the other. */
export const run = async report => {
  let failed = 0
  for (const { name, body } of tests) {
    const problem = await Promise.resolve().then(body).then(() => null, error => error)
    failed += problem ? 1 : 0
    report.textContent += problem ? `✗ ${name}\n    ${problem.stack}\n` : `✓ ${name}\n`
  }
  report.textContent += `${tests.length} tests, ${failed} failed\n`
  report.dataset.failed = String(failed)
}

/** Repeatable random numbers (mulberry32). @param {number} seed */
export const random = seed => () => {
  seed = seed + 0x6d2b79f5 | 0
  let mixed = Math.imul(seed ^ seed >>> 15, 1 | seed)
  mixed = mixed + Math.imul(mixed ^ mixed >>> 7, 61 | mixed) ^ mixed
  return ((mixed ^ mixed >>> 14) >>> 0) / 2 ** 32
}
