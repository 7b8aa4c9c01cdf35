import { layout, nodeUnits } from "../graph.js"
import { html } from "../html.js"
import { morph } from "../morph.js"
import { paths } from "../router.js"
import { statusShape, statusWord, taskStatus } from "../status.js"

// All in grid units of a quarter of a root em, so that text size and drawing grow together.
const roomy = { node: 52, gap: 16 }
const tight = { node: 48, gap: 12 }

const left = (column, widths) => column * (widths.node + widths.gap)

const path = (points, widths) => points.slice(1).reduce((drawn, to, index) => {
  const from = points[index]
  const [x1, x2] = [left(from.column, widths) + widths.node, left(to.column, widths)]
  // A lane crosses its column as a straight line.
  const lead = index > 0 ? `L${x1} ${from.middle}` : `M${x1} ${from.middle}`
  const bend = (x2 - x1) / 2
  return `${drawn}${lead}C${x1 + bend} ${from.middle} ${x2 - bend} ${to.middle} ${x2} ${to.middle}`
}, "")

const edgeKind = conditions =>
  conditions.length === 0 || conditions.includes("on_success") ? "success" : conditions[0].replace("on_", "")

const hint = (task, tasks) => {
  const names = Object.keys(task.depends ?? {}).map(id => tasks[id]?.name).filter(Boolean)
  return names.length ? `after ${names.join(", ")}` : ""
}

/** `<task-graph>`: a run's tasks as links in columns, with the dependencies drawn behind. Give it `show(owner, run)`. */
class TaskGraph extends HTMLElement {
  connectedCallback() {
    for (const type of ["pointerover", "focusin"]) this.addEventListener(type, this.#highlight)
    for (const type of ["pointerout", "focusout"]) this.addEventListener(type, this.#clear)
  }

  /**
   * @param {import("../router.js").Owner} owner
   * @param {any} run
   */
  show(owner, run) {
    const tasks = run.tasks ?? {}
    const plan = layout(Object.values(tasks))
    const widths = plan.columns > 4 ? tight : roomy
    morph(this, html`
      <div class="graph-scroll" tabindex="0" role="group" aria-label="Tasks of this run">
        <div class="graph">
          <svg class="graph-edges" aria-hidden="true" viewBox="0 0 ${left(plan.columns, widths) - widths.gap} ${plan.height}">
            ${plan.edges.map(edge => html`
              <path data-key="${edge.from} ${edge.to}" d="${path(edge.points, widths)}" data-from="${edge.from}"
                data-to="${edge.to}" data-kind="${edgeKind(edge.conditions)}" data-status="${tasks[edge.from].status}"/>`)}
          </svg>
          <ol class="graph-nodes">
            ${plan.places.map(({ id }) => this.#node(owner, run, tasks[id]))}
          </ol>
        </div>
      </div>`)
    this.#place(plan, widths)
  }

  #node(owner, run, task) {
    const status = taskStatus(task)
    return html`
      <li data-key="${task.id}" data-task="${task.id}">
        <a class="graph-node" href="${paths.task(owner, run.number, task.name)}" data-status="${status}" title="${task.name}">
          ${statusShape(status)}
          <span class="graph-name">${task.name}</span>
          <span class="graph-hint">${hint(task, run.tasks)}</span>
          <span class="graph-state"><span>${statusWord(status)}</span>${task.timedout && " · timed out"}
            <elapsed-time start="${task.start_time ?? ""}" end="${task.end_time ?? ""}"></elapsed-time></span>
        </a>
      </li>`
  }

  // Places are set from script: the content-security policy allows no style attributes in markup.
  #place(plan, widths) {
    const graph = this.querySelector(".graph")
    graph.style.setProperty("--graph-width", `${(left(plan.columns, widths) - widths.gap) / 4}rem`)
    graph.style.setProperty("--graph-height", `${plan.height / 4}rem`)
    for (const { id, column, top } of plan.places) {
      const item = this.querySelector(`[data-task="${CSS.escape(id)}"]`)
      item.style.setProperty("--column", `${left(column, widths) + 1} / span ${widths.node}`)
      item.style.setProperty("--row", `${top + 1} / span ${nodeUnits}`)
    }
  }

  #highlight = event => {
    const id = event.target.closest("[data-task]")?.dataset.task
    if (!id) return
    for (const edge of this.querySelectorAll("path")) {
      edge.toggleAttribute("data-active", edge.dataset.from === id || edge.dataset.to === id)
    }
  }

  #clear = () => {
    for (const edge of this.querySelectorAll("path[data-active]")) edge.removeAttribute("data-active")
  }
}

customElements.define("task-graph", TaskGraph)
