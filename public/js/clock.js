// One second hand for the whole page. It follows the server's clock when the reader's is off, and rests while nobody looks.

const listeners = new Set()
let offset = 0
let timer = 0

/** The server's time, in milliseconds since the epoch. */
export const now = () => Date.now() + offset

/**
 * Learns the server's time from an answer. Its `Date` has whole seconds, so small differences mean nothing.
 * @param {string | null} date
 */
export const adjustClock = date => {
  const difference = Date.parse(date ?? "") + 500 - Date.now()
  if (!Number.isNaN(difference)) offset = Math.abs(difference) > 2000 ? difference : 0
}

const tick = () => {
  for (const listener of listeners) listener()
}

const wind = () => {
  clearInterval(timer)
  timer = 0
  if (listeners.size === 0 || document.hidden) return
  timer = setInterval(tick, 1000)
}

document.addEventListener("visibilitychange", () => {
  if (!document.hidden) tick()
  wind()
})

/**
 * Calls `listener` every second.
 * @param {() => void} listener
 * @returns {() => void} stops it
 */
export const everySecond = listener => {
  listeners.add(listener)
  if (!timer) wind()
  return () => {
    listeners.delete(listener)
    if (listeners.size === 0) wind()
  }
}
