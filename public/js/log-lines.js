// Lines of a log as nodes.

import { counted } from "./format.js"

/**
 * The line a fragment of a URL means.
 * @param {string} hash such as `#L120`
 * @returns {number | null}
 */
export const lineInHash = hash => {
  const found = /^#L([1-9]\d{0,8})$/.exec(hash)
  return found ? Number(found[1]) : null
}

const cubeStep = level => level === 0 ? 0 : 55 + level * 40

/**
 * A palette number above 15 as a CSS colour (the xterm cube and greys).
 * @param {number} number
 */
export const paletteColour = number => {
  if (number > 231) {
    const grey = 8 + (number - 232) * 10
    return `rgb(${grey} ${grey} ${grey})`
  }
  const cube = number - 16
  return `rgb(${cubeStep(Math.floor(cube / 36))} ${cubeStep(Math.floor(cube / 6) % 6)} ${cubeStep(cube % 6)})`
}

const colour = (span, kind, value) => {
  if (value === undefined) return
  if (typeof value === "number" && value < 16) span.classList.add(`ansi-${kind}-${value}`)
  else {
    span.classList.add(`ansi-${kind}-other`)
    span.style.setProperty(`--ansi-${kind}`, typeof value === "number" ? paletteColour(value) : value)
  }
}

const styledSpan = ({ text, style }) => {
  const span = document.createElement("span")
  for (const name of ["bold", "dim", "italic", "underline", "strike", "inverse"]) {
    if (style[name]) span.classList.add(`ansi-${name}`)
  }
  colour(span, "fg", style.fg)
  colour(span, "bg", style.bg)
  span.textContent = text
  return span
}

/**
 * The content of a line: text nodes and spans, nothing else.
 * @param {import("./ansi.js").Line} line
 * @returns {Node[]}
 */
export const lineNodes = ({ runs, cut }) => {
  const nodes = runs.map(run => run.style ? styledSpan(run) : document.createTextNode(run.text))
  if (cut > 0) {
    const note = document.createElement("span")
    note.className = "log-cut"
    note.textContent = ` … ${counted(cut, "more character")}`
    nodes.push(note)
  }
  return nodes
}

/** @param {import("./ansi.js").Line} line */
export const lineText = ({ runs }) => runs.map(run => run.text).join("")
