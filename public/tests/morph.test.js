import { html } from "../js/html.js"
import { morph } from "../js/morph.js"
import { equal, ok, random, test } from "./harness.js"

const made = markup => {
  const element = document.createElement("div")
  morph(element, markup)
  return element
}

test("a changed text keeps its element", () => {
  const target = made(html`<p class="a">one</p>`)
  const paragraph = target.firstChild
  morph(target, html`<p class="b">two</p>`)
  ok(target.firstChild === paragraph, "the paragraph was replaced")
  equal(target.innerHTML, `<p class="b">two</p>`)
})

test("keyed rows move instead of changing into each other", () => {
  const rows = keys => html`${keys.map(key => html`<li data-key="${key}">${key}</li>`)}`
  const target = made(rows(["a", "b", "c"]))
  const [a, b, c] = target.children
  morph(target, rows(["d", "c", "a"]))
  equal([...target.children].map(row => row.textContent), ["d", "c", "a"])
  ok(target.children[1] === c && target.children[2] === a && !b.isConnected, "rows were rebuilt")
})

test("the focused element keeps the focus through an update", () => {
  const stage = document.getElementById("stage")
  morph(stage, html`<p>1</p><button id="press">Press</button>`)
  document.getElementById("press").focus()
  morph(stage, html`<p>2</p><p>3</p><button id="press">Press it</button>`)
  equal(document.activeElement?.id, "press")
  morph(stage, html``)
})

test("styles set by scripts and opened details stay", () => {
  const target = made(html`<details><summary>s</summary></details>`)
  target.firstChild.open = true
  target.firstChild.style.color = "red"
  morph(target, html`<details class="x"><summary>t</summary></details>`)
  ok(target.firstChild.open && target.firstChild.style.color === "red", "state was lost")
})

test("a custom element keeps its own children", () => {
  const target = made(html`<x-own a="1"></x-own>`)
  target.firstChild.append("mine")
  morph(target, html`<x-own a="2"></x-own>`)
  equal(target.innerHTML, `<x-own a="2">mine</x-own>`)
})

test("any tree can become any other (seed 4711)", () => {
  const next = random(4711)
  const pick = list => list[Math.floor(next() * list.length)]
  const tree = depth => html`${Array.from({ length: Math.floor(next() * 4) }, (_, index) => pick([
    () => html`text${Math.floor(next() * 3)}`,
    () => html`<p class="${pick(["a", "b"])}">${depth > 0 ? tree(depth - 1) : ""}</p>`,
    () => html`<span data-key="${depth}-${index}-${pick([1, 2])}">${depth > 0 ? tree(depth - 1) : "leaf"}</span>`,
  ])())}`
  const target = document.createElement("div")
  for (let round = 0; round < 300; round += 1) {
    const markup = tree(3)
    morph(target, markup)
    equal(target.innerHTML, made(markup).innerHTML)
  }
})
