// Calls of the gateway. Every failure leaves as an ApiError that carries a sentence for the reader.

import { adjustClock } from "./clock.js"

const base = "/api/v1alpha"
let csrfToken = ""

/** A call that did not succeed. `status` is 0 when the server could not be reached. */
export class ApiError extends Error {
  /** @param {number} status @param {{code?: string, message?: string}[]} errors */
  constructor(status, errors = []) {
    super(errors.map(error => error.message || error.code).filter(Boolean).join(" ") || sentence(status))
    this.name = "ApiError"
    this.status = status
    this.code = errors[0]?.code ?? ""
  }
}

const sentences = {
  0: "The server cannot be reached. Is it running, and are you online?",
  401: "You are signed out.",
  403: "You may not do this.",
  404: "This does not exist, or you may not see it.",
}

const sentence = status => sentences[status]
  ?? (status >= 500 ? "The server failed to answer. Its log says why." : `The server refused this (${status}).`)

const failure = async response => {
  const errors = await response.json().catch(() => [])
  return new ApiError(response.status, Array.isArray(errors) ? errors : [])
}

const send = async (method, path, body, signal) => {
  const headers = csrfToken ? { "X-Csrf-Token": csrfToken } : {}
  if (body !== undefined) headers["Content-Type"] = "application/json"
  const request = { method, headers, body: body && JSON.stringify(body), signal, cache: "no-store" }
  const response = await fetch(base + path, request).catch(error => {
    throw error.name === "AbortError" ? error : new ApiError(0)
  })
  const fresh = response.headers.get("X-Csrf-Token")
  if (fresh) csrfToken = fresh
  adjustClock(response.headers.get("Date"))
  return response
}

// A CSRF refusal is plain text and brings a fresh token: one more try is right after a restart of the server.
const refusedToken = response =>
  response.status === 403 && (response.headers.get("Content-Type") ?? "").startsWith("text/plain")

const call = async (method, path, { body, signal } = {}) => {
  let response = await send(method, path, body, signal)
  if (method !== "GET" && refusedToken(response)) response = await send(method, path, body, signal)
  if (response.ok) return response
  const error = await failure(response)
  if (error.status === 401) dispatchEvent(new CustomEvent("signed-out"))
  throw error
}

const content = async response => {
  const text = await response.text()
  return text ? JSON.parse(text) : null
}

/**
 * The gateway's verbs: paths are relative to the API's base, bodies and answers are JSON.
 * @typedef {{signal?: AbortSignal}} Options
 */
export const api = {
  /** @param {string} path @param {Options} [options] */
  get: async (path, options) => content(await call("GET", path, options)),

  /**
   * One page of a list.
   * @param {string} path @param {Options} [options]
   * @returns {Promise<{items: any[], cursor: string}>}
   */
  page: async (path, options) => {
    const response = await call("GET", path, options)
    return { items: await content(response) ?? [], cursor: response.headers.get("X-Agola-Cursor") ?? "" }
  },

  /**
   * A body to be read as it arrives.
   * @param {string} path @param {Options} [options]
   */
  stream: (path, options) => call("GET", path, options),

  /** @param {string} path @param {object} body */
  post: async (path, body) => content(await call("POST", path, { body })),

  /** @param {string} path @param {object} body */
  put: async (path, body) => content(await call("PUT", path, { body })),

  /** @param {string} path */
  delete: async path => { await call("DELETE", path) },

  /** @param {string} path */
  url: path => base + path,
}
