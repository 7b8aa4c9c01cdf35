// What runs are about, and what can be done with them: shared by the pages that show runs.

import { api } from "./api.js"
import { confirmed } from "./elements/confirm-dialog.js"
import { toast } from "./elements/toast-stack.js"
import { html } from "./html.js"
import { paths, resource } from "./router.js"
import { icon, isOver } from "./status.js"

/**
 * What a run was made for.
 * @param {Record<string, string>} annotations
 * @returns {{kind: "branch" | "tag" | "pr", name: string, link?: string}}
 */
export const refOf = annotations => {
  if (annotations.pull_request_id) {
    return { kind: "pr", name: `#${annotations.pull_request_id}`, link: annotations.pull_request_link }
  }
  if (annotations.tag) return { kind: "tag", name: annotations.tag, link: annotations.tag_link }
  return { kind: "branch", name: annotations.branch ?? annotations.ref ?? "", link: annotations.branch_link }
}

/** @param {Record<string, string>} annotations */
export const refChip = annotations => {
  const ref = refOf(annotations)
  return ref.name && html`<span class="chip" title="${ref.kind}: ${ref.name}">${icon(ref.kind)}<span>${ref.name}</span></span>`
}

/**
 * The way from the top to a project or group, for the breadcrumb.
 * @param {string} path of a group or project
 * @param {{whole?: boolean}} [options] whether the last segment is a group, too
 */
export const trailTo = (path, { whole = false } = {}) => {
  const [kind, name, ...rest] = path.split("/")
  const groups = whole ? rest : rest.slice(0, -1)
  return [
    { href: paths.group(`${kind}/${name}`), text: name },
    ...groups.map((group, index) =>
      ({ href: paths.group([kind, name, ...rest.slice(0, index + 1)].join("/")), text: group })),
  ]
}

/** @param {import("./router.js").Owner} owner */
export const ownerName = owner => owner.kind === "user" ? "Direct runs" : owner.path.split("/").at(-1)

/** @param {import("./router.js").Owner} owner */
export const ownerTrail = owner => [
  ...trailTo(owner.path, { whole: owner.kind === "user" }),
  { href: paths.runs(owner), text: ownerName(owner) },
]

/** The buttons for what may be done with a run now. */
export const runActions = run => html`
  ${run.can_restart_from_failed_tasks && html`
    <button class="button" type="button" data-action="restartFailed">${icon("restart-failed")}Restart failed</button>`}
  ${run.can_restart_from_scratch && html`
    <button class="button" type="button" data-action="restart">${icon("restart")}Restart</button>`}
  ${run.phase === "queued" && html`
    <button class="button is-danger" type="button" data-action="cancel">${icon("cancelled")}Cancel</button>`}
  ${run.phase === "running" && html`
    <button class="button is-danger" type="button" data-action="stop" ${run.stopping && html`disabled`}>${icon("stopped")}Stop</button>`}`

const act = async (owner, number, body) => {
  try {
    return await api.put(`${resource(owner)}/runs/${number}/actions`, body)
  } catch (error) {
    toast(error.message, "trouble")
    return null
  }
}

const restart = async (owner, number, fromStart) => {
  const fresh = await act(owner, number, { action_type: "restart", from_start: fromStart })
  if (!fresh) return
  toast(`Restarted as #${fresh.number}.`)
  dispatchEvent(new CustomEvent("go", { detail: { href: paths.run(owner, fresh.number) } }))
}

/**
 * Handlers for the buttons of `runActions`.
 * @param {import("./router.js").Owner} owner
 * @param {number} number
 * @param {() => void} changed
 */
export const runHandlers = (owner, number, changed) => ({
  restart: () => restart(owner, number, true),
  restartFailed: () => restart(owner, number, false),
  cancel: async () => {
    if (await act(owner, number, { action_type: "cancel" })) changed()
  },
  stop: async () => {
    const sure = await confirmed({
      title: `Stop run #${number}?`,
      text: "Running tasks are ended and what has not started is left out. You can restart the run later.",
      action: "Stop the run",
    })
    if (sure && await act(owner, number, { action_type: "stop" })) changed()
  },
})

/** @param {any} run when it counts as begun for the reader */
export const begun = run => run.start_time ?? run.enqueue_time ?? ""

/** @param {any} run how long it took, or nothing when it never started */
export const runDuration = run => run.start_time && html`
  <elapsed-time start="${run.start_time}" end="${run.end_time ?? (isOver(run) ? run.start_time : "")}"></elapsed-time>`
