import "../elements/run-timeline.js"
import "../elements/task-graph.js"
import { announce } from "../announcer.js"
import { api } from "../api.js"
import { coalesced, EventFeed } from "../events.js"
import { firstLine, shortHash, webLink } from "../format.js"
import { html } from "../html.js"
import { resource } from "../router.js"
import { begun, ownerTrail, refChip, runActions, runDuration, runHandlers } from "../runs.js"
import { session } from "../session.js"
import { icon, isOver, runStatus, statusBadge, statusWord } from "../status.js"

const commit = annotations => {
  const sha = shortHash(annotations.commit_sha)
  const link = webLink(annotations.commit_link)
  return sha && html`<span class="fact">${icon("commit")}${link ? html`<a class="mono" href="${link}">${sha}</a>` : html`<span class="mono">${sha}</span>`}</span>`
}

const message = annotations => {
  const [, ...rest] = (annotations.message ?? "").trim().split("\n")
  const body = rest.join("\n").trim()
  return body && html`<details class="message-body"><summary>Whole message</summary><pre>${body}</pre></details>`
}

const setupErrors = run => run.setup_errors?.length > 0 && html`
  <section class="notice is-bad" aria-labelledby="setup-errors">
    <h2 id="setup-errors">The pipeline could not be set up</h2>
    <ul class="setup-errors">${run.setup_errors.map(error => html`<li><pre>${error}</pre></li>`)}</ul>
  </section>`

const approval = run => run.tasks_waiting_approval?.length > 0 && html`
  <p class="notice">${icon("waiting")}This run waits for approval: ${run.tasks_waiting_approval.map(id => run.tasks?.[id]?.name).filter(Boolean).join(", ")}.</p>`

const tasks = run => Object.keys(run.tasks ?? {}).length > 0 && html`
  <section aria-labelledby="graph-title"><h2 class="visually-hidden" id="graph-title">Tasks</h2><task-graph></task-graph></section>
  <section aria-labelledby="timeline-title"><h2 class="section-title" id="timeline-title">Timeline</h2><run-timeline></run-timeline></section>`

const markup = run => {
  const annotations = run.annotations ?? {}
  return html`
    <header class="page-head run-head">
      <div class="run-title">
        ${statusBadge(runStatus(run))}
        <h1>${firstLine(annotations.message) || run.name}</h1>
      </div>
      <div class="page-actions">${session.user && runActions(run)}</div>
      <div class="facts">
        <span class="fact">${run.name} <span class="soft">#${run.number}</span></span>
        ${refChip(annotations)} ${commit(annotations)}
        ${run.start_time && html`<span class="fact">${icon("clock")}${runDuration(run)}</span>`}
        <span class="fact soft"><relative-time datetime="${begun(run)}"></relative-time></span>
      </div>
      ${message(annotations)}
    </header>
    ${setupErrors(run)} ${approval(run)} ${tasks(run)}`
}

/** A run and its task graph. @param {import("../navigation.js").Page} page */
export const run = async page => {
  const { params: { owner, number }, signal } = page
  const path = `${resource(owner)}/runs/${number}`
  let status = null

  const load = async () => {
    const current = await api.get(path, { signal })
    const fresh = runStatus(current)
    page.title(`${statusWord(fresh)} · #${number} ${current.name}`, [...ownerTrail(owner), { text: `#${number}` }])
    page.render(markup(current))
    page.outlet.querySelector("task-graph")?.show(owner, current)
    page.outlet.querySelector("run-timeline")?.show(owner, current)
    if (status && status !== fresh) announce(`Run ${number}: ${statusWord(fresh)}`)
    status = fresh
    return isOver(current)
  }

  const once = coalesced(load, signal)
  const sync = () => once().catch(() => null)
  await once()
  new EventFeed(`${path}/events`, { open: sync, run: sync, task: sync, reset: sync }, signal)
  page.actions(runHandlers(owner, number, sync))
}
