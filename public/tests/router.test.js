import { match, paths, resource, returnPath } from "../js/router.js"
import { equal, test } from "./harness.js"

const hello = { kind: "project", path: "user/admin/hello" }
const admin = { kind: "user", path: "user/admin" }

test("each view has its path", () => {
  equal(match("/"), { view: "home", params: {} })
  equal(match("/sign-in").view, "signIn")
  equal(match("/account").view, "account")
  equal(match("/user/admin"), { view: "group", params: { path: "user/admin" } })
  equal(match("/org/birds/tools/-/group"), { view: "group", params: { path: "org/birds/tools" } })
  equal(match("/user/admin/hello"), { view: "runs", params: { owner: hello } })
  equal(match("/user/admin/hello/-/runs/7"), { view: "run", params: { owner: hello, number: 7 } })
  equal(match("/user/admin/-/runs"), { view: "runs", params: { owner: admin } })
  equal(match("/user/admin/-/runs/3"), { view: "run", params: { owner: admin, number: 3 } })
  equal(match("/user/admin/hello/-/runs/7/tasks/unit%20tests%2Flinux"),
    { view: "task", params: { owner: hello, number: 7, task: "unit tests/linux" } })
})

test("a project may be called runs, and a group tasks", () => {
  equal(match("/user/admin/tasks/runs/-/runs/1").params.owner.path, "user/admin/tasks/runs")
})

test("what is no view is not found", () => {
  for (const path of ["/nope", "/user", "/user/admin/-/runs/0", "/user/admin/-/runs/07", "/user/admin/-/runs/x",
    "/user/admin/-/runs/1/tasks", "/user/admin/-/runs/1/tasks/a/b", "/user/admin/-/", "/user/admin/-/secrets", "/org/birds/-/runs",
    "/account/more", "/user/%E0%A4%A", "/user/admin/-/runs/99999999999999999"]) {
    equal([path, match(path).view], [path, "notFound"])
  }
})

test("paths lead back to the views they were made for", () => {
  const odd = { kind: "project", path: "user/admin/a b/100%" }
  equal(match(paths.runs(odd)).params.owner, odd)
  equal(match(paths.run(hello, 12)).params, { owner: hello, number: 12 })
  equal(match(paths.group("user/admin/tools")).params.path, "user/admin/tools")
  equal(match(paths.group("user/admin")).params.path, "user/admin")
  const url = new URL(paths.task(hello, 12, "a/b?c#d", "setup"), location.origin)
  equal(match(url.pathname).params.task, "a/b?c#d")
  equal(url.searchParams.get("step"), "setup")
})

test("links of commit statuses made for Agola are understood", () => {
  equal(match("/run", new URLSearchParams("projectref=user/admin/hello&runnumber=7")).params, { owner: hello, number: 7 })
  equal(match("/run", new URLSearchParams("projectref=x")).view, "notFound")
  equal(match("/login").view, "signIn")
})

test("references are encoded as one segment", () => {
  equal(resource(hello), "/projects/user%2Fadmin%2Fhello")
  equal(resource(admin), "/users/admin")
})

test("signing in leads back into this site, nowhere else", () => {
  equal(returnPath("/user/admin/hello?show=failed#x"), "/user/admin/hello?show=failed#x")
  for (const evil of ["https://evil.example/", "//evil.example/x", "/\\evil.example", "javascript:alert(1)", "", null]) {
    equal([evil, returnPath(evil)], [evil, "/"])
  }
})
