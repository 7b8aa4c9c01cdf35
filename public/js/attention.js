// Gives connections back while nobody looks. Browsers allow six to a plain-HTTP host, for all tabs together, and
// a page kept for the back button keeps its own.

const hiddenGrace = 60_000

/**
 * Calls `leave` when the page is left or has been hidden for a minute, and `come` when the reader is back.
 * @param {{leave: () => void, come: () => void}} handlers
 * @param {AbortSignal} signal ends it
 */
export const whileAttended = ({ leave, come }, signal) => {
  let away = false
  let timer = 0

  const gone = () => {
    clearTimeout(timer)
    if (away) return
    away = true
    leave()
  }

  const back = () => {
    clearTimeout(timer)
    if (!away) return
    away = false
    come()
  }

  document.addEventListener("visibilitychange", () => {
    if (document.hidden) timer = setTimeout(gone, hiddenGrace)
    else back()
  }, { signal })
  addEventListener("pagehide", gone, { signal })
  addEventListener("pageshow", back, { signal })
  signal.addEventListener("abort", () => clearTimeout(timer))
}
