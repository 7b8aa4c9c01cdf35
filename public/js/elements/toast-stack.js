import { fragment, html } from "../html.js"
import { icon } from "../status.js"

const stay = 6000

/** `<toast-stack>`: short messages at the edge of the screen. Send them with `toast`. */
class ToastStack extends HTMLElement {
  #abort = null

  connectedCallback() {
    this.#abort = new AbortController()
    this.setAttribute("role", "status")
    addEventListener("toast", event => this.#add(event.detail), { signal: this.#abort.signal })
  }

  disconnectedCallback() {
    this.#abort.abort()
  }

  #add({ text, kind }) {
    const shown = fragment(html`
      <div class="toast" data-kind="${kind}">${icon(kind === "trouble" ? "alert" : "tick")}<span>${text}</span></div>`)
    const toast = shown.firstElementChild
    this.append(toast)
    setTimeout(() => toast.remove(), stay)
  }
}

customElements.define("toast-stack", ToastStack)

/**
 * @param {string} text
 * @param {"done" | "trouble"} [kind]
 */
export const toast = (text, kind = "done") => dispatchEvent(new CustomEvent("toast", { detail: { text, kind } }))
