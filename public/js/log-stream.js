// Reads the log of one step as it is written, from the byte where it was left, over any number of broken connections.

import { api, ApiError } from "./api.js"
import { whileAttended } from "./attention.js"

const firstPause = 500
const longestPause = 10_000
// A finished step's log ends at once; a connection that died silently would hide its last lines.
const patience = 3000

const pause = time => new Promise(resolve => setTimeout(resolve, time))

/**
 * What is known of a step's log: whether more may come, and whether there can be anything yet.
 * @typedef {{live: boolean, started: boolean}} LogState
 *
 * @typedef {object} Reader
 * @property {(bytes: Uint8Array, signal: AbortSignal) => Promise<void>} take handles bytes in their order
 * @property {(complete: boolean) => Promise<void>} ended a reading came to its end; `complete` when nothing can follow
 * @property {(problem: string) => void} say what to tell the reader; empty when all is well
 * @property {(state: LogState) => void} absent there is no log (yet)
 */

/** One log, read until `signal` aborts. */
export class LogStream {
  #path
  #reader
  #signal
  #bytes = 0
  #live = false
  #state = "idle"
  #abort = new AbortController()

  /**
   * @param {string} path of the API, with its query
   * @param {Reader} reader
   * @param {AbortSignal} signal
   */
  constructor(path, reader, signal) {
    this.#path = path
    this.#reader = reader
    this.#signal = signal
    signal.addEventListener("abort", () => this.#abort.abort())
    whileAttended({ leave: () => this.#interrupt(), come: () => this.#resume() }, signal)
  }

  /** The step is in this state now: reads, reads on, or stops waiting. @param {LogState} state */
  update({ live, started }) {
    const over = this.#live && !live
    this.#live = live
    if (this.#state === "reading") return over ? this.#hurry(this.#abort.signal) : undefined
    if (!started) return this.#reader.absent({ live, started })
    if (this.#state === "idle" || live || over) this.#read(this.#abort.signal)
  }

  async #read(signal) {
    this.#state = "reading"
    for (let wait = firstPause; ; wait = Math.min(longestPause, wait * 2)) {
      const before = this.#bytes
      const again = await this.#receive(signal)
      if (signal.aborted) return
      if (!again) break
      if (this.#bytes > before) wait = firstPause
      await pause(wait)
      if (signal.aborted) return
    }
    this.#state = "ended"
  }

  // Whether to try again.
  async #receive(signal) {
    const query = `${this.#live ? "&follow" : ""}${this.#bytes ? `&offset=${this.#bytes}` : ""}`
    try {
      const response = await api.stream(this.#path + query, { signal })
      this.#reader.say("")
      for await (const bytes of pieces(response.body.getReader())) {
        if (signal.aborted) return false
        this.#bytes += bytes.length
        await this.#reader.take(bytes, signal)
      }
      await this.#reader.ended(!this.#live)
      return false
    } catch (error) {
      return !signal.aborted && this.#failed(error)
    }
  }

  #failed(error) {
    const status = error instanceof ApiError ? error.status : 0
    if (status === 404 || status === 416) {
      if (this.#bytes === 0) this.#reader.absent({ live: this.#live, started: true })
      // No event tells of a running step's first byte.
      return status === 404 && this.#live
    }
    const passing = status === 0 || status >= 500
    this.#reader.say(passing ? `${status ? error.message : "The connection broke."} Trying again…` : error.message)
    return passing
  }

  async #hurry(signal) {
    await pause(patience)
    if (signal.aborted) return
    this.#interrupt()
    this.#resume()
  }

  #interrupt() {
    if (this.#state !== "reading") return
    this.#abort.abort()
    this.#state = "interrupted"
  }

  #resume() {
    if (this.#state !== "interrupted" || this.#signal.aborted) return
    this.#abort = new AbortController()
    this.#read(this.#abort.signal)
  }
}

const pieceLength = 64 * 1024

// A finished log arrives in few big pieces; small ones leave room for frames between them.
async function* pieces(reader) {
  for (;;) {
    const { value, done } = await reader.read()
    if (done) return
    for (let at = 0; at < value.length; at += pieceLength) yield value.subarray(at, at + pieceLength)
  }
}
