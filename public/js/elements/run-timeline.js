import { everySecond, now } from "../clock.js"
import { instant } from "../format.js"
import { html } from "../html.js"
import { morph } from "../morph.js"
import { paths } from "../router.js"
import { statusShape, statusWord, taskStatus } from "../status.js"

const started = task => instant(task.start_time)

/** `<run-timeline>`: when each task ran, as bars on one axis of time. Give it `show(owner, run)`. */
class RunTimeline extends HTMLElement {
  #tasks = []
  #end = null
  #stop = null

  /**
   * @param {import("../router.js").Owner} owner
   * @param {any} run
   */
  show(owner, run) {
    this.#end = instant(run.end_time)
    this.#tasks = Object.values(run.tasks)
      .filter(task => started(task) !== null)
      .sort((a, b) => started(a) - started(b) || a.level - b.level)
    morph(this, this.#tasks.length
      ? html`<ol class="timeline">${this.#tasks.map(task => this.#row(owner, run, task))}</ol>`
      : html`<p class="blank-line">No task has started.</p>`)
    this.#measure()
    if (this.#end !== null) this.#rest()
    else this.#stop ??= everySecond(() => this.#measure())
  }

  disconnectedCallback() {
    this.#rest()
  }

  #row(owner, run, task) {
    const status = taskStatus(task)
    return html`
      <li class="timeline-row" data-key="${task.id}">
        <a class="timeline-name" href="${paths.task(owner, run.number, task.name)}">
          ${statusShape(status)}<span>${task.name}</span><span class="visually-hidden">${statusWord(status)}</span></a>
        <span class="timeline-track"><span class="timeline-bar" data-status="${status}" data-task="${task.id}"></span></span>
        <span class="timeline-time"><elapsed-time start="${task.start_time ?? ""}" end="${task.end_time ?? ""}"></elapsed-time></span>
      </li>`
  }

  #measure() {
    if (this.#tasks.length === 0) return
    const first = started(this.#tasks[0])
    const last = Math.max(this.#end ?? now(), ...this.#tasks.map(task => instant(task.end_time) ?? 0))
    const whole = Math.max(1, last - first)
    const bars = this.querySelectorAll(".timeline-bar")
    this.#tasks.forEach((task, index) => {
      const end = instant(task.end_time) ?? last
      bars[index].style.insetInlineStart = `${100 * (started(task) - first) / whole}%`
      bars[index].style.inlineSize = `${100 * Math.max(0, end - started(task)) / whole}%`
    })
  }

  #rest() {
    this.#stop?.()
    this.#stop = null
  }
}

customElements.define("run-timeline", RunTimeline)
