// Terminal output → lines of styled runs. Pure: no DOM here, and no byte string can make it throw.
//
// Understood: SGR (16, 256 and true colours, bold, dim, italic, underline, inverse, strike), carriage return, backspace,
// erase in line. Every other escape sequence and control character is dropped.

/**
 * @typedef {{fg?: number | string, bg?: number | string, bold?: true, dim?: true, italic?: true, underline?: true,
 *   inverse?: true, strike?: true}} Style colours are palette numbers 0–255 or `#rrggbb`
 * @typedef {{text: string, style: Style | null}} Run
 * @typedef {{runs: Run[], cut: number}} Line `cut` counts the characters left out of a line that was too long
 */

/** Longest line kept whole, in UTF-16 units. */
export const longestLine = 20_000

const escape = "\u001b"
// Everything that is not plain text on its line: C0 without tab, DEL, C1.
const special = /[\u0000-\u0008\u000a-\u001f\u007f-\u009f]/g
// Every sequence has a longest length, so that garbage cannot grow while its end is awaited.
const controlSequence = /\u001b\[([0-?]{0,64})[ -/]{0,4}([@-~])/y
// String sequences (OSC, DCS, SOS, PM, APC) end with ST or BEL; a line end also ends a broken one.
const stringSequence = /\u001b[\]PX^_][^\u0007\u001b\n\r]{0,4096}(?:\u0007|\u001b\\|(?=[\n\r\u001b]))/y
const shortSequence = /\u001b[ -/]{0,4}[0-~]/y
// What may still become one of these when more text arrives.
const unfinished = /\u001b(?:\[[0-?]{0,64}[ -/]{0,4}|[\]PX^_][^\u0007\u001b\n\r]{0,4096}\u001b?|[ -/]{0,4})?$/

const hex = value => Math.min(255, Number(value) || 0).toString(16).padStart(2, "0")

// 38;5;N, 38;2;R;G;B and the same with colons. Gives the colour and how many parameters it took.
const extendedColour = (codes, at) => {
  if (codes[at + 1] === 5) return [Math.min(255, codes[at + 2] ?? 0), 2]
  if (codes[at + 1] === 2) return [`#${codes.slice(at + 2, at + 5).map(hex).join("").padEnd(6, "0")}`, 4]
  return [undefined, 1]
}

const flags = { 1: "bold", 2: "dim", 3: "italic", 4: "underline", 7: "inverse", 9: "strike" }
const cleared = { 22: ["bold", "dim"], 23: ["italic"], 24: ["underline"], 27: ["inverse"], 29: ["strike"], 39: ["fg"], 49: ["bg"] }

const paletteColour = code => {
  if (code >= 30 && code <= 37) return ["fg", code - 30]
  if (code >= 40 && code <= 47) return ["bg", code - 40]
  if (code >= 90 && code <= 97) return ["fg", code - 82]
  return code >= 100 && code <= 107 ? ["bg", code - 92] : null
}

/**
 * @param {Style | null} style before
 * @param {string} parameters of an SGR sequence
 * @returns {Style | null} after; null is plain
 */
export const applySGR = (style, parameters) => {
  const codes = parameters.split(/[;:]/).map(code => Number.parseInt(code, 10) || 0)
  let next = { ...style }
  for (let at = 0; at < codes.length; at += 1) {
    const code = codes[at]
    const colour = paletteColour(code)
    if (code === 0) next = {}
    else if (flags[code]) next[flags[code]] = true
    else if (colour) next[colour[0]] = colour[1]
    else if (code === 38 || code === 48) {
      const [value, taken] = extendedColour(codes, at)
      if (value !== undefined) next[code === 38 ? "fg" : "bg"] = value
      at += taken
    } else for (const name of cleared[code] ?? []) delete next[name]
  }
  return Object.keys(next).length ? next : null
}

/** Turns text that arrives in pieces into lines. */
export class AnsiParser {
  #style = null
  #rest = ""
  #runs = []
  #length = 0
  #column = 0
  #cut = 0
  #lines = []

  /** @param {string} text the next piece, cut anywhere */
  push(text) {
    const input = this.#rest + text
    const tail = unfinished.exec(input)
    const end = tail ? tail.index : input.length
    this.#rest = input.slice(end)
    let at = 0
    while (at < end) {
      special.lastIndex = at
      const found = special.exec(input)
      const next = found && found.index < end ? found.index : end
      if (next > at) this.#write(input.slice(at, next))
      at = next < end ? this.#control(input, next, end) : end
    }
  }

  /** The lines finished since the last call. @returns {Line[]} */
  take() {
    const lines = this.#lines
    this.#lines = []
    return lines
  }

  /** The line still being written, or null when it is empty. @returns {Line | null} */
  get current() {
    return this.#length > 0 ? { runs: this.#runs, cut: this.#cut } : null
  }

  /** The text has ended: an unfinished line becomes a line. */
  finish() {
    this.#rest = ""
    if (this.#length > 0) this.#newLine()
  }

  // Handles the control character at `at`; gives where to read on.
  #control(input, at, end) {
    const character = input[at]
    if (character === "\n") this.#newLine()
    else if (character === "\r") this.#column = 0
    else if (character === "\b") this.#column = Math.max(0, this.#column - 1)
    else if (character === escape) return Math.min(end, this.#sequence(input, at))
    return at + 1
  }

  #sequence(input, at) {
    controlSequence.lastIndex = at
    const control = controlSequence.exec(input)
    if (control) {
      if (control[2] === "m" && !/[<-?]/.test(control[1])) this.#style = applySGR(this.#style, control[1])
      if (control[2] === "K") this.#erase(control[1])
      return controlSequence.lastIndex
    }
    for (const pattern of [stringSequence, shortSequence]) {
      pattern.lastIndex = at
      if (pattern.test(input)) return pattern.lastIndex
    }
    return at + 1
  }

  #newLine() {
    this.#lines.push({ runs: this.#runs, cut: this.#cut })
    this.#runs = []
    this.#length = this.#column = this.#cut = 0
  }

  #write(text) {
    const room = longestLine - this.#column
    const kept = text.length > room ? text.slice(0, Math.max(0, room)) : text
    this.#cut += text.length - kept.length
    if (!kept) return
    const last = this.#runs.at(-1)
    if (this.#column < this.#length) this.#overwrite(kept)
    else if (last && last.style === this.#style) last.text += kept
    else this.#runs.push({ text: kept, style: this.#style })
    this.#column += kept.length
    this.#length = Math.max(this.#length, this.#column)
  }

  #overwrite(text) {
    const before = this.#slice(0, this.#column)
    const after = this.#slice(this.#column + text.length, this.#length)
    this.#runs = [...before, { text, style: this.#style }, ...after]
  }

  #erase(mode) {
    if (mode === "2") {
      this.#runs = this.#column > 0 ? [{ text: " ".repeat(this.#column), style: null }] : []
      this.#length = this.#column
    } else if (mode === "" || mode === "0") {
      this.#runs = this.#slice(0, this.#column)
      this.#length = Math.min(this.#length, this.#column)
    }
  }

  #slice(from, to) {
    const kept = []
    let at = 0
    for (const run of this.#runs) {
      const text = run.text.slice(Math.max(0, from - at), Math.max(0, to - at))
      if (text) kept.push({ text, style: run.style })
      at += run.text.length
    }
    return kept
  }
}
