// Moves between views without loading a page: links, history, title, focus and scroll.

import { html } from "./html.js"
import { morph } from "./morph.js"
import { match } from "./router.js"

const isPlainClick = event =>
  event.button === 0 && !event.defaultPrevented && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey

/** What a view gets: its place in the URL, and the means to show itself. It ends when `signal` aborts. */
export class Page {
  #navigation
  #outlet = null

  constructor(navigation, route, url, signal) {
    this.#navigation = navigation
    this.route = route
    this.params = route.params
    this.query = url.searchParams
    this.hash = url.hash
    this.signal = signal
    /** Called when only the query or the fragment changed; a view that leaves it null is shown anew. */
    this.moved = null
  }

  get outlet() {
    return this.#outlet
  }

  /** Shows markup: the first time in place of the view before, afterwards by changing what is there. */
  render(markup) {
    if (this.signal.aborted) return
    if (this.#outlet) return morph(this.#outlet, markup)
    this.#outlet = document.createElement("div")
    this.#outlet.className = `view view-${this.route.view}`
    morph(this.#outlet, markup)
    this.#navigation.present(this.#outlet)
  }

  /** @param {string} text @param {{href?: string, text: string}[]} [trail] */
  title(text, trail = []) {
    if (this.signal.aborted) return
    document.title = text ? `${text} · Martlet` : "Martlet"
    morph(document.getElementById("trail"), html`
      <ol>${trail.map(({ href, text: name }) => html`
        <li>${href ? html`<a href="${href}">${name}</a>` : html`<span aria-current="page">${name}</span>`}</li>`)}
      </ol>`)
  }

  /** Handles clicks on elements with `data-action`. @param {Record<string, (element: HTMLElement) => void>} actions */
  actions(actions) {
    document.getElementById("main").addEventListener("click", event => {
      const element = event.target.closest("[data-action]")
      actions[element?.dataset.action]?.(element)
    }, { signal: this.signal })
  }
}

/** The one who knows where we are. */
export class Navigation {
  #main = document.getElementById("main")
  #showTrouble
  #views
  #abort = new AbortController()
  #page = null
  #url = null
  #arrival = { focus: false, scroll: 0 }

  /**
   * @param {Record<string, (page: Page) => unknown>} views by the names the router gives them
   * @param {(page: Page, error: Error) => void} showTrouble what to show when a view fails
   */
  constructor(views, showTrouble) {
    this.#views = views
    this.#showTrouble = showTrouble
  }

  start() {
    history.scrollRestoration = "manual"
    document.addEventListener("click", event => this.#clicked(event))
    addEventListener("popstate", event => this.#move({ focus: true, scroll: event.state?.scroll ?? 0 }))
    addEventListener("scrollend", () => this.#rememberScroll())
    this.#move({ focus: false, scroll: history.state?.scroll ?? 0 })
  }

  /** @param {string} href of this site @param {{replace?: boolean}} [options] */
  go(href, { replace = false } = {}) {
    if (replace) history.replaceState(null, "", href)
    else history.pushState(null, "", href)
    this.#move({ focus: true, scroll: 0 })
  }

  /** Shows the current place anew. */
  reload() {
    this.#url = null
    this.#move({ focus: false, scroll: scrollY })
  }

  /** A view shows itself for the first time. */
  present(element) {
    document.documentElement.classList.remove("is-loading")
    this.#main.replaceChildren(element)
    const { focus, scroll } = this.#arrival
    if (!location.hash) scrollTo(0, scroll)
    if (!focus) return
    const heading = element.querySelector("h1") ?? this.#main
    heading.tabIndex = -1
    heading.focus({ preventScroll: true })
  }

  #rememberScroll() {
    history.replaceState({ ...history.state, scroll: scrollY }, "")
  }

  #clicked(event) {
    const link = event.target.closest("a[href]")
    if (!link || !isPlainClick(event) || link.target || link.hasAttribute("download")) return
    const url = new URL(link.href)
    if (url.origin !== location.origin || url.pathname.startsWith("/api/")) return
    const samePlace = url.pathname === location.pathname && url.search === location.search
    if (url.hash && samePlace) return
    event.preventDefault()
    this.go(url.href, { replace: url.href === location.href })
  }

  #move(arrival) {
    const url = new URL(location.href)
    const before = this.#url
    this.#url = url
    if (before?.pathname === url.pathname) {
      if (this.#page.moved) return this.#page.moved(url.searchParams, url.hash)
      if (before.search === url.search && before.hash !== url.hash) return
    }
    this.#arrival = arrival
    this.#abort.abort()
    this.#abort = new AbortController()
    this.#open(match(url.pathname, url.searchParams), url, this.#abort.signal)
  }

  async #open(route, url, signal) {
    const page = new Page(this, route, url, signal)
    this.#page = page
    const slow = setTimeout(() => document.documentElement.classList.add("is-loading"), 150)
    try {
      await this.#views[route.view](page)
    } catch (error) {
      if (!signal.aborted) this.#showTrouble(page, error)
    } finally {
      clearTimeout(slow)
      if (this.#page === page) document.documentElement.classList.remove("is-loading")
    }
  }
}
