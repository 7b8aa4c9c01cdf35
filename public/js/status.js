// The states of runs, tasks and steps: one word and one shape each.

import { html } from "./html.js"

const words = {
  queued: "Queued",
  notstarted: "Waiting",
  running: "Running",
  stopping: "Stopping",
  waiting: "Needs approval",
  success: "Success",
  failed: "Failed",
  stopped: "Stopped",
  cancelled: "Cancelled",
  skipped: "Skipped",
  setuperror: "Setup error",
}

/**
 * @param {{phase: string, result: string, stopping?: boolean, tasks_waiting_approval?: string[]}} run
 * @returns {string} one of the states above
 */
export const runStatus = run => {
  if (run.phase === "finished") return run.result === "unknown" ? "stopped" : run.result
  if (run.phase !== "running") return run.phase
  if (run.stopping) return "stopping"
  return run.tasks_waiting_approval?.length ? "waiting" : "running"
}

/** @param {{status: string, waiting_approval?: boolean, approved?: boolean}} task */
export const taskStatus = task =>
  task.status === "notstarted" && task.waiting_approval && !task.approved ? "waiting" : task.status

/** @param {{phase: string}} run whether nothing will change any more */
export const isOver = run => ["finished", "cancelled", "setuperror"].includes(run.phase)

/** @param {string} status */
export const statusWord = status => words[status] ?? status

/** @param {string} status the shape alone, for places where the word stands elsewhere */
export const statusShape = status => html`
  <svg class="status-shape" data-status="${status}" aria-hidden="true"><use href="#icon-${status}"></use></svg>`

/** @param {string} status shape and word */
export const statusBadge = status => html`
  <span class="status" data-status="${status}">${statusShape(status)}<span class="status-word">${statusWord(status)}</span></span>`

/** @param {string} name of a symbol in the sprite */
export const icon = name => html`<svg class="icon" aria-hidden="true"><use href="#icon-${name}"></use></svg>`
