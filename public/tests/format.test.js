import { ago, counted, duration, firstLine, instant, shortHash, size, webLink } from "../js/format.js"
import { equal, test } from "./harness.js"

test("durations have two units at most", () => {
  const written = [0, 400, 9_949, 9_950, 59_999, 60_000, 187_000, 3_600_000, 86_399_000, 90_000_000, -5].map(value => duration(value))
  equal(written, ["0ms", "0.4s", "9.9s", "9s", "59s", "1m 00s", "3m 07s", "1h 00m", "23h 59m", "1d 01h", "0ms"])
})

test("a ticking duration shows whole seconds", () => {
  equal(duration(2_900, { ticking: true }), "2s")
})

test("times ago get coarser with distance", () => {
  const now = Date.parse("2026-11-21T12:00:00Z")
  const before = seconds => ago(now - seconds * 1000, now)
  equal([0, 44, 60, 3_500, 3_600, 86_000, 90_000, 200_000].map(before),
    ["just now", "just now", "1 min ago", "58 min ago", "1 h ago", "23 h ago", "yesterday", "2 days ago"])
  equal(ago(now + 5_000, now), "just now")
})

test("timestamps with nanoseconds are read, others are nothing", () => {
  equal(instant("2025-09-15T11:40:57.281047451Z"), Date.parse("2025-09-15T11:40:57.281Z"))
  equal(instant("2025-09-15T11:40:57+02:00"), Date.parse("2025-09-15T09:40:57Z"))
  equal([instant(null), instant(""), instant("soon")], [null, null, null])
})

test("sizes use decimal units", () => {
  equal([0, 999, 1_000, 9_940, 9_960, 999_499, 999_500, 18_000_000].map(size),
    ["0 B", "999 B", "1.0 kB", "9.9 kB", "10 kB", "999 kB", "1.0 MB", "18 MB"])
})

test("only links to the web are links", () => {
  equal(webLink("https://git.example/c/1"), "https://git.example/c/1")
  equal(["javascript:alert(1)", "", undefined, "data:text/html,x", " https://x"].map(webLink), [null, null, null, null, null])
})

test("hashes, first lines and counts", () => {
  equal([shortHash("0123456789abcdef"), shortHash(undefined)], ["01234567", ""])
  equal([firstLine("one\ntwo"), firstLine("  \n"), firstLine(undefined)], ["one", "", ""])
  equal([counted(1, "line"), counted(100000, "line")], ["1 line", "100,000 lines"])
})
