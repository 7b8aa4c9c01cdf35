// Which view a path shows, and the path of each view. Pure.
//
//   /                                    projects of whoever is signed in
//   /sign-in  /account
//   /user/admin                          a root group: its groups and projects
//   /user/admin/tools/-/group            a group further down
//   /user/admin/tools/hello              a project: its runs
//   /user/admin/tools/hello/-/runs/7     a run
//   /user/admin/tools/hello/-/runs/7/tasks/build?step=2#L120
//   /user/admin/-/runs                   direct runs of a user, and below them as for a project
//
// What stands before `/-/` is a path of the API; no name can be a lone dash, so nothing is ambiguous.
// `/login` and `/run?projectref=…&runnumber=…` are what Agola links to.

/**
 * @typedef {{kind: "project" | "user", path: string}} Owner whose runs are meant
 * @typedef {{view: string, params: {owner?: Owner, path?: string, number?: number, task?: string}}} Route
 */

const nowhere = { view: "notFound", params: {} }

const segmentsOf = pathname => {
  try {
    return pathname.split("/").filter(Boolean).map(decodeURIComponent)
  } catch {
    return null
  }
}

const ownerOf = (kind, segments) => {
  if (segments.length > 2) return { kind: "project", path: segments.join("/") }
  return kind === "user" ? { kind: "user", path: segments.join("/") } : null
}

const matchRuns = (owner, [number, tasks, task, ...rest]) => {
  if (!owner || rest.length > 0) return nowhere
  if (number === undefined) return { view: "runs", params: { owner } }
  if (!/^[1-9]\d{0,15}$/.test(number)) return nowhere
  const params = { owner, number: Number(number) }
  if (tasks === undefined) return { view: "run", params }
  return tasks === "tasks" && task ? { view: "task", params: { ...params, task } } : nowhere
}

const matchPath = segments => {
  const dash = segments.indexOf("-")
  const left = dash < 0 ? segments : segments.slice(0, dash)
  const right = dash < 0 ? [] : segments.slice(dash + 1)
  if (left.length < 2) return nowhere
  if (right[0] === "runs") return matchRuns(ownerOf(left[0], left), right.slice(1))
  if (right[0] === "group" && right.length === 1) return { view: "group", params: { path: left.join("/") } }
  if (dash >= 0) return nowhere
  return left.length === 2
    ? { view: "group", params: { path: left.join("/") } }
    : { view: "runs", params: { owner: ownerOf(left[0], left) } }
}

const matchAgolaRun = query => {
  const segments = (query.get("projectref") ?? "").split("/").filter(Boolean)
  return segments.length > 2 ? matchRuns(ownerOf(segments[0], segments), [query.get("runnumber") ?? ""]) : nowhere
}

/**
 * @param {string} pathname
 * @param {URLSearchParams} [query]
 * @returns {Route}
 */
export const match = (pathname, query = new URLSearchParams()) => {
  const segments = segmentsOf(pathname)
  if (!segments) return nowhere
  if (segments.length === 0) return { view: "home", params: {} }
  if (segments[0] === "user" || segments[0] === "org") return matchPath(segments)
  if (segments.length > 1) return nowhere
  if (segments[0] === "sign-in" || segments[0] === "login") return { view: "signIn", params: {} }
  if (segments[0] === "account") return { view: "account", params: {} }
  return segments[0] === "run" ? matchAgolaRun(query) : nowhere
}

const encoded = path => path.split("/").map(encodeURIComponent).join("/")

/** Paths of the views. */
export const paths = {
  /** @param {string} path */
  group: path => path.split("/").length > 2 ? `/${encoded(path)}/-/group` : `/${encoded(path)}`,

  /** @param {Owner} owner */
  runs: owner => owner.kind === "user" ? `/${encoded(owner.path)}/-/runs` : `/${encoded(owner.path)}`,

  /** @param {Owner} owner @param {number} number */
  run: (owner, number) => `/${encoded(owner.path)}/-/runs/${number}`,

  /** @param {Owner} owner @param {number} number @param {string} task @param {number | "setup"} [step] */
  task: (owner, number, task, step) =>
    `${paths.run(owner, number)}/tasks/${encodeURIComponent(task)}${step === undefined ? "" : `?step=${step}`}`,

  /** @param {string} from where to go after signing in */
  signIn: from => from && from !== "/" ? `/sign-in?from=${encodeURIComponent(from)}` : "/sign-in",
}

/**
 * Where to go after signing in: a path of this site, or home.
 * @param {string | null} from
 */
export const returnPath = from => {
  if (!from || !URL.canParse(from, location.origin)) return "/"
  const url = new URL(from, location.origin)
  return url.origin === location.origin && from.startsWith("/") ? url.pathname + url.search + url.hash : "/"
}

/**
 * The API's base path for an owner's runs.
 * @param {Owner} owner
 */
export const resource = owner =>
  owner.kind === "user"
    ? `/users/${encodeURIComponent(owner.path.split("/")[1])}`
    : `/projects/${encodeURIComponent(owner.path)}`
