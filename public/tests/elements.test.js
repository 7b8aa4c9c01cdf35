import "../js/elements/elapsed-time.js"
import "../js/elements/relative-time.js"
import "../js/elements/run-timeline.js"
import "../js/elements/task-graph.js"
import { html } from "../js/html.js"
import { morph } from "../js/morph.js"
import { runStatus, statusWord, taskStatus } from "../js/status.js"
import { telling } from "../js/views/task.js"
import { equal, ok, test } from "./harness.js"

const stage = document.getElementById("stage")
const owner = { kind: "project", path: "user/admin/hello" }
const run = {
  number: 7, end_time: "2026-11-21T01:00:20Z",
  tasks: {
    a: { id: "a", name: "build", status: "success", level: 0, depends: null, start_time: "2026-11-21T01:00:00Z", end_time: "2026-11-21T01:00:10Z" },
    b: { id: "b", name: "<b>test</b>", status: "failed", level: 1, depends: { a: { conditions: ["on_success"] } }, start_time: "2026-11-21T01:00:10Z", end_time: "2026-11-21T01:00:20Z" },
    c: { id: "c", name: "ship", status: "notstarted", waiting_approval: true, level: 2, depends: { b: {} }, start_time: null, end_time: null },
  },
}

test("a finished duration is written once, without a clock", () => {
  morph(stage, html`<elapsed-time start="2026-11-21T01:00:00Z" end="2026-11-21T01:03:07.500Z"></elapsed-time><elapsed-time start="" end=""></elapsed-time>`)
  equal([...stage.children].map(element => element.textContent), ["3m 07s", ""])
})

test("a time ago has the whole time as its title", () => {
  morph(stage, html`<relative-time datetime="2020-01-02T03:04:05Z"></relative-time>`)
  ok(stage.textContent.includes("2020") && stage.firstChild.title.includes("2020"), stage.innerHTML)
})

test("the graph is a list of links in order, with an edge for each dependency", () => {
  morph(stage, html`<task-graph></task-graph>`)
  stage.firstChild.show(owner, run)
  equal([...stage.querySelectorAll("ol a")].map(link => link.getAttribute("href")), [
    "/user/admin/hello/-/runs/7/tasks/build", "/user/admin/hello/-/runs/7/tasks/%3Cb%3Etest%3C%2Fb%3E", "/user/admin/hello/-/runs/7/tasks/ship"])
  equal([...stage.querySelectorAll("path")].map(path => `${path.dataset.from}${path.dataset.to}`), ["ab", "bc"])
  equal([...stage.querySelectorAll(".graph-node")].map(node => node.dataset.status), ["success", "failed", "waiting"])
  equal(stage.querySelectorAll("b").length, 0)
})

test("the graph changes in place when a task does", () => {
  morph(stage, html`<task-graph></task-graph>`)
  stage.firstChild.show(owner, run)
  const node = stage.querySelector(".graph-node")
  stage.firstChild.show(owner, { ...run, tasks: { ...run.tasks, a: { ...run.tasks.a, status: "failed" } } })
  ok(stage.querySelector(".graph-node") === node && node.dataset.status === "failed", "the node was replaced")
})

test("the timeline draws the tasks that started, to scale", () => {
  morph(stage, html`<run-timeline></run-timeline>`)
  stage.firstChild.show(owner, run)
  equal([...stage.querySelectorAll(".timeline-bar")].map(bar => [bar.style.insetInlineStart, bar.style.inlineSize]), [["0%", "50%"], ["50%", "50%"]])
  morph(stage, html``)
})

test("every state has a word", () => {
  equal(runStatus({ phase: "finished", result: "failed" }), "failed")
  equal(runStatus({ phase: "running", result: "unknown", stopping: true }), "stopping")
  equal(runStatus({ phase: "running", result: "unknown", tasks_waiting_approval: ["x"] }), "waiting")
  equal(taskStatus({ status: "notstarted", waiting_approval: true, approved: true }), "notstarted")
  equal(["setuperror", "queued", "notstarted"].map(statusWord), ["Setup error", "Queued", "Waiting"])
})

test("the task page opens the step that tells most", () => {
  const steps = (...phases) => phases.map((phase, index) => ({ key: index === 0 ? "setup" : String(index - 1), phase }))
  equal(telling(steps("success", "success", "running", "notstarted")).key, "1")
  equal(telling(steps("success", "failed", "notstarted")).key, "0")
  equal(telling(steps("success", "success", "success")).key, "1")
  equal(telling(steps("notstarted", "notstarted")).key, "setup")
  equal(telling(steps("failed", "notstarted")).key, "setup")
})
