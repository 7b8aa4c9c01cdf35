import { coalesced } from "../js/events.js"
import { LogStream } from "../js/log-stream.js"
import { equal, ok, test } from "./harness.js"

// The network is the one thing replaced here: a server that breaks off where the test wants it to.
const withServer = async (answer, body) => {
  const { fetch } = globalThis
  const asked = []
  globalThis.fetch = async url => {
    asked.push(new URL(url, location.origin).search)
    return answer(asked.length)
  }
  try {
    await body(asked)
  } finally {
    globalThis.fetch = fetch
  }
}

const bytes = text => new TextEncoder().encode(text)

const brokenAfter = text => new Response(new ReadableStream({
  start: controller => controller.enqueue(bytes(text)),
  pull: controller => controller.error(new TypeError("network error")),
}))

const reading = (path, state) => new Promise(resolve => {
  const abort = new AbortController()
  const seen = { text: "", said: [] }
  const done = how => {
    abort.abort()
    resolve({ ...seen, how })
  }
  const reader = {
    take: async piece => { seen.text += new TextDecoder().decode(piece) },
    ended: async complete => done(complete ? "complete" : "ended"),
    say: problem => problem && seen.said.push(problem),
    absent: ({ live }) => done(live ? "not yet" : "gone"),
  }
  new LogStream(path, reader, abort.signal).update(state)
})

test("a broken log is read on from the byte where it broke", async () => {
  const answers = [() => brokenAfter("héllo "), () => new Response("", { status: 502 }), () => new Response("world\n")]
  await withServer(count => answers[count - 1](), async asked => {
    const result = await reading("/logs?step=0", { live: true, started: true })
    equal(asked, ["?step=0&follow", "?step=0&follow&offset=7", "?step=0&follow&offset=7"])
    equal([result.text, result.how, result.said.length], ["héllo world\n", "ended", 2])
  })
})

test("a log that is not there is absent, not an error", async () => {
  await withServer(() => new Response("[]", { status: 404 }), async () => {
    equal((await reading("/logs?setup", { live: true, started: true })).how, "not yet")
    equal((await reading("/logs?setup", { live: false, started: true })).how, "gone")
  })
})

test("a running step's log is asked for until it is there", async () => {
  await withServer(count => count < 3 ? new Response("[]", { status: 404 }) : new Response("at last"), async asked => {
    const abort = new AbortController()
    const text = await new Promise(resolve => {
      const reader = { say: () => null, absent: () => null, ended: async () => null, take: async piece => resolve(new TextDecoder().decode(piece)) }
      new LogStream("/logs?step=0", reader, abort.signal).update({ live: true, started: true })
    })
    abort.abort()
    equal([text, asked.length], ["at last", 3])
  })
})

test("a step that has not started is not asked for", async () => {
  await withServer(() => new Response("x"), async asked => {
    equal((await reading("/logs?step=1", { live: true, started: false })).how, "not yet")
    equal(asked, [])
  })
})

test("a refusal is told and not repeated", async () => {
  const refusal = () => new Response(JSON.stringify([{ code: "x", message: "Not for you.", details: null }]), { status: 403 })
  await withServer(refusal, async asked => {
    const abort = new AbortController()
    const said = await new Promise(resolve => {
      const reader = { say: resolve, take: async () => null, ended: async () => null, absent: () => resolve("absent") }
      new LogStream("/logs?step=0", reader, abort.signal).update({ live: false, started: true })
    })
    abort.abort()
    equal([said, asked.length], ["Not for you.", 1])
  })
})

test("any number of calls during a load become one more load", async () => {
  let loads = 0
  let release = null
  const load = coalesced(() => {
    loads += 1
    return new Promise(resolve => { release = resolve })
  }, new AbortController().signal, 1)
  const first = load()
  const later = [load(), load(), load()]
  release()
  await first
  ok(loads === 1, `${loads} loads while the first was running`)
  while (loads < 2) await new Promise(resolve => setTimeout(resolve, 1))
  release()
  await Promise.all(later)
  equal(loads, 2)
})

test("a failed load does not end loading", async () => {
  let loads = 0
  const load = coalesced(async () => {
    loads += 1
    if (loads === 1) throw new Error("no")
  }, new AbortController().signal, 1)
  const failed = await load().then(() => false, () => true)
  await load()
  equal([failed, loads], [true, 2])
})
