import { edgesOf, layout } from "../js/graph.js"
import { equal, ok, random, test } from "./harness.js"

const task = (id, level, ...parents) => ({
  id, name: id, level,
  depends: Object.fromEntries(parents.map(parent => [parent.replace(/!$/, ""),
    { task_id: parent, conditions: [parent.endsWith("!") ? "on_failure" : "on_success"] }])),
})
const drawn = tasks => edgesOf(tasks).map(edge => `${edge.from}→${edge.to}`)

test("a dependency that follows from others is not drawn", () => {
  equal(drawn([task("a", 0), task("b", 1, "a"), task("c", 2, "a", "b")]), ["a→b", "b→c"])
})

test("a dependency with a condition of its own is always drawn", () => {
  equal(drawn([task("a", 0), task("b", 1, "a"), task("c", 2, "a!", "b")]), ["a→b", "a→c", "b→c"])
})

test("unknown and backward dependencies are left out", () => {
  equal(drawn([task("a", 0, "ghost", "b"), task("b", 1, "a"), task("c", 1, "c")]), ["a→b"])
})

test("no tasks are an empty drawing", () => {
  equal(layout([]), { columns: 0, height: 0, places: [], edges: [] })
})

test("levels become columns without gaps, and null depends are none", () => {
  const plan = layout([{ id: "x", name: "x", level: 5, depends: null }, { id: "y", name: "y", level: 2, depends: null }])
  equal(plan.places.map(place => [place.id, place.column]), [["y", 0], ["x", 1]])
})

test("an edge over several levels passes each column between", () => {
  const plan = layout([task("a", 0), task("b", 1, "a"), task("c", 2, "b"), task("lone", 0), task("d", 3, "c", "lone")])
  const edge = plan.edges.find(candidate => candidate.from === "lone")
  equal(edge.points.map(point => point.column), [0, 1, 2, 3])
})

test("tasks stand beside what they lead to, so that edges need not cross", () => {
  const plan = layout([task("big", 0), task("fail", 0), task("ticker", 0), task("after", 1, "big", "ticker"), task("rescue", 1, "fail")])
  const top = Object.fromEntries(plan.places.map(place => [place.id, place.top]))
  const crossings = plan.edges.flatMap((one, index) => plan.edges.slice(index + 1)
    .filter(other => (top[one.from] - top[other.from]) * (top[one.to] - top[other.to]) < 0))
  equal(crossings.length, 0)
})

test("three hundred tasks, each after all of the level before, are laid out at once", () => {
  const tasks = Array.from({ length: 300 }, (_, index) => task(`t${index}`, Math.floor(index / 30)))
  for (const each of tasks) {
    const before = tasks.filter(other => other.level < each.level)
    each.depends = Object.fromEntries(before.map(other => [other.id, { conditions: ["on_success"] }]))
  }
  const start = performance.now()
  equal(layout(tasks).edges.length, 9 * 30 * 30)
  ok(performance.now() - start < 5000, "the layout takes seconds")
})

test("no two nodes overlap, whatever the graph (seed 31)", () => {
  const next = random(31)
  for (let round = 0; round < 100; round += 1) {
    const tasks = Array.from({ length: 25 }, (_, index) => task(`t${index}`, Math.floor(index / (1 + round % 6))))
    for (const each of tasks) {
      const earlier = tasks.filter(other => other.level < each.level && next() < 0.2)
      each.depends = Object.fromEntries(earlier.map(other => [other.id, { conditions: ["on_success"] }]))
    }
    const plan = layout(tasks)
    equal(plan.places.length, 25)
    for (const column of new Set(plan.places.map(place => place.column))) {
      const tops = plan.places.filter(place => place.column === column).map(place => place.top).sort((a, b) => a - b)
      ok(tops.every((top, index) => top >= 0 && (index === 0 || top - tops[index - 1] >= 20)), `round ${round}: nodes overlap`)
    }
    ok(plan.edges.every(edge => edge.points.length >= 2 && edge.points.every(point => Number.isFinite(point.middle))), `round ${round}: an edge leads nowhere`)
  }
})
