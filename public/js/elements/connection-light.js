const words = { live: "Live", reconnecting: "Reconnecting…", off: "" }
// A short gap is nobody's business.
const patience = 1500

/** `<connection-light>`: whether the page hears of changes. */
class ConnectionLight extends HTMLElement {
  #abort = null
  #timer = 0

  connectedCallback() {
    this.#abort = new AbortController()
    this.setAttribute("role", "status")
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
    }, state === "reconnecting" ? patience : 0)
  }
}

customElements.define("connection-light", ConnectionLight)
