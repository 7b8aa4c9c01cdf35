// Keeps the page at its end while something grows there, but only as long as the reader stays at the end.

const nearEnd = 48

const distance = () => document.documentElement.scrollHeight - innerHeight - scrollY

/** Fires `followchange` on its element whenever it turns itself on or off. */
export class Follower {
  #element
  #on = false
  #lastScroll = 0
  #abort = null

  /** @param {HTMLElement} element */
  constructor(element) {
    this.#element = element
  }

  start() {
    this.#abort = new AbortController()
    addEventListener("scroll", () => this.#scrolled(), { signal: this.#abort.signal, passive: true })
  }

  stop() {
    this.#abort?.abort()
  }

  get on() {
    return this.#on
  }

  set on(value) {
    const changed = this.#on !== value
    this.#on = value
    if (value) this.grown()
    if (changed) this.#element.dispatchEvent(new CustomEvent("followchange", { bubbles: true, detail: value }))
  }

  /** The page became longer. */
  grown() {
    if (this.#on) scrollTo({ top: document.documentElement.scrollHeight, behavior: "instant" })
  }

  #scrolled() {
    const up = scrollY < this.#lastScroll
    this.#lastScroll = scrollY
    if (this.#on && up && distance() > nearEnd) this.on = false
  }
}
