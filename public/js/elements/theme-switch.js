import { html } from "../html.js"
import { morph } from "../morph.js"
import { icon } from "../status.js"
import { chooseTheme, theme, themes } from "../theme.js"

const names = { system: "As the system", light: "Light", dark: "Dark" }

/** `<theme-switch>`: one button that goes through the themes. */
class ThemeSwitch extends HTMLElement {
  connectedCallback() {
    this.addEventListener("click", this.#next)
    this.#show()
  }

  disconnectedCallback() {
    this.removeEventListener("click", this.#next)
  }

  #next = () => {
    chooseTheme(themes[(themes.indexOf(theme()) + 1) % themes.length])
    this.#show()
  }

  #show() {
    const label = `Theme: ${names[theme()].toLowerCase()}`
    morph(this, html`
      <button class="button is-quiet is-icon" type="button" aria-label="${label}" title="${label}">
        ${icon(`theme-${theme()}`)}
      </button>`)
  }
}

customElements.define("theme-switch", ThemeSwitch)
