import { ApiError } from "../api.js"
import { html } from "../html.js"
import { paths } from "../router.js"
import { session } from "../session.js"
import { icon } from "../status.js"

const message = (picture, title, text, action) => html`
  <section class="blank">
    ${icon(picture)}
    <h1>${title}</h1>
    <p>${text}</p>
    ${action}
  </section>`

/** @param {import("../navigation.js").Page} page */
export const notFound = page => {
  page.title("Not found")
  page.render(message("martlet", "Nothing here",
    "This page does not exist, or it is not yours to see.",
    html`<a class="button" href="/">Go home</a>`))
}

const goToSignIn = () => dispatchEvent(new CustomEvent("go", {
  detail: { href: paths.signIn(location.pathname + location.search + location.hash) },
}))

// What passes by itself: the server is restarting, or in maintenance.
const patience = 5_000
const passes = error => error.status === 0 || (error.status >= 502 && error.status <= 504)

const titles = { 0: "No connection", 403: "Not allowed" }
const titleOf = error => error.code === "maintenance" ? "In maintenance" : titles[error.status] ?? "Something is wrong"

/**
 * Shows what went wrong instead of a view, and tries again where that may help.
 * @param {import("../navigation.js").Page} page
 * @param {Error} error
 */
export const trouble = (page, error) => {
  if (!(error instanceof ApiError)) console.error(error)
  if (error.status === 401 && !session.user) return goToSignIn()
  if (error.status === 404) return notFound(page)
  const title = titleOf(error)
  page.title(title)
  page.render(message("alert", title,
    error instanceof ApiError ? error.message : "This page failed. Reloading it may help.",
    html`<button class="button" type="button" data-action="retry">${icon("restart")}Try again</button>`))
  const retry = () => dispatchEvent(new CustomEvent("reload"))
  page.actions({ retry })
  if (!passes(error)) return
  const next = setTimeout(retry, patience)
  page.signal.addEventListener("abort", () => clearTimeout(next))
}
