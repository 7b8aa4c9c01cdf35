import { everySecond, now } from "../clock.js"
import { ago, instant, moment } from "../format.js"

/** `<relative-time datetime="…">`: how long ago something was, kept right. */
class RelativeTime extends HTMLElement {
  static observedAttributes = ["datetime"]
  #stop = null

  connectedCallback() {
    this.#stop = everySecond(() => this.#show())
    this.#show()
  }

  disconnectedCallback() {
    this.#stop?.()
  }

  attributeChangedCallback() {
    if (this.isConnected) this.#show()
  }

  #show() {
    const then = instant(this.getAttribute("datetime"))
    const text = then === null ? "" : ago(then, now())
    if (this.textContent === text) return
    this.textContent = text
    this.title = then === null ? "" : moment(then)
  }
}

customElements.define("relative-time", RelativeTime)
