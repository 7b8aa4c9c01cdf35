import "../elements/step-log.js"
import { announce } from "../announcer.js"
import { api, ApiError } from "../api.js"
import { toast } from "../elements/toast-stack.js"
import { coalesced, EventFeed } from "../events.js"
import { html } from "../html.js"
import { paths, resource } from "../router.js"
import { ownerTrail } from "../runs.js"
import { session } from "../session.js"
import { icon, statusBadge, statusShape, statusWord, taskStatus } from "../status.js"

const stepsOf = task => [
  { key: "setup", ...task.setup_step, name: "Set up" },
  ...task.steps.map((step, index) => ({ key: String(index), ...step })),
]

/** The step to show when the reader chose none: the one running, the one that failed, or the last. */
export const telling = steps =>
  steps.find(step => step.phase === "running")
  ?? steps.find(step => step.phase === "failed")
  ?? steps.findLast(step => step.phase !== "notstarted" && step.key !== "setup")
  ?? steps[0]

const stepRow = (link, chosen) => step => html`
  <li data-key="${step.key}">
    <a class="step" href="${link(step.key)}" aria-current="${String(step === chosen)}" data-status="${step.phase}">
      ${statusShape(step.phase)}
      <span class="step-name">${step.name || firstCommand(step)}</span>
      <span class="visually-hidden">${statusWord(step.phase)}</span>
      <span class="step-note">${exit(step)}<elapsed-time start="${step.start_time ?? ""}" end="${step.end_time ?? ""}"></elapsed-time></span>
    </a>
  </li>`

const firstCommand = step => step.command?.trim().split("\n", 1)[0] || step.type

const exit = step => Number.isInteger(step.exit_status) && step.exit_status !== 0
  && html`<span class="exit" title="Exit status">exit ${step.exit_status}</span>`

const command = step => step.command && html`
  <details class="step-command"><summary>Command</summary><pre>${step.command}</pre></details>`

const markup = ({ task, steps, chosen, link, raw, follow, wrap }) => html`
  <header class="page-head run-head">
    <div class="run-title">${statusBadge(taskStatus(task))}<h1>${task.name}</h1></div>
    <div class="page-actions">${session.user && task.waiting_approval && !task.approved && html`
      <button class="button is-primary" type="button" data-action="approve">${icon("tick")}Approve</button>`}</div>
    <div class="facts">
      ${task.start_time && html`<span class="fact">${icon("clock")}<elapsed-time start="${task.start_time}" end="${task.end_time ?? ""}"></elapsed-time></span>`}
      ${task.containers?.map(container => html`<span class="fact mono">${icon("box")}${container.image}</span>`)}
      ${task.timedout && html`<span class="fact">Timed out</span>`}
    </div>
  </header>
  <div class="task-body">
    <nav class="steps" aria-label="Steps"><ol>${steps.map(stepRow(link, chosen))}</ol></nav>
    <section class="log" aria-labelledby="log-title" data-wrap="${String(wrap)}">
      <div class="log-bar">
        <h2 id="log-title">${statusShape(chosen.phase)}<span>${chosen.name || firstCommand(chosen)}</span>${exit(chosen)}</h2>
        <div class="log-tools">
          <button class="button is-quiet" type="button" data-action="wrap" aria-pressed="${String(wrap)}">${icon("wrap")}<span>Wrap</span></button>
          <a class="button is-quiet" href="${raw}" target="_blank" rel="noopener">${icon("raw")}<span>Raw</span></a>
          <button class="button is-quiet" type="button" data-action="follow" aria-pressed="${String(follow)}">${icon("follow")}<span>Follow</span></button>
        </div>
      </div>
      ${command(chosen)}
      <step-log aria-label="Log of ${chosen.name || firstCommand(chosen)}"></step-log>
    </section>
  </div>`

/** A task: its steps and their logs. */
class TaskView {
  #page
  #path
  #task = null
  #run = null
  #choice
  #chosen = null
  #shown = null
  #wrap = localStorage.getItem("wrap") !== "false"

  constructor(page) {
    const { owner, number } = page.params
    this.#page = page
    this.#path = `${resource(owner)}/runs/${number}`
    this.#choice = page.query.get("step")
  }

