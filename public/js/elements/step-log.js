import { AnsiParser } from "../ansi.js"
import { api, ApiError } from "../api.js"
import { whileAttended } from "../attention.js"
import { Follower } from "../follower.js"
import { html } from "../html.js"
import { LogChunks } from "../log-chunks.js"
import { lineInHash } from "../log-lines.js"
import { morph } from "../morph.js"

// A frame may spend this long on reading and again on new lines; the rest waits, so that the page stays responsive.
const frameBudget = 8
const frameSlice = 1000
const slice = 64 * 1024
const firstPause = 500
const longestPause = 10_000

const nextFrame = () => new Promise(resolve => requestAnimationFrame(resolve))
const pause = time => new Promise(resolve => setTimeout(resolve, time))

const messages = {
  absent: "No output yet. It appears here as soon as this step writes something.",
  gone: "There is no log of this step.",
  empty: "This step wrote nothing.",
}

/** `<step-log>`: the log of one step, growing while the step runs. Fires `followchange` and `linechosen`. */
export class StepLog extends HTMLElement {
  #abort = new AbortController()
  #lines = null
  #parser = null
  #decoder = null
  #path = ""
  #bytes = 0
  #live = false
  #state = "idle"
  #attention = null
  #waiting = []
  #painting = null
  #pinned = false
  #follower = new Follower(this)

  connectedCallback() {
    this.setAttribute("role", "log")
    this.setAttribute("aria-live", "off")
    this.addEventListener("click", event => this.#clicked(event))
    this.#follower.start()
    this.#attention = new AbortController()
    whileAttended({ leave: () => this.#interrupt(), come: () => this.#resume() }, this.#attention.signal)
  }

  disconnectedCallback() {
    this.#abort.abort()
    this.#attention.abort()
    this.#follower.stop()
  }

  get follow() {
    return this.#follower.on
  }

  set follow(on) {
    this.#follower.on = on
  }

  /**
   * Shows the log at `path`.
   * @param {string} path of the API, with its query
   * @param {{live: boolean, started: boolean}} state whether more may come, and whether there can be any yet
   */
  open(path, { live, started }) {
    this.#abort.abort()
    this.#abort = new AbortController()
    morph(this, html`<div class="log-lines"></div><p class="log-message" hidden></p>`)
    this.#lines = new LogChunks(this.querySelector(".log-lines"))
    this.#parser = new AnsiParser()
    this.#decoder = new TextDecoder()
    this.#bytes = 0
    this.#waiting = []
    this.#painting = null
    this.#pinned = lineInHash(location.hash) !== null
    this.#live = live
    this.#state = "idle"
    this.#path = path
    this.#follower.on = live && !location.hash
    if (started) this.#read(this.#abort.signal)
    else this.#say(live ? messages.absent : messages.gone)
  }

  /** The step changed: reads on if the last read ended, and stops waiting when nothing more can come. */
  changed({ live, started }) {
    const ended = this.#live && !live
    this.#live = live
    if (this.#state !== "reading" && started && (live || ended)) this.#read(this.#abort.signal)
  }

  /** Marks and shows the line named in the URL. */
  showLine() {
    const row = this.#mark(lineInHash(location.hash) ?? 0)
    if (!row) return false
    this.#follower.on = false
    row.scrollIntoView({ block: "center" })
    // Lines above that were never laid out may be taller than guessed.
    requestAnimationFrame(() => row.scrollIntoView({ block: "center" }))
    return true
  }

  #mark(number) {
    this.querySelector(".log-line[aria-current]")?.removeAttribute("aria-current")
    const row = this.#lines?.row(number)
    row?.setAttribute("aria-current", "true")
    return row
  }

  // A click on a number names its line in the URL and moves nothing.
  #clicked(event) {
    const number = lineInHash(event.target.closest(".log-line > a")?.hash ?? "")
    if (!number || event.metaKey || event.ctrlKey || event.shiftKey) return
    event.preventDefault()
    this.#mark(number)
    this.dispatchEvent(new CustomEvent("linechosen", { bubbles: true, detail: number }))
  }

  async #read(signal) {
    this.#state = "reading"
    for (let wait = firstPause; ; wait = Math.min(longestPause, wait * 2)) {
      const before = this.#bytes
      const outcome = await this.#receive(signal)
      if (signal.aborted) return
      if (outcome !== "broken") break
      if (this.#bytes > before) wait = firstPause
      this.#say("The connection broke. Trying again…")
      await pause(wait)
    }
    this.#state = "ended"
  }

  #interrupt() {
    if (this.#state !== "reading") return
    this.#abort.abort()
    this.#painting = null
    this.#state = "interrupted"
  }

  #resume() {
    if (this.#state !== "interrupted") return
    this.#abort = new AbortController()
    this.#read(this.#abort.signal)
  }

  async #receive(signal) {
    const query = `${this.#live ? "&follow" : ""}${this.#bytes ? `&offset=${this.#bytes}` : ""}`
    try {
      const response = await api.stream(this.#path + query, { signal })
      this.#say("")
      await this.#take(response.body.getReader(), signal)
      return this.#ended(signal)
    } catch (error) {
      if (signal.aborted) return "aborted"
      if (!(error instanceof ApiError)) return "broken"
      if (error.status === 404) return this.#absent()
      if (error.status === 0 || error.status >= 500) return "broken"
      this.#say(error.message)
      return "refused"
    }
  }

  #absent() {
    if (this.#bytes === 0) this.#say(this.#live ? messages.absent : messages.gone)
    return "absent"
  }

  async #take(reader, signal) {
    let start = performance.now()
    for (;;) {
      const { value, done } = await reader.read()
      if (signal.aborted || done) return
      for (let at = 0; at < value.length; at += slice) {
        const piece = value.subarray(at, at + slice)
        this.#bytes += piece.length
        this.#parser.push(this.#decoder.decode(piece, { stream: true }))
        this.#waiting = this.#waiting.concat(this.#parser.take())
        const painted = this.#paint(signal)
        if (performance.now() - start < frameBudget) continue
        await painted
        if (signal.aborted) return
        start = performance.now()
      }
    }
  }

  async #ended(signal) {
    if (!this.#live) {
      this.#parser.push(this.#decoder.decode())
      this.#parser.finish()
      this.#waiting = this.#waiting.concat(this.#parser.take())
    }
    await this.#paint(signal)
    if (!signal.aborted && !this.#live && this.#lines.count === 0) this.#say(messages.empty)
    return "ended"
  }

  // Lines become rows a frame at a time, while reading goes on.
  #paint(signal) {
    const run = async () => {
      do {
        await nextFrame()
        if (signal.aborted) return
        this.#paintFrame()
      } while (this.#waiting.length > 0)
      this.#painting = null
    }
    this.#painting ??= run()
    return this.#painting
  }

  #paintFrame() {
    const lines = this.#waiting
    const start = performance.now()
    let at = 0
    while (at < lines.length && performance.now() - start < frameBudget) {
      this.#lines.append(lines.slice(at, at + frameSlice))
      at += frameSlice
    }
    this.#waiting = lines.slice(at)
    if (this.#waiting.length === 0) this.#lines.showOpen(this.#parser.current)
    this.style.setProperty("--digits", String(Math.max(3, String(this.#lines.count).length)))
    if (this.#pinned && this.showLine()) this.#pinned = false
    this.#follower.grown()
  }

  #say(text) {
    const message = this.querySelector(".log-message")
    message.textContent = text
    message.hidden = !text
  }
}

customElements.define("step-log", StepLog)
