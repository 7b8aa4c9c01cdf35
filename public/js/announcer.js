// Tells screen readers of changes, at most one sentence per two seconds; the latest wins.

const interval = 2000
let waiting = ""
let timer = 0

const say = () => {
  timer = 0
  if (!waiting) return
  document.getElementById("announcer").textContent = waiting
  waiting = ""
  timer = setTimeout(say, interval)
}

/** @param {string} sentence */
export const announce = sentence => {
  waiting = sentence
  if (!timer) say()
}
