import Base
import Glibc
import HTTPTransport
import HTTPTypes
import Model
import Store
import TestSupport
import Testing
import WorkerClients

@Suite("Processes on one store, and maintenance", .temporaryDirectory, .timeLimit(.minutes(5)))
struct MaintainedServiceTests {
    private let client: HTTPClient

    init() throws {
        client = try HTTPClient()
    }

    @Test("all processes follow a wish that one of them was told, and refuse everything else meanwhile")
    func bothFollow() async throws {
        try await NotesProcess.with("a", client) { a in
            try await NotesProcess.with("b", client) { b in
                try await a.waitFor(maintenance: false)
                try await b.waitFor(maintenance: false)
                try await a.put("hello", as: "1")
                try await a.wish(true)
                try await a.waitFor(maintenance: true)
                try await b.waitFor(maintenance: true)
                let status = try await b.maintenance.status()
                #expect(status.instances.map(\.mode) == ["maintenance", "maintenance"])
                #expect(Set(status.instances.map(\.pid)) == [a.pid, b.pid])
                for path in ["/api/v1alpha/notes/1", "/nowhere"] {
                    let reply = try await b.connection.open(.get, path)
                    #expect(reply.status == 503)
                    #expect(reply.headers[.retryAfter] == "2")
                    let body = try await reply.collect()
                    #expect(ErrorBody.remoteError(status: 503, body: body).code == "maintenance")
                }
                #expect(try await b.connection.open(.get, "/healthz").status == 204)
                #expect(await refusal { try await b.maintenance.enable() }?.code == "maintenanceAlreadyEnabled")
                try await b.wish(false)
                try await a.waitFor(maintenance: false)
                try await b.waitFor(maintenance: false)
                #expect(await refusal { try await a.maintenance.disable() }?.code == "maintenanceAlreadyDisabled")
                #expect(try await b.note("1") == "hello")
            }
        }
    }

    @Test("a process that slept through the wish cannot write when it wakes, and follows by itself")
    func stoppedProcess() async throws {
        try await NotesProcess.with("a", client) { a in
            try await NotesProcess.with("b", client) { b in
                try await b.waitFor(maintenance: false)
                kill(b.pid, SIGSTOP)
                try await a.wish(true)
                try await a.waitFor(maintenance: true)
                async let late = refusal { try await b.put("too late", as: "late") }
                try await Task.sleep(for: .milliseconds(50))
                kill(b.pid, SIGCONT)
                let error = await late
                #expect(error?.kind == .unavailable)
                #expect(error?.code == "maintenance")
                try await b.waitFor(maintenance: true)
                try await b.wish(false)
                try await b.waitFor(maintenance: false)
                #expect(try await b.note("late") == nil)
            }
        }
    }

    @Test("after a thousand quick wishes three processes are in the mode of the last one")
    func toggles() async throws {
        try await NotesProcess.with("a", client) { a in
            try await NotesProcess.with("b", client) { b in
                try await NotesProcess.with("c", client) { c in
                    try await a.waitFor(maintenance: false)
                    let store = try await LocalStore.open(
                        directory: "\(TemporaryDirectory.path)/data",
                        projections: []
                    )
                    for turn in 0..<1_001 {
                        let isNew = try await store.setMaintenance(turn.isMultiple(of: 2))
                        #expect(isNew)
                    }
                    for process in [a, b, c] { try await process.waitFor(maintenance: true) }
                    _ = try await store.setMaintenance(false)
                    for process in [a, b, c] { try await process.waitFor(maintenance: false) }
                    try await c.put("works", as: "1")
                }
            }
        }
    }

    @Test("the answer to a wish is always whole, also when it makes the process change its mode at once")
    func wholeAnswers() async throws {
        try await NotesProcess.with("a", client) { a in
            try await a.waitFor(maintenance: false)
            var taken = 0
            for turn in 0..<60 {
                // An answer that is cut throws something else than a refusal.
                let method: HTTPRequest.Method = turn.isMultiple(of: 2) ? .put : .delete
                let reply = try await a.connection.open(method, "/api/v1alpha/maintenance")
                _ = try await reply.collect()
                #expect([200, 400, 503].contains(reply.status))
                if reply.status == 200 { taken += 1 }
            }
            #expect(taken > 0)
        }
    }

    @Test("an import brings the exported content back everywhere, and only in maintenance")
    func exportAndImport() async throws {
        try await NotesProcess.with("a", client) { a in
            try await NotesProcess.with("b", client) { b in
                try await a.waitFor(maintenance: false)
                try await b.waitFor(maintenance: false)
                for number in 0..<50 { try await a.put("note \(number)", as: "\(number)") }
                let export = try await b.maintenance.export().collect()
                try await a.put("changed", as: "1")
                try await a.put("new", as: "new")
                let early = await refusal { try await a.maintenance.importStream(.bytes(export), ImportOptions()) }
                #expect(early?.code == "notInMaintenance")
                try await a.wish(true)
                try await a.waitFor(maintenance: true)
                try await b.waitFor(maintenance: true)
                let broken = await refusal {
                    try await a.maintenance.importStream(.bytes(export.dropLast(10)), ImportOptions())
                }
                #expect(broken?.code == "invalidImport")
                var check = ImportOptions()
                check.isDryRun = true
                let checked = try await a.maintenance.importStream(.bytes(export), check)
                #expect(checked == ImportReport(records: ["note": 50], warnings: [], isDryRun: true))
                let report = try await a.maintenance.importStream(.bytes(export), ImportOptions())
                #expect(report.records == ["note": 50])
                try await b.wish(false)
                for process in [a, b] {
                    try await process.waitFor(maintenance: false)
                    #expect(try await process.note("1") == "note 1")
                    #expect(try await process.note("new") == nil)
                }
            }
        }
    }

    @Test("an import waits for processes that sleep, unless it is forced; they cannot write afterwards")
    func sleepingProcess() async throws {
        try await NotesProcess.with("a", client) { a in
            try await NotesProcess.with("b", client) { b in
                try await b.waitFor(maintenance: false)
                try await a.waitFor(maintenance: false)
                try await a.put("exported", as: "1")
                let export = try await a.maintenance.export().collect()
                try await a.put("changed", as: "1")
                kill(b.pid, SIGSTOP)
                try await a.wish(true)
                try await a.waitFor(maintenance: true)
                let late = await refusal { try await a.maintenance.importStream(.bytes(export), ImportOptions()) }
                #expect(late?.code == "instancesNotReady")
                #expect(late?.message.contains("process \(b.pid)") == true)
                var forced = ImportOptions()
                forced.isForced = true
                _ = try await a.maintenance.importStream(.bytes(export), forced)
                try await a.wish(false)
                try await a.waitFor(maintenance: false)
                async let write = refusal { try await b.put("from before the import", as: "1") }
                try await Task.sleep(for: .milliseconds(50))
                kill(b.pid, SIGCONT)
                #expect(await write?.kind == .unavailable)
                try await b.waitFor(maintenance: false)
                #expect(try await b.note("1") == "exported")
            }
        }
    }
}
