import Base
import FoundationEssentials
import Model
import Store
import TestSupport
import Testing
import WorkerClients

@testable import ConfigStoreService

@Suite("The configstore's export", .storeDirectory, .timeLimit(.minutes(5)))
struct ConfigExportTests {
    private func fill() async throws -> PlacedProject {
        try await ConfigStoreFixture.with { store in
            _ = try await store.client.create(
                UserCreation(name: "alice", password: SecretValue("a good password"), isAdmin: true)
            )
            _ = try await store.client.createToken(named: "ci", forUser: "alice")
            try await store.createGroup("libs")
            return try await store.createProject("hello", in: "user/alice/libs")
        }
    }

    private func copyKey(to name: String) throws {
        try FileManager.default.createDirectory(
            atPath: ConfigImportFixture.directory(name),
            withIntermediateDirectories: true
        )
        try FileManager.default.copyItem(
            atPath: "\(ConfigImportFixture.directory("data"))/key",
            toPath: "\(ConfigImportFixture.directory(name))/key"
        )
    }

    @Test("makes an empty installation with the same key equal, secrets included")
    func roundTrip() async throws {
        let project = try await fill()
        let export = try await ConfigImportFixture.export()
        try copyKey(to: "other")
        let summary = try await ConfigImportFixture.importing(export, into: "other")
        #expect(
            summary.records == [
                "keycheck": 1, "remotesource": 1, "user": 1, "password": 1, "usertoken": 1, "projectgroup": 2,
                "project": 1,
            ]
        )
        #expect(summary.warnings == [])
        let again = try await ConfigImportFixture.export("other")
        #expect(again.split(separator: 10).dropFirst() == export.split(separator: 10).dropFirst())
        let config = try await ConfigStore.open(
            directory: ConfigImportFixture.directory("other"),
            passwordCost: ConfigStoreFixture.cheap
        )
        #expect(try await config.project(project.path) == project)
    }

    @Test("is refused by an installation with another key, which is told what to do")
    func otherKey() async throws {
        _ = try await fill()
        let export = try await ConfigImportFixture.export()
        let other = try await ConfigImportFixture.open("other")
        let key = try ConfigImportFixture.key("other")
        let refusal = try await ConfigImportFixture.refusal(of: export, by: other, key)
        #expect(refusal?.message.hasPrefix("Line 2, byte ") == true)
        #expect(refusal?.message.contains("put the file key of that installation's configstore in place") == true)
    }

    @Test("is refused when something in it has no place, no owner or another's name")
    func refused() async throws {
        let project = try await fill().project
        let key = try ConfigImportFixture.key()
        try await expect("holds another id") { batch in
            batch.delete(record: project.recordID, type: Project.recordType)
            try batch.put(record: "another", type: Project.recordType, value: project.sealed(by: key))
        }
        try await expect("projectgroup \(project.parent) has a name that is not allowed") { batch in
            let owner = project.owner
            let group = ProjectGroup(id: project.parent, name: "a b", parent: "x", owner: owner, visibility: .public)
            try batch.put(record: group.recordID, type: ProjectGroup.recordType, value: group)
        }
        try await expect("is broken at") { batch in
            let owner = project.owner
            let loop = project.parent
            let group = ProjectGroup(id: loop, name: "libs", parent: loop, owner: owner, visibility: .public)
            try batch.put(record: group.recordID, type: ProjectGroup.recordType, value: group)
        }
        try await expect("lies in no project group of its owner") { batch in
            batch.delete(record: project.parent.text, type: ProjectGroup.recordType)
        }
        try await expect("belongs to a user who is not there") { batch in
            guard case .user(let owner) = project.owner else { return }
            batch.delete(record: owner.text, type: User.recordType)
        }
        try await expect("the record of the key or the remote source local is missing") { batch in
            batch.delete(record: KeyCheck().recordID, type: KeyCheck.recordType)
        }
        try await expect("project \(project.id) cannot be read") { batch in
            var unsealed = project
            unsealed.webhookSecret = SecretValue("plain")
            try batch.put(record: project.recordID, type: Project.recordType, value: unsealed)
        }
        try await expect("the name hello is taken twice") { batch in
            var twin = project
            twin.id = .random()
            try batch.put(record: twin.recordID, type: Project.recordType, value: twin.sealed(by: key))
        }
    }

    private func expect(
        _ sentence: String,
        sourceLocation: SourceLocation = #_sourceLocation,
        _ spoil: (inout Batch) throws -> Void
    ) async throws {
        let whole = try await ConfigImportFixture.export()
        let name = "spoilt-\(UInt32.random(in: .min ... .max))"
        try copyKey(to: name)
        try await ConfigImportFixture.importing(whole, into: name)
        try await ConfigImportFixture.endMaintenance(name)
        let store = try await ConfigImportFixture.open(name)
        var batch = Batch()
        try spoil(&batch)
        _ = try await store.commit(batch)
        let export = try await ConfigImportFixture.export(name)
        let refusal = try await ConfigImportFixture.refusal(of: export, by: store, ConfigImportFixture.key(name))
        #expect(
            refusal?.message.contains(sentence) == true,
            "\(refusal?.message ?? "accepted")",
            sourceLocation: sourceLocation
        )
    }

    @Test("is made and read in maintenance, in which the configstore also starts")
    func maintenance() async throws {
        _ = try await fill()
        _ = try await ConfigImportFixture.open().setMaintenance(true)
        let config = try await ConfigStore.open(
            directory: ConfigImportFixture.directory("data"),
            passwordCost: ConfigStoreFixture.cheap
        )
        #expect(config.importRules.types == ConfigExport.types)
        #expect(try await !ConfigImportFixture.export().isEmpty)
        #expect(try await config.user("alice").isAdmin)
    }
}
