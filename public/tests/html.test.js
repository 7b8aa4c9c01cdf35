import { fragment, html } from "../js/html.js"
import { equal, ok, random, test } from "./harness.js"

test("text is escaped, in content and in attributes", () => {
  const text = `<img src=x onerror="alert(1)">&'`
  equal(String(html`<p title="${text}">${text}</p>`),
    `<p title="&lt;img src=x onerror=&quot;alert(1)&quot;&gt;&amp;&#39;">&lt;img src=x onerror=&quot;alert(1)&quot;&gt;&amp;&#39;</p>`)
})

test("markup inside markup stays markup, also in lists", () => {
  equal(String(html`<ul>${["a", "<"].map(item => html`<li>${item}</li>`)}</ul>`), "<ul><li>a</li><li>&lt;</li></ul>")
})

test("null, undefined and false are nothing; zero and the empty string are themselves", () => {
  equal(String(html`${null}${undefined}${false}|${0}|${""}|${true}`), "|0||true")
})

test("plain text cannot become nodes", () => {
  let refused = false
  try {
    fragment("<b>no</b>")
  } catch (error) {
    refused = error instanceof TypeError
  }
  ok(refused, "a string was taken for markup")
  try {
    fragment({ text: "<b>no</b>" })
    ok(false, "an object that looks like markup was taken for markup")
  } catch (error) {
    ok(error instanceof TypeError, String(error))
  }
})

test("any text survives the way through markup unchanged (seed 20261121)", () => {
  const next = random(20261121)
  const alphabet = `<>&"'/=\` \n\tab😀\u2028-!`
  for (let round = 0; round < 500; round += 1) {
    const text = Array.from({ length: 20 }, () => alphabet[Math.floor(next() * alphabet.length)]).join("").toWellFormed()
    const element = fragment(html`<p title="${text}">${text}</p>`).firstChild
    equal(element.textContent, text)
    equal(element.title, text)
    equal(element.childElementCount, 0)
  }
})
