// Lines of a log as nodes, in chunks that the browser lays out only when they come near the screen.

import { counted } from "./format.js"

/** Lines in a chunk. */
export const chunkLines = 500

/**
 * Where a line is.
 * @param {number} number counted from 1
 * @returns {{chunk: number, row: number}}
 */
export const placeOf = number =>
  ({ chunk: Math.floor((number - 1) / chunkLines), row: (number - 1) % chunkLines })

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

const rowTemplate = () => {
  const row = document.createElement("div")
  row.className = "log-line"
  const anchor = document.createElement("a")
  anchor.tabIndex = -1
  row.append(anchor)
  return row
}

/** Keeps the rows of one log inside `container`. */
export class LogLines {
  #container
  #template = rowTemplate()
  #count = 0
  #open = null

  /** @param {Element} container */
  constructor(container) {
    this.#container = container
    container.replaceChildren()
  }

  get count() {
    return this.#count
  }

  /** @param {import("./ansi.js").Line[]} lines @param {number} from @param {number} to */
  append(lines, from = 0, to = lines.length) {
    this.#dropOpen()
    for (let index = from; index < to; index += 1) this.#add(lines[index])
  }

  /**
   * Shows the line still being written, or takes it away.
   * @param {import("./ansi.js").Line | null} line
   */
  showOpen(line) {
    this.#dropOpen()
    if (line) this.#open = this.#add(line)
  }

  /** @param {number} number @returns {Element | null} */
  row(number) {
    const { chunk, row } = placeOf(number)
    return this.#container.children[chunk]?.children[row] ?? null
  }

  #dropOpen() {
    if (!this.#open) return
    const chunk = this.#open.parentElement
    this.#open.remove()
    if (chunk.childElementCount === 0) chunk.remove()
    this.#open = null
    this.#count -= 1
  }

  #add(line) {
    const row = this.#template.cloneNode(true)
    const chunk = this.#chunk()
    this.#count += 1
    row.firstChild.setAttribute("href", `#L${this.#count}`)
    row.append(...lineNodes(line))
    chunk.append(row)
    return row
  }

  #chunk() {
    if (this.#count % chunkLines !== 0) return this.#container.lastElementChild
    const chunk = document.createElement("div")
    chunk.className = "log-chunk"
    chunk.style.counterReset = `line ${this.#count}`
    this.#container.append(chunk)
    return chunk
  }
}
