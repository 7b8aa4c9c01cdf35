// Who is signed in.

import { api, ApiError } from "./api.js"

/** @typedef {{id: string, username: string, tokens: string[]}} User */

const sourceName = "local"

// The script-readable half of the session: without it the server would only refuse.
const mayBeSignedIn = () => /(?:^|;\s*)secondarysession=/.test(document.cookie)

/** The session of this page. */
export const session = {
  /** @type {User | null} */
  user: null,

  /** Asks the server who is signed in; nobody is not an error. */
  async load() {
    this.user = null
    if (!mayBeSignedIn()) return null
    try {
      this.user = await api.get("/user")
    } catch (error) {
      if (!(error instanceof ApiError) || (error.status !== 401 && error.status !== 403)) throw error
    }
    return this.user
  },

  /** @param {string} name @param {string} password */
  async signIn(name, password) {
    await api.post("/auth/login", { remote_source_name: sourceName, login_name: name, password })
    return this.load()
  },

  /** The server refuses a session whose second cookie is gone. */
  signOut() {
    document.cookie = "secondarysession=; path=/; max-age=0; samesite=strict"
    this.user = null
  },
}
