import { ApiError } from "../api.js"
import { html } from "../html.js"
import { returnPath } from "../router.js"
import { session } from "../session.js"
import { icon } from "../status.js"

const arrive = page => dispatchEvent(new CustomEvent("signed-in", {
  detail: { href: returnPath(page.query.get("from")) },
}))

const markup = ({ name = "", message = "", busy = false } = {}) => html`
  <form class="sign-in" aria-labelledby="sign-in-title">
    <svg class="sign-in-mark" aria-hidden="true"><use href="#icon-martlet"></use></svg>
    <h1 id="sign-in-title">Sign in to Martlet</h1>
    <div class="field">
      <label for="login-name">User name</label>
      <input id="login-name" name="name" value="${name}" autocomplete="username" autocapitalize="none"
        spellcheck="false" required aria-describedby="sign-in-message">
    </div>
    <div class="field">
      <label for="login-password">Password</label>
      <input id="login-password" name="password" type="password" autocomplete="current-password" required
        aria-describedby="sign-in-message">
    </div>
    <p class="form-message" id="sign-in-message" role="alert">${message && html`${icon("alert")}${message}`}</p>
    <button class="button is-primary is-wide" aria-busy="${String(busy)}">Sign in</button>
  </form>`

const refusal = error => {
  if (!(error instanceof ApiError)) throw error
  return error.status > 0 && error.status < 500 && error.status !== 403
    ? "User name or password is wrong."
    : error.message
}

/** @param {import("../navigation.js").Page} page */
export const signIn = page => {
  if (session.user) return arrive(page)
  page.title("Sign in")
  page.render(markup())
  page.outlet.querySelector("#login-name").focus()
  page.outlet.addEventListener("submit", async event => {
    event.preventDefault()
    const { name, password } = Object.fromEntries(new FormData(event.target))
    page.render(markup({ name, busy: true }))
    try {
      await session.signIn(name, password)
      if (session.user) arrive(page)
      else page.render(markup({ name, message: "Your browser did not keep the session cookie." }))
    } catch (error) {
      page.render(markup({ name, message: refusal(error) }))
      page.outlet.querySelector("#login-password").select()
    }
  })
}
