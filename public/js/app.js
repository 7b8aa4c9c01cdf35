// Boot: theme, session, views.

import "./theme.js"
import "./elements/confirm-dialog.js"
import "./elements/connection-light.js"
import "./elements/elapsed-time.js"
import "./elements/relative-time.js"
import "./elements/theme-switch.js"
import "./elements/toast-stack.js"
import { api } from "./api.js"
import { html } from "./html.js"
import { loadIcons } from "./icons.js"
import { morph } from "./morph.js"
import { Navigation } from "./navigation.js"
import { paths } from "./router.js"
import { session } from "./session.js"
import { icon } from "./status.js"
import { account } from "./views/account.js"
import { group, home } from "./views/group.js"
import { notFound, trouble } from "./views/not-found.js"
import { run } from "./views/run.js"
import { runs } from "./views/runs.js"
import { signIn } from "./views/sign-in.js"
import { task } from "./views/task.js"

const here = () => location.pathname + location.search + location.hash

const userMenu = user => user && html`
  <button class="button is-quiet" type="button" popovertarget="user-popover">
    ${icon("person")}<span class="user-name">${user.username}</span>${icon("chevron")}
  </button>
  <nav class="popover" id="user-popover" popover aria-label="Account">
    <a href="/">Projects</a>
    <a href="${paths.runs({ kind: "user", path: `user/${user.username}` })}">Direct runs</a>
    <a href="/account">Account and tokens</a>
    <button type="button" id="sign-out">Sign out</button>
  </nav>`

const showUser = () => morph(document.getElementById("user-menu"), html`${userMenu(session.user)}`)

const showVersion = async () => {
  const { version } = await api.get("/version").catch(() => ({}))
  if (version) document.getElementById("version").textContent = `Martlet ${version}`
}

const goToSignIn = () => navigation.go(paths.signIn(here()), { replace: true })

// Runs and tasks of a public project are for everybody; the rest of the API asks who is there. While the server cannot say that,
// nobody is signed out.
const forSignedIn = view => async page => {
  if (!session.user && await session.load()) showUser()
  if (page.signal.aborted) return
  return session.user ? view(page) : goToSignIn()
}

const navigation = new Navigation({
  account: forSignedIn(account), group: forSignedIn(group), home: forSignedIn(home), runs: forSignedIn(runs),
  notFound, run, signIn, task,
}, trouble)

addEventListener("signed-in", event => {
  showUser()
  navigation.go(event.detail.href, { replace: true })
})

addEventListener("signed-out", () => {
  const known = session.user !== null
  session.user = null
  showUser()
  if (known) goToSignIn()
})

addEventListener("go", event => navigation.go(event.detail.href))
addEventListener("reload", () => navigation.reload())

document.getElementById("user-menu").addEventListener("click", event => {
  document.getElementById("user-popover")?.hidePopover()
  if (!event.target.closest("#sign-out")) return
  session.signOut()
  showUser()
  navigation.go("/sign-in")
})

// A server that cannot be reached is told by the view, which meets the same failure.
await Promise.allSettled([loadIcons(), session.load()])
showUser()
navigation.start()
showVersion()
