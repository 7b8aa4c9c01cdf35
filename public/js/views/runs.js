import { api } from "../api.js"
import { toast } from "../elements/toast-stack.js"
import { coalesced, EventFeed } from "../events.js"
import { firstLine, shortHash } from "../format.js"
import { html } from "../html.js"
import { paths, resource } from "../router.js"
import { begun, ownerName, ownerTrail, refChip, refOf, runDuration } from "../runs.js"
import { icon, runStatus, statusBadge } from "../status.js"

const pageLength = 30

const filters = {
  "": { title: "All", query: "" },
  active: { title: "Active", query: "&phase=queued&phase=running" },
  failed: { title: "Failed", query: "&result=failed" },
  success: { title: "Successful", query: "&result=success" },
}

const address = (owner, { show, ref }) => {
  const query = new URLSearchParams({ ...show && { show }, ...ref && { ref } }).toString()
  return paths.runs(owner) + (query && `?${query}`)
}

const runRow = (owner, choice) => run => {
  const ref = refOf(run.annotations ?? {})
  const group = `${ref.kind}/${encodeURIComponent(ref.name.replace(/^#/, ""))}`
  return html`
    <tr role="row" data-key="${run.number}">
      <td role="cell" class="cell-status">${statusBadge(runStatus(run))}</td>
      <th role="rowheader" scope="row" class="cell-main">
        <span class="run-number">#${run.number}</span>
        <a class="row-link" href="${paths.run(owner, run.number)}">${firstLine(run.annotations?.message) || run.name}</a>
        <span class="run-name">${run.name}</span>
      </th>
      <td role="cell" class="cell-ref"><a class="above" href="${address(owner, { ...choice, ref: group })}"
        aria-label="Only ${ref.kind} ${ref.name}">${refChip(run.annotations ?? {})}</a></td>
      <td role="cell" class="cell-commit mono">${shortHash(run.annotations?.commit_sha)}</td>
      <td role="cell" class="cell-duration">${runDuration(run)}</td>
      <td role="cell" class="cell-time"><relative-time datetime="${begun(run)}"></relative-time></td>
    </tr>`
}

const filterBar = (owner, choice) => html`
  <nav class="filters" aria-label="Which runs">
    ${Object.entries(filters).map(([show, { title }]) => html`
      <a class="filter" href="${address(owner, { ...choice, show })}" aria-current="${String(show === choice.show)}">${title}</a>`)}
    ${choice.ref && html`<a class="filter is-set" href="${address(owner, { show: choice.show })}"
      aria-label="Show all branches">${icon("branch")}${decodeURIComponent(choice.ref.split("/").slice(1).join("/"))}${icon("close")}</a>`}
  </nav>`

const example = `runs:
  - name: ci
    tasks:
      - name: test
        runtime:
          containers:
            - image: host
        steps:
          - clone:
          - run: make test`

const noRuns = owner => html`
  <section class="blank">
    ${icon("martlet")}
    <h2>No runs yet</h2>
    ${owner.kind === "user"
      ? html`<p>Run what is in your work tree, uncommitted changes and all:</p><pre class="command">martlet directrun start</pre>`
      : html`<p>Push a commit that has a pipeline in <code>.martlet/config.yml</code>, and its run appears here by itself.</p>
          <pre class="command">${example}</pre>`}
  </section>`

const nothingFits = owner => html`
  <section class="blank">${icon("martlet")}<h2>No such runs</h2><p>No run fits this filter.</p>
    <a class="button" href="${paths.runs(owner)}">Show all runs</a></section>`

const table = (owner, choice, { runs, cursor }) => html`
  <table class="rows rows-runs" role="table">
    <caption><span class="visually-hidden">Runs, newest first</span></caption>
    <thead role="rowgroup"><tr role="row"><th role="columnheader" scope="col">Status</th><th role="columnheader" scope="col">Run</th>
      <th role="columnheader" scope="col">Ref</th><th role="columnheader" scope="col">Commit</th>
      <th role="columnheader" scope="col">Took</th><th role="columnheader" scope="col">When</th></tr></thead>
    <tbody role="rowgroup">${runs.map(runRow(owner, choice))}</tbody>
  </table>
  ${cursor && html`<p class="more"><button class="button" type="button" data-action="more">Load more</button></p>`}`

const chosen = choice => choice.show !== "" || choice.ref !== ""

const markup = (owner, choice, state) => html`
  <header class="page-head"><h1>${ownerName(owner)}</h1>${(state.runs.length > 0 || chosen(choice)) && filterBar(owner, choice)}</header>
  ${state.runs.length ? table(owner, choice, state) : chosen(choice) ? nothingFits(owner) : noRuns(owner)}`

const choiceIn = query => ({
  show: Object.hasOwn(filters, query.get("show") ?? "") ? query.get("show") ?? "" : "",
  ref: /^(branch|tag|pr)\/./.test(query.get("ref") ?? "") ? query.get("ref") : "",
})

/** A project's or user's runs, newest first. @param {import("../navigation.js").Page} page */
export const runs = async page => {
  const { params: { owner }, signal } = page
  const choice = choiceIn(page.query)
  const base = `${resource(owner)}/runs`
  const state = { runs: [], cursor: "" }
  const draw = () => page.render(markup(owner, choice, state))

  const load = async () => {
    const subgroup = choice.ref ? `&subgroup=${encodeURIComponent(choice.ref)}` : ""
    const { items, cursor } = await api.page(`${base}?limit=${pageLength}${filters[choice.show].query}${subgroup}`, { signal })
    const oldest = items.at(-1)?.number ?? 0
    const older = cursor ? state.runs.filter(run => run.number < oldest) : []
    if (older.length === 0) state.cursor = cursor
    state.runs = [...items, ...older]
  }

  const more = async () => {
    const { items, cursor } = await api.page(`${base}?limit=${pageLength}&cursor=${encodeURIComponent(state.cursor)}`, { signal })
    const known = new Set(state.runs.map(run => run.number))
    state.runs = [...state.runs, ...items.filter(run => !known.has(run.number))]
    state.cursor = cursor
  }

  const showMore = async () => {
    await more()
    draw()
    history.replaceState({ ...history.state, shown: state.runs.length }, "")
  }

  page.title(ownerName(owner), ownerTrail(owner))
  // Coming back, the reader finds as many runs as before.
  const shown = history.state?.shown ?? 0
  await load()
  while (state.cursor && state.runs.length < shown) await more()
  draw()
  const reload = coalesced(() => load().then(draw), signal)
  const sync = () => reload().catch(() => null)
  const patch = change => {
    const known = state.runs.find(run => run.number === change.number)
    if (known) Object.assign(known, { phase: change.phase, result: change.result })
    draw()
    sync()
  }
  new EventFeed(`${resource(owner)}/events`, { open: sync, run: patch, reset: sync }, signal)
  page.actions({ more: () => showMore().catch(error => toast(error.message, "trouble")) })
}
