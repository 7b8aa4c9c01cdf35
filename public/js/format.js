// How times, sizes and names are written. Pure.

const second = 1000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour

const padded = number => String(number).padStart(2, "0")

/**
 * Reads a timestamp of the API (RFC 3339, up to nanoseconds).
 * @param {string | null | undefined} text
 * @returns {number | null} milliseconds since the epoch
 */
export const instant = text => {
  if (!text) return null
  const value = Date.parse(text.replace(/(\.\d{3})\d+/, "$1"))
  return Number.isNaN(value) ? null : value
}

/**
 * @param {number} milliseconds
 * @param {{ticking?: boolean}} [options] a ticking duration shows no tenths
 * @returns {string} such as `45ms`, `0.4s`, `12s`, `3m 07s`, `2h 05m`
 */
export const duration = (milliseconds, { ticking = false } = {}) => {
  const rest = Math.max(0, milliseconds)
  if (rest < 95 && !ticking) return `${Math.round(rest)}ms`
  if (rest < 9.95 * second && !ticking) return `${(rest / second).toFixed(1)}s`
  if (rest < minute) return `${Math.floor(rest / second)}s`
  if (rest < hour) return `${Math.floor(rest / minute)}m ${padded(Math.floor(rest % minute / second))}s`
  if (rest < day) return `${Math.floor(rest / hour)}h ${padded(Math.floor(rest % hour / minute))}m`
  return `${Math.floor(rest / day)}d ${padded(Math.floor(rest % day / hour))}h`
}

/**
 * @param {number} then milliseconds since the epoch
 * @param {number} now
 * @returns {string} such as `just now`, `5 min ago`, `3 h ago`, `yesterday`, `12 Mar`
 */
export const ago = (then, now) => {
  const gone = now - then
  if (gone < 45 * second) return "just now"
  if (gone < hour) return `${Math.max(1, Math.round(gone / minute))} min ago`
  if (gone < day) return `${Math.floor(gone / hour)} h ago`
  if (gone < 2 * day) return "yesterday"
  if (gone < 14 * day) return `${Math.floor(gone / day)} days ago`
  const date = new Date(then)
  const sameYear = date.getFullYear() === new Date(now).getFullYear()
  return date.toLocaleDateString("en-GB", { day: "numeric", month: "short", year: sameYear ? undefined : "numeric" })
}

/**
 * @param {number} time milliseconds since the epoch
 * @returns {string} the whole date and time, for titles
 */
export const moment = time =>
  new Date(time).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "medium" })

/**
 * @param {number} bytes
 * @returns {string} such as `312 B`, `4.2 kB`, `18 MB`
 */
export const size = bytes => {
  const units = ["B", "kB", "MB", "GB", "TB"]
  let value = bytes
  let unit = 0
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000
    unit += 1
  }
  return `${unit === 0 || value >= 9.95 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`
}

/**
 * @param {number} count
 * @param {string} one
 * @param {string} [many]
 */
export const counted = (count, one, many = `${one}s`) => `${count.toLocaleString("en")} ${count === 1 ? one : many}`

/** @param {string | undefined} sha */
export const shortHash = sha => (sha ?? "").slice(0, 8)

/** @param {string | undefined} message */
export const firstLine = message => (message ?? "").trim().split("\n", 1)[0]

/**
 * A link that came from outside is followed only if it leads to the web.
 * @param {string | undefined} url
 * @returns {string | null}
 */
export const webLink = url => /^https?:\/\//i.test(url ?? "") ? url : null
