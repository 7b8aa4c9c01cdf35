import { chunkLines, LogChunks, placeOf } from "../js/log-chunks.js"
import { lineInHash } from "../js/log-lines.js"
import { equal, ok, test } from "./harness.js"

const line = text => ({ runs: [{ text, style: null }], cut: 0 })
const lines = (from, to) => Array.from({ length: to - from + 1 }, (_, index) => line(`line ${from + index}`))

const stage = () => {
  const container = document.createElement("div")
  container.className = "log-lines"
  document.getElementById("stage").replaceChildren(container)
  return container
}

test("line numbers begin at one in each place", () => {
  equal(placeOf(1), { chunk: 0, row: 0 })
  equal(placeOf(chunkLines), { chunk: 0, row: chunkLines - 1 })
  equal(placeOf(chunkLines + 1), { chunk: 1, row: 0 })
})

test("a fragment names a line or none", () => {
  equal(["#L1", "#L120", "#L0", "#L", "#L1x", "", "#l1", "#L9999999999"].map(lineInHash), [1, 120, null, null, null, null, null, null])
})

test("every line is found under its number, however the lines came", () => {
  const container = stage()
  const log = new LogChunks(container)
  for (const [from, to] of [[1, 1], [2, 499], [500, 501], [502, 1700]]) log.append(lines(from, to))
  equal([log.count, container.childElementCount], [1700, 4])
  for (const number of [1, 499, 500, 501, 1000, 1001, 1700]) {
    equal(log.row(number).textContent, `line ${number}`)
    equal(log.row(number).querySelector("a").getAttribute("href"), `#L${number}`)
  }
  equal([log.row(0), log.row(1701)], [null, null])
})

test("a chunk nobody came near is one text, which find can search", () => {
  const container = stage()
  const log = new LogChunks(container)
  log.append(lines(1, 5000))
  const last = container.lastElementChild
  equal([last.childNodes.length, last.firstChild.nodeType], [1, Node.TEXT_NODE])
  ok(last.textContent.includes("line 4999\n"), "the text is incomplete")
  log.row(5000)
  equal(last.childElementCount, chunkLines)
})

test("the open line is replaced by what follows and is not counted", () => {
  const container = stage()
  const log = new LogChunks(container)
  log.showOpen(line("10%"))
  log.showOpen(line("20%"))
  equal([log.count, container.textContent], [0, "20%"])
  log.append([line("done")])
  equal([log.count, container.textContent], [1, "done"])
  log.showOpen(null)
  equal(container.textContent, "done")
})

test("line numbers are neither text nor selectable", () => {
  const container = stage()
  const log = new LogChunks(container)
  log.append(lines(1, 2))
  equal(log.row(2).textContent, "line 2")
  log.append(lines(3, 1200))
  equal(getComputedStyle(log.row(1200).querySelector("a"), "::before").content, "\"1200\"")
  equal(getComputedStyle(log.row(2).querySelector("a")).userSelect, "none")
})
