import { api } from "../api.js"
import { coalesced, EventFeed } from "../events.js"
import { duration, firstLine, instant } from "../format.js"
import { html } from "../html.js"
import { paths, resource } from "../router.js"
import { begun, trailTo } from "../runs.js"
import { session } from "../session.js"
import { icon, runStatus, statusBadge, statusWord } from "../status.js"

const historyLength = 16
// Each open stream is one of the six connections a browser grants to a plain-HTTP host.
const mostFeeds = 3

const bar = (owner, run) => {
  const status = runStatus(run)
  const took = run.start_time && run.end_time ? ` in ${duration(instant(run.end_time) - instant(run.start_time))}` : ""
  return html`<a class="history-bar" data-key="${run.number}" data-status="${status}" href="${paths.run(owner, run.number)}"
    tabindex="-1" title="#${run.number} ${statusWord(status)}${took}"></a>`
}

const ownerRow = ({ owner, title, picture, note, runs }) => {
  const last = runs?.[0]
  return html`
    <tr role="row" data-key="${owner.kind} ${owner.path}">
      <th role="rowheader" scope="row" class="cell-name">
        ${icon(picture)}<a class="row-link" href="${paths.runs(owner)}">${title}</a>${note}
      </th>
      <td role="cell" class="cell-status">${last && statusBadge(runStatus(last))}</td>
      <td role="cell" class="cell-main">${last
        ? html`<span class="soft">#${last.number}</span> ${firstLine(last.annotations?.message)}`
        : html`<span class="faint">${runs ? "No runs yet" : ""}</span>`}</td>
      <td role="cell" class="cell-history"><span class="history" aria-hidden="true">${[...runs ?? []].reverse().map(run => bar(owner, run))}</span></td>
      <td role="cell" class="cell-time">${last && html`<relative-time datetime="${begun(last)}"></relative-time>`}</td>
    </tr>`
}

const privacy = project => project.global_visibility === "private" && html`
  <span class="privacy" title="Private">${icon("lock")}<span class="visually-hidden">private</span></span>`

const groupRow = group => html`
  <tr role="row" data-key="group ${group.path}">
    <th role="rowheader" scope="row" class="cell-name">${icon("group")}<a class="row-link" href="${paths.group(group.path)}">${group.name}</a></th>
    <td role="cell" class="cell-status"></td>
    <td role="cell" class="cell-main faint">Group</td>
    <td role="cell" class="cell-history"></td>
    <td role="cell" class="cell-time"></td>
  </tr>`

const none = html`
  <section class="blank">
    ${icon("martlet")}
    <h2>No projects yet</h2>
    <p>A project joins a repository to Martlet. Create one from the command line:</p>
    <pre class="command">martlet project create --help</pre>
  </section>`

const markup = ({ title, groups, rows }) => html`
  <header class="page-head"><h1>${title}</h1></header>
  ${rows.length + groups.length === 0 ? none : html`
    <table class="rows rows-projects" role="table">
      <caption><span class="visually-hidden">Projects and their latest runs</span></caption>
      <thead role="rowgroup"><tr role="row"><th role="columnheader" scope="col">Project</th><th role="columnheader" scope="col">Latest</th>
        <th role="columnheader" scope="col">Change</th><th role="columnheader" scope="col">History</th><th role="columnheader" scope="col">When</th></tr></thead>
      <tbody role="rowgroup">${rows.map(ownerRow)}${groups.map(groupRow)}</tbody>
    </table>`}`

const showGroup = async (page, path) => {
  const ref = encodeURIComponent(path)
  const { signal } = page
  const [groups, projects] = await Promise.all([
    api.get(`/projectgroups/${ref}/subgroups`, { signal }),
    api.get(`/projectgroups/${ref}/projects`, { signal }),
  ])
  const mine = path === `user/${session.user.username}`
  const rows = projects
    .sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }))
    .map(project => ({ owner: { kind: "project", path: project.path }, title: project.name, picture: "repository", note: privacy(project) }))
  if (mine && rows.length > 0) rows.push({ owner: { kind: "user", path }, title: "Direct runs", picture: "direct" })
  const title = mine ? "Projects" : path.split("/").at(-1)
  const draw = () => page.render(markup({ title, groups: groups.sort((a, b) => a.name.localeCompare(b.name)), rows }))
  page.title(title, trailTo(path, { whole: true }))

  const refresh = async row => {
    row.runs = await api.get(`${resource(row.owner)}/runs?limit=${historyLength}`, { signal })
    draw()
  }
  // One broken project must not hide the others.
  await Promise.allSettled(rows.map(refresh))
  draw()
  const latest = row => instant(row.runs?.[0] && begun(row.runs[0])) ?? 0
  for (const row of [...rows].sort((a, b) => latest(b) - latest(a)).slice(0, mostFeeds)) {
    const sync = coalesced(() => refresh(row).catch(() => null), signal)
    new EventFeed(`${resource(row.owner)}/events`, { open: sync, run: sync, reset: sync }, signal)
  }
}

/** A group's projects. @param {import("../navigation.js").Page} page */
export const group = page => showGroup(page, page.params.path)

/** The projects of whoever is signed in. @param {import("../navigation.js").Page} page */
export const home = page => showGroup(page, `user/${session.user.username}`)
