import { api, ApiError } from "../api.js"
import { confirmed } from "../elements/confirm-dialog.js"
import { toast } from "../elements/toast-stack.js"
import { html } from "../html.js"
import { session } from "../session.js"
import { icon } from "../status.js"

const freshToken = ({ name, token }) => html`
  <section class="notice is-good" data-key="fresh" aria-label="New token">
    <p><strong>“${name}” is ready.</strong> Copy it now: it is shown this once.</p>
    <div class="copy-row">
      <input class="mono" id="fresh-token" readonly value="${token}" aria-label="The new token">
      <button class="button" type="button" data-action="copy">${icon("copy")}Copy</button>
    </div>
  </section>`

const tokenRow = name => html`
  <li class="plain-row" data-key="token ${name}">
    ${icon("key")}<span class="plain-name">${name}</span>
    <button class="button is-quiet is-danger" type="button" data-action="remove" data-name="${name}"
      aria-label="Delete token ${name}">Delete</button>
  </li>`

const markup = ({ user, fresh, message }) => html`
  <header class="page-head"><h1>Account</h1><p class="page-note">Signed in as <strong>${user.username}</strong></p></header>
  <section class="panel" aria-labelledby="tokens-title">
    <h2 id="tokens-title">Tokens</h2>
    <p class="soft">A token signs in the command line (<code>martlet login</code>), the API, and git over HTTP, where it
      takes the place of the password. It may do whatever you may do.</p>
    ${fresh && freshToken(fresh)}
    ${user.tokens.length
      ? html`<ul class="plain-list">${user.tokens.map(tokenRow)}</ul>`
      : html`<p class="blank-line">You have no tokens.</p>`}
    <form class="inline-form">
      <div class="field">
        <label for="token-name">New token's name</label>
        <input id="token-name" name="name" required maxlength="100" autocomplete="off" placeholder="laptop"
          aria-describedby="token-message">
      </div>
      <button class="button is-primary">Create token</button>
      <p class="form-message" id="token-message" role="alert">${message && html`${icon("alert")}${message}`}</p>
    </form>
  </section>`

/** @param {import("../navigation.js").Page} page */
export const account = async page => {
  const state = { user: null, fresh: null, message: "" }
  const tokens = () => `/users/${encodeURIComponent(state.user.username)}/tokens`

  const load = async () => {
    state.user = await api.get("/user", { signal: page.signal })
    page.render(markup(state))
  }

  const attempt = async work => {
    try {
      state.message = ""
      await work()
      await load()
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      state.message = error.message
      page.render(markup(state))
    }
  }

  page.title("Account", [{ text: "Account" }])
  await load()
  page.actions({
    copy: async () => {
      const field = document.getElementById("fresh-token")
      field.select()
      const copied = await navigator.clipboard?.writeText(field.value).then(() => true, () => false)
      toast(copied ? "Copied." : "Selected: copy it with your keyboard.")
    },
    remove: async ({ dataset: { name } }) => {
      const question = {
        title: `Delete “${name}”?`,
        text: "Whatever uses this token is signed out at once.",
        action: "Delete the token",
      }
      if (await confirmed(question)) await attempt(() => api.delete(`${tokens()}/${encodeURIComponent(name)}`))
    },
  })
  page.outlet.addEventListener("submit", event => {
    event.preventDefault()
    const name = new FormData(event.target).get("name").trim()
    attempt(async () => {
      const { token } = await api.post(tokens(), { token_name: name })
      state.fresh = { name, token }
      event.target.reset()
    })
  })
}
