// The lines of one log, in chunks. A chunk far from the screen is a single text, so that a hundred thousand lines
// cost a few hundred nodes and the browser's find still sees them; it becomes rows when the browser comes near it.

import { lineNodes, lineText } from "./log-lines.js"

/** Lines in a chunk. */
export const chunkLines = 500

/**
 * Where a line is.
 * @param {number} number counted from 1
 * @returns {{chunk: number, row: number}}
 */
export const placeOf = number =>
  ({ chunk: Math.floor((number - 1) / chunkLines), row: (number - 1) % chunkLines })

const nearScreen = "contentvisibilityautostatechange"
const tellsNearScreen = `on${nearScreen}` in HTMLElement.prototype

const rowTemplate = document.createElement("div")
rowTemplate.className = "log-line"
rowTemplate.append(document.createElement("a"))
rowTemplate.firstChild.tabIndex = -1

const rowFor = (line, number) => {
  const row = rowTemplate.cloneNode(true)
  row.firstChild.setAttribute("href", `#L${number}`)
  row.firstChild.dataset.number = number
  row.append(...lineNodes(line))
  return row
}

class Chunk {
  #first
  #lines = []
  #text = document.createTextNode("")

  constructor(first) {
    this.#first = first
    this.element = document.createElement("div")
    this.element.className = "log-chunk"
    this.element.append(this.#text)
    this.count = 0
    this.built = false
  }

  add(lines) {
    if (this.built) this.element.append(...lines.map((line, index) => rowFor(line, this.#first + this.count + index)))
    else {
      this.#lines.push(...lines)
      this.#text.appendData(lines.map(line => `${lineText(line)}\n`).join(""))
    }
    this.count += lines.length
  }

  build() {
    if (this.built) return
    this.built = true
    this.element.replaceChildren(...this.#lines.map((line, index) => rowFor(line, this.#first + index)))
    this.element.classList.add("is-built")
    this.#lines = []
  }

  row(index) {
    this.build()
    return this.element.children[index] ?? null
  }
}

/** Keeps the lines of one log inside `container`. */
export class LogChunks {
  #container
  #chunks = []
  #open = null
  #openLine = null

  /** @param {HTMLElement} container empty, and for this log alone */
  constructor(container) {
    this.#container = container
    container.addEventListener(nearScreen, event => {
      if (event.skipped) return
      this.#chunks.find(chunk => chunk.element === event.target)?.build()
      this.showOpen(this.#openLine)
    })
  }

  /** How many finished lines there are. */
  get count() {
    const last = this.#chunks.at(-1)
    return last ? (this.#chunks.length - 1) * chunkLines + last.count : 0
  }

  /** @param {import("./ansi.js").Line[]} lines */
  append(lines) {
    this.showOpen(null)
    for (let at = 0; at < lines.length;) {
      const chunk = this.#lastChunk()
      const end = at + chunkLines - chunk.count
      chunk.add(lines.slice(at, end))
      at = end
    }
  }

  /**
   * Shows the line still being written, or takes it away.
   * @param {import("./ansi.js").Line | null} line
   */
  showOpen(line) {
    this.#openLine = line
    this.#open?.remove()
    this.#open = null
    const chunk = line && this.#lastChunk()
    if (!chunk?.built) return
    this.#open = rowFor(line, this.count + 1)
    chunk.element.append(this.#open)
  }

  /** @param {number} number @returns {Element | null} */
  row(number) {
    const { chunk, row } = placeOf(number)
    return this.#chunks[chunk]?.row(row) ?? null
  }

  #lastChunk() {
    const last = this.#chunks.at(-1)
    if (last && last.count < chunkLines) return last
    const chunk = new Chunk(this.count + 1)
    this.#chunks.push(chunk)
    this.#container.append(chunk.element)
    // The first is on screen already; a browser that never tells gets all of them at once.
    if (this.#chunks.length === 1 || !tellsNearScreen) chunk.build()
    return chunk
  }
}