  async start() {
    const { signal } = this.#page
    const once = coalesced(() => this.#load(), signal)
    const sync = () => once().catch(() => null)
    await once()
    const task = change => change.task_id === this.#task.id && sync()
    new EventFeed(`${this.#path}/events`, { open: sync, run: sync, task, reset: sync }, signal)
    this.#page.moved = (query, hash) => this.#moved(query, hash)
    this.#page.actions({
      follow: () => { this.#log.follow = !this.#log.follow },
      wrap: () => this.#toggleWrap(),
      approve: () => this.#approve(sync),
    })
    this.#page.outlet.addEventListener("followchange", () => this.#draw())
    this.#page.outlet.addEventListener("linechosen", event => this.#lineChosen(event.detail))
  }

  get #log() {
    return this.#page.outlet.querySelector("step-log")
  }

  async #load() {
    const { params, signal } = this.#page
    this.#run = await api.get(this.#path, { signal })
    const tasks = Object.values(this.#run.tasks ?? {})
    const known = tasks.find(task => task.name === params.task) ?? this.#run.tasks?.[params.task]
    if (!known) throw new ApiError(404)
    const before = this.#task?.status
    this.#task = { ...known, ...await api.get(`${this.#path}/tasks/${known.id}`, { signal }) }
    if (before && before !== this.#task.status) announce(`${this.#task.name}: ${statusWord(this.#task.status)}`)
    this.#draw()
  }

  #draw() {
    const { owner, number } = this.#page.params
    const task = this.#task
    const steps = stepsOf(task)
    const chosen = this.#choose(steps)
    this.#chosen = chosen
    const logs = `${this.#path}/tasks/${task.id}/logs?${chosen.key === "setup" ? "setup" : `step=${chosen.key}`}`
    this.#page.title(`${statusWord(taskStatus(task))} · ${task.name} #${number}`, [
      ...ownerTrail(owner), { href: paths.run(owner, number), text: `#${number}` }, { text: task.name }])
    this.#page.render(markup({
      task, steps, chosen, wrap: this.#wrap, raw: api.url(logs), follow: this.#following,
      link: key => this.#link(key),
    }))
    this.#showLog(logs, chosen)
  }

  // Nothing is taken from under the eyes of a reader who stopped following.
  #choose(steps) {
    const stays = this.#chosen && !this.#following ? this.#chosen.key : null
    return steps.find(step => step.key === (this.#choice ?? stays)) ?? telling(steps)
  }

  get #following() {
    return this.#page.outlet ? this.#log.follow : false
  }

  #showLog(path, step) {
    const waits = step.phase === "notstarted"
    const state = {
      live: step.phase === "running" || (waits && ["notstarted", "running"].includes(this.#task.status)),
      started: !waits && step.phase !== "cancelled",
    }
    if (this.#shown === path) return this.#log.update(state)
    this.#shown = path
    this.#log.open(path, state)
  }

  // The step belongs to the link: which one is shown by itself changes while the task runs.
  #lineChosen(number) {
    this.#choice = this.#chosen.key
    history.replaceState(history.state, "", `${this.#link(this.#choice)}#L${number}`)
    this.#draw()
  }

  #link(step) {
    const { owner, number, task } = this.#page.params
    return paths.task(owner, number, task, step)
  }

  #moved(query, hash) {
    this.#choice = query.get("step")
    this.#draw()
    if (hash) this.#log.showLine()
    else if (!this.#following) this.#showTop()
  }

  #showTop() {
    const log = this.#page.outlet.querySelector(".log")
    if (log.getBoundingClientRect().top < 0) log.scrollIntoView({ block: "start" })
  }

  #toggleWrap() {
    this.#wrap = !this.#wrap
    localStorage.setItem("wrap", String(this.#wrap))
    this.#draw()
  }

  async #approve(sync) {
    try {
      await api.put(`${this.#path}/tasks/${this.#task.id}/actions`, { action_type: "approve" })
      sync()
    } catch (error) {
      toast(error.message, "trouble")
    }
  }
}

/** @param {import("../navigation.js").Page} page */
export const task = page => new TaskView(page).start()
