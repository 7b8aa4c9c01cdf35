import { AnsiParser } from "../ansi.js"
import { Follower } from "../follower.js"
import { fragment, html } from "../html.js"
import { LogChunks } from "../log-chunks.js"
import { lineInHash } from "../log-lines.js"
import { LogStream } from "../log-stream.js"

// A frame may spend this long on reading and again on new lines; the rest waits, so that the page stays responsive.
const frameBudget = 8
const frameSlice = 1000

const nextFrame = () => new Promise(resolve => requestAnimationFrame(resolve))

const messages = {
  absent: "No output yet. It appears here as soon as this step writes something.",
  gone: "There is no log of this step.",
  empty: "This step wrote nothing.",
}

/** `<step-log>`: the log of one step, growing while the step runs. Fires `followchange` and `linechosen`. */
export class StepLog extends HTMLElement {
  #abort = new AbortController()
  #follower = new Follower(this)
  #stream = null
  #lines = null
  #parser = null
  #decoder = null
  #waiting = []
  #painting = null
  #pinned = false
  #turn = 0

  connectedCallback() {
    this.setAttribute("role", "log")
    this.setAttribute("aria-live", "off")
    this.addEventListener("click", event => this.#clicked(event))
    this.#follower.start()
  }

  disconnectedCallback() {
    this.#abort.abort()
    this.#follower.stop()
  }

  get follow() {
    return this.#follower.on
  }

  set follow(on) {
    this.#follower.on = on
  }

  /**
   * Shows another log.
   * @param {string} path of the API, with its query
   * @param {import("../log-stream.js").LogState} state
   */
  open(path, state) {
    this.#abort.abort()
    this.#abort = new AbortController()
    this.replaceChildren(fragment(html`<div class="log-lines"></div><p class="log-message" hidden></p>`))
    this.#lines = new LogChunks(this.querySelector(".log-lines"))
    this.#parser = new AnsiParser()
    this.#decoder = new TextDecoder()
    this.#waiting = []
    this.#painting = null
    this.#pinned = lineInHash(location.hash) !== null
    this.#stream = new LogStream(path, this.#reader(this.#abort.signal), this.#abort.signal)
    this.#stream.update(state)
    this.#follower.on = state.live && !location.hash
  }

  /** The step changed. @param {import("../log-stream.js").LogState} state */
  update(state) {
    this.#stream.update(state)
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

  #reader(whole) {
    return {
      take: (bytes, signal) => this.#take(bytes, whole, signal),
      ended: complete => this.#ended(complete, whole),
      say: text => this.#say(text),
      absent: ({ live }) => this.#say(live ? messages.absent : messages.gone),
    }
  }

  async #take(bytes, whole, signal) {
    this.#parser.push(this.#decoder.decode(bytes, { stream: true }))
    this.#waiting = this.#waiting.concat(this.#parser.take())
    const painted = this.#paint(whole)
    if (performance.now() - this.#turn < frameBudget) return
    await Promise.race([painted, new Promise(resolve => signal.addEventListener("abort", resolve, { once: true }))])
    this.#turn = performance.now()
  }

  async #ended(complete, whole) {
    if (complete) {
      this.#parser.push(this.#decoder.decode())
      this.#parser.finish()
      this.#waiting = this.#waiting.concat(this.#parser.take())
    }
    await this.#paint(whole)
    if (!whole.aborted && complete && this.#lines.count === 0) this.#say(messages.empty)
  }

  // Lines become rows a frame at a time, while reading goes on.
  #paint(whole) {
    const run = async () => {
      do {
        await nextFrame()
        if (whole.aborted) return
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
