import { equal, ok, test } from "./harness.js"

const shell = async () => new DOMParser().parseFromString(await (await fetch("/index.html")).text(), "text/html")

const importsOf = async url => {
  const source = await (await fetch(url)).text()
  return [...source.matchAll(/^(?:import|\} from|import .* from) ?"(\.[^"]+)"/gm), ...source.matchAll(/^import [^"]*from "(\.[^"]+)"/gm)]
    .map(found => new URL(found[1], new URL(url, location.origin)).pathname)
}

test("every module the page needs is preloaded, and no other", async () => {
  const page = await shell()
  const preloaded = [...page.querySelectorAll("link[rel=modulepreload]")].map(link => link.getAttribute("href"))
  const reached = new Set()
  const waiting = ["/js/app.js"]
  while (waiting.length > 0) {
    const url = waiting.pop()
    if (reached.has(url)) continue
    reached.add(url)
    waiting.push(...await importsOf(url))
  }
  reached.delete("/js/app.js")
  equal([...reached].sort(), preloaded.sort())
})

test("every style sheet of the page exists and stays inside its layer", async () => {
  const page = await shell()
  for (const link of page.querySelectorAll("link[rel=stylesheet]")) {
    const response = await fetch(link.getAttribute("href"))
    ok(response.headers.get("Content-Type")?.startsWith("text/css"), `${link.getAttribute("href")} is no style sheet`)
    const sheet = new CSSStyleSheet()
    sheet.replaceSync(await response.text())
    ok([...sheet.cssRules].every(rule => /^CSSLayer/.test(rule.constructor.name)), `${link.getAttribute("href")} has rules outside a layer`)
  }
})

test("every icon that is named exists in the sprite", async () => {
  const sprite = new DOMParser().parseFromString(await (await fetch("/icons.svg")).text(), "image/svg+xml")
  const known = new Set([...sprite.querySelectorAll("symbol")].map(symbol => symbol.id))
  const page = await shell()
  const sources = await Promise.all([...page.querySelectorAll("link[rel=modulepreload]")].map(async link => (await fetch(link.href)).text()))
  const named = sources.flatMap(source => [...source.matchAll(/icon\("([^"$]+)"\)|href="#icon-([a-z-]+)"/g)].map(found => `icon-${found[1] ?? found[2]}`))
  ok(named.length > 20, "the search for icons finds nothing")
  equal(named.filter(name => !known.has(name)), [])
})
