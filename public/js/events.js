// A stream of changes that survives lost connections, and the loader that follows it.

import { api } from "./api.js"
import { whileAttended } from "./attention.js"

const firstPause = 500
const longestPause = 15_000

/**
 * Follows the server-sent events under `path` until `signal` aborts. `on.open` is called at each (re)connection,
 * `on.run` and `on.task` with the data of an event, `on.reset` when events may have been missed.
 */
export class EventFeed {
  #path
  #on
  #source = null
  #last = ""
  #pause = firstPause
  #timer = 0

  /**
   * @param {string} path
   * @param {{open?: () => void, run?: (data: any) => void, task?: (data: any) => void, reset?: () => void}} on
   * @param {AbortSignal} signal
   */
  constructor(path, on, signal) {
    this.#path = path
    this.#on = on
    if (signal.aborted) return
    signal.addEventListener("abort", () => this.#close("off"))
    whileAttended({ leave: () => this.#close("off"), come: () => this.#open() }, signal)
    this.#open()
  }

  #open() {
    const after = this.#last ? `?after=${encodeURIComponent(this.#last)}` : ""
    const source = new EventSource(api.url(this.#path) + after)
    this.#source = source
    source.addEventListener("open", () => {
      this.#pause = firstPause
      report("live")
      this.#on.open?.()
    })
    source.addEventListener("error", () => this.#failed())
    for (const name of ["run", "task"]) {
      source.addEventListener(name, event => {
        this.#last = event.lastEventId || this.#last
        this.#on[name]?.(JSON.parse(event.data))
      })
    }
    source.addEventListener("reset", () => {
      this.#last = ""
      this.#on.reset?.()
    })
  }

  #failed() {
    this.#close("reconnecting")
    this.#timer = setTimeout(() => this.#open(), this.#pause * (0.8 + 0.4 * Math.random()))
    this.#pause = Math.min(longestPause, this.#pause * 2)
  }

  #close(state) {
    clearTimeout(this.#timer)
    this.#source?.close()
    this.#source = null
    report(state)
  }
}

const report = state => dispatchEvent(new CustomEvent("connection", { detail: state }))

/**
 * Wraps a load so that any number of requests for it while it runs become one more load, at most one per
 * `interval` milliseconds.
 * @param {() => Promise<void>} load
 * @param {AbortSignal} signal
 * @param {number} [interval]
 * @returns {() => Promise<void>} settles when the data are at least as new as the call
 */
export const coalesced = (load, signal, interval = 200) => {
  let current = null
  let next = null

  const start = () => {
    const rest = new Promise(resolve => setTimeout(resolve, interval))
    const loaded = load()
    current = loaded.then(() => rest, () => rest).finally(() => { current = null })
    return loaded
  }

  return () => {
    if (signal.aborted) return Promise.resolve()
    if (!current) return start()
    next ??= current.then(() => {
      next = null
      return signal.aborted ? undefined : start()
    })
    return next
  }
}
