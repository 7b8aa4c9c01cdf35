import { html } from "../html.js"
import { morph } from "../morph.js"

/** `<confirm-dialog>`: asks before something that cannot be undone. Use it with `confirmed`. */
class ConfirmDialog extends HTMLElement {
  /**
   * @param {{title: string, text: string, action: string}} question
   * @returns {Promise<boolean>}
   */
  ask({ title, text, action }) {
    morph(this, html`
      <dialog aria-labelledby="confirm-title">
        <form method="dialog">
          <h2 id="confirm-title">${title}</h2>
          <p>${text}</p>
          <div class="dialog-actions">
            <button class="button" value="" autofocus>Keep it</button>
            <button class="button is-danger" value="yes">${action}</button>
          </div>
        </form>
      </dialog>`)
    const dialog = this.querySelector("dialog")
    dialog.returnValue = ""
    dialog.showModal()
    return new Promise(resolve => {
      dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true })
    })
  }
}

customElements.define("confirm-dialog", ConfirmDialog)

/** @param {{title: string, text: string, action: string}} question */
export const confirmed = question => document.querySelector("confirm-dialog").ask(question)
