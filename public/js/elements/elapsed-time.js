import { everySecond, now } from "../clock.js"
import { duration, instant } from "../format.js"

/** `<elapsed-time start="…" end="…">`: how long something took, or takes while it has no end. */
class ElapsedTime extends HTMLElement {
  static observedAttributes = ["start", "end"]
  #stop = null

  connectedCallback() {
    this.#show()
  }

  disconnectedCallback() {
    this.#rest()
  }

  attributeChangedCallback() {
    if (this.isConnected) this.#show()
  }

  #show() {
    const start = instant(this.getAttribute("start"))
    const end = instant(this.getAttribute("end"))
    const runs = start !== null && end === null
    if (runs) this.#stop ??= everySecond(() => this.#show())
    else this.#rest()
    const text = start === null ? "" : duration((end ?? now()) - start, { ticking: runs })
    if (this.textContent !== text) this.textContent = text
  }

  #rest() {
    this.#stop?.()
    this.#stop = null
  }
}

customElements.define("elapsed-time", ElapsedTime)
