import { AnsiParser, applySGR, longestLine } from "../js/ansi.js"
import { lineNodes, lineText, paletteColour } from "../js/log-lines.js"
import { equal, ok, random, test } from "./harness.js"

const parsed = (...pieces) => {
  const parser = new AnsiParser()
  for (const piece of pieces) parser.push(piece)
  parser.finish()
  return parser.take()
}
const texts = (...pieces) => parsed(...pieces).map(lineText)

test("lines end with LF or CRLF; the last needs no end", () => {
  equal(texts("a\nb\r\nc"), ["a", "b", "c"])
  equal(texts("a\r", "\nb\n"), ["a", "b"])
  equal(texts("\n\n"), ["", ""])
})

test("a carriage return overwrites the line from its start", () => {
  equal(texts("Downloading 10%\rDownloading 20%\n"), ["Downloading 20%"])
  equal(texts("abcdef\rXY\n"), ["XYcdef"])
  equal(texts("abcdef\rXY\u001b[K\n"), ["XY"])
  equal(texts("abc\u001b[2K\rz\n"), ["z  "])
  equal(texts("ab\bc\n"), ["ac"])
})

test("colours and styles of all kinds", () => {
  equal(applySGR(null, "1;31"), { bold: true, fg: 1 })
  equal(applySGR({ bold: true, fg: 1 }, "22"), { fg: 1 })
  equal(applySGR({ fg: 1, bg: 2 }, "39;49"), null)
  equal(applySGR({ fg: 1 }, ""), null)
  equal(applySGR(null, "38;5;208"), { fg: 208 })
  equal(applySGR(null, "48;2;1;20;300;3"), { bg: "#0114ff", italic: true })
  equal(applySGR(null, "97;104"), { fg: 15, bg: 12 })
  equal(applySGR(null, "38"), null)
  equal(applySGR(null, "2;4;7;9"), { dim: true, underline: true, inverse: true, strike: true })
})

test("the style goes on over lines until it is reset", () => {
  const lines = parsed("\u001b[32mgreen\nstill\u001b[0m plain\n")
  equal(lines[0].runs, [{ text: "green", style: { fg: 2 } }])
  equal(lines[1].runs, [{ text: "still", style: { fg: 2 } }, { text: " plain", style: null }])
})

test("sequences cut between pieces are put together", () => {
  const whole = "a\u001b[1;38;5;99mb\u001b]8;;http://x\u0007c\u001b[0m\r\nd"
  const expected = JSON.stringify(parsed(whole))
  for (let cut = 1; cut < whole.length; cut += 1) equal(JSON.stringify(parsed(whole.slice(0, cut), whole.slice(cut))), expected)
})

test("other sequences and control characters are dropped", () => {
  equal(texts("a\u001b[2Jb\u001b[10;20Hc\u001b[?25ld\u001b(Be\u001b7f\u001b]0;title\u0007g\u001b]8;;u\u001b\\h\u0000\u0007\u007f\u009bi\n"), ["abcdefghi"])
})

test("an unfinished string sequence does not swallow the lines after it", () => {
  equal(texts("a\u001b]0;title\nb\n"), ["a", "b"])
  equal(texts(`x\u001b]${"y".repeat(10_000)}\nb\n`).at(-1), "b")
})

test("an endless line is cut, and says how much is missing", () => {
  const [line] = parsed("x".repeat(longestLine), "y".repeat(5), "\n")
  equal([lineText(line).length, line.cut], [longestLine, 5])
  ok(lineNodes(line).at(-1).textContent.includes("5 more characters"), "the note is missing")
})

test("a hundred thousand overwrites of one line stay one short line", () => {
  const parser = new AnsiParser()
  for (let step = 0; step < 100_000; step += 1) parser.push(`\r${step}%`)
  equal(lineText(parser.current), "99999%")
})

test("the palette has its cube and greys", () => {
  equal([16, 21, 196, 231, 232, 255].map(paletteColour),
    ["rgb(0 0 0)", "rgb(0 0 255)", "rgb(255 0 0)", "rgb(255 255 255)", "rgb(8 8 8)", "rgb(238 238 238)"])
})

const allowed = node => node.nodeType === Node.TEXT_NODE
  || (node.localName === "span" && [...node.childNodes].every(child => child.nodeType === Node.TEXT_NODE)
    && [...node.attributes].every(({ name }) => name === "class" || name === "style"))

const hostile = ["\u001b[", "\u001b]", "\u001bP", "\u001b", "m", "K", ";", "38;5;", "48;2;", "9".repeat(400), "<script>alert(1)</script>", "<img src=x onerror=alert(1)>",
  "\r", "\n", "\b", "\u0007", "\u001b\\", "\u009b31m", "\u202e", "&lt;", "\u0000", "javascript:", "é", "😀", "\ud800"]

test("any byte string gives text and spans only, and nothing throws (seed 1571)", () => {
  const next = random(1571)
  const encoder = new TextEncoder()
  for (let round = 0; round < 400; round += 1) {
    const pieces = Array.from({ length: 60 }, () => next() < 0.6
      ? encoder.encode(hostile[Math.floor(next() * hostile.length)])
      : Uint8Array.from({ length: 5 }, () => Math.floor(next() * 256)))
    const decoder = new TextDecoder()
    const parser = new AnsiParser()
    for (const bytes of pieces) {
      parser.push(decoder.decode(bytes, { stream: true }))
      if (parser.current) lineNodes(parser.current)
    }
    parser.push(decoder.decode())
    parser.finish()
    for (const line of parser.take()) {
      ok(lineNodes(line).every(allowed), `round ${round} made other nodes`)
      ok(!/[\u0000-\u0008\u000a-\u001f\u007f-\u009f]/.test(lineText(line)), `round ${round} kept a control character`)
      equal(line.runs.filter(run => run.text === "").length, 0)
    }
  }
})

test("cutting a byte string elsewhere changes nothing (seed 99)", () => {
  const next = random(99)
  for (let round = 0; round < 200; round += 1) {
    const text = Array.from({ length: 30 }, () => hostile[Math.floor(next() * (hostile.length - 1))]).join("")
    const cut = Math.floor(next() * text.length)
    equal(texts(text.slice(0, cut), text.slice(cut)), texts(text))
  }
})
