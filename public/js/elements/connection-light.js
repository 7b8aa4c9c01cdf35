import { announce } from "../announcer.js"

const words = { live: "Live", reconnecting: "Reconnecting…", off: "" }
// A short gap is nobody's business.
const patience = 1500

/** `<connection-light>`: whether the page hears of changes. */
class ConnectionLight extends HTMLElement {
  #abort = null
  #timer = 0

  connectedCallback() {
    this.#abort = new AbortController()
    addEventListener("connection", event => this.#show(event.detail), { signal: this.#abort.signal })
  }

  disconnectedCallback() {
    this.#abort.abort()
    clearTimeout(this.#timer)
  }

  #show(state) {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      if (this.dataset.state === state) return
      this.dataset.state = state
      this.textContent = words[state]
      if (state === "reconnecting") announce("Connection lost, reconnecting")
    }, state === "live" ? 0 : patience)
  }
}

customElements.define("connection-light", ConnectionLight)
