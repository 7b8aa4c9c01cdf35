import Base
import Model
import ServiceKit
import Synchronization
import TestSupport
import WorkerClients

/// Creates, changes and deletes users, tokens and projects of its own, and reads them back at once.
final class AccountWorkload: Sendable {
    /// A user and what belongs to it; nil is what does not exist.
    private struct Account {
        let name: String
        var exists = Uncertain(false)
        var tokens: [String: Uncertain<Bool>]
        var projects: [String: Uncertain<Visibility?>]
    }

    private struct State {
        var accounts: [Account]
        var acknowledged = 0
        var lost = 0
        var exports = 0
        var broken: BrokenPromises
    }

    private let configstore: ConfigStoreClient
    private let administration: ServiceAdministration
    private let state: Mutex<State>

    private static let accounts = 3
    private static let names = ["one", "two"]

    /// Prepares work under names that begin with `prefix`.
    init(site: ComponentSite, prefix: String) {
        configstore = site.configstore
        administration = ServiceAdministration(of: .configstore, in: site)
        let accounts = (0..<Self.accounts).map { index in
            Account(
                name: "\(prefix)\(index)",
                tokens: Dictionary(uniqueKeysWithValues: Self.names.map { ($0, Uncertain(false)) }),
                projects: Dictionary(uniqueKeysWithValues: Self.names.map { ($0, Uncertain(nil)) })
            )
        }
        state = Mutex(State(accounts: accounts, broken: BrokenPromises("configstore \(prefix)")))
    }

    /// How many changes were acknowledged, and how many answers were lost.
    var counts: (acknowledged: Int, lost: Int) { state.withLock { ($0.acknowledged, $0.lost) } }

    /// How many exports have arrived.
    var exports: Int { state.withLock(\.exports) }

    /// What has been found so far.
    var broken: BrokenPromises { state.withLock(\.broken) }

    /// Changes one thing after the other until the time is over.
    func work(_ random: SeededGenerator, until end: Deadline) async throws {
        var random = random
        while !end.isPast {
            let index = Int.random(in: 0..<Self.accounts, using: &random)
            let name = Self.names.randomElement(using: &random) ?? "one"
            switch Int.random(in: 0..<9, using: &random) {
            case 0: await createUser(index)
            case 1: await deleteUser(index)
            case 2, 3: await createToken(index, name)
            case 4: await deleteToken(index, name)
            case 5, 6: await createProject(index, name, Bool.random(using: &random) ? .public : .private)
            case 7: await updateProject(index, name, Bool.random(using: &random) ? .public : .private)
            default: await deleteProject(index, name)
            }
            if Int.random(in: 0..<4, using: &random) == 0 { await read(index) }
            if Int.random(in: 0..<40, using: &random) == 0 { await export() }
        }
    }

    /// Reads everything after all requests have come to rest.
    func verify() async {
        for index in 0..<Self.accounts {
            state.withLock { state in
                state.accounts[index].exists.rest()
                for name in Self.names {
                    state.accounts[index].tokens[name]?.rest()
                    state.accounts[index].projects[name]?.rest()
                }
            }
            await read(index, persistently: true)
        }
    }
}

// MARK: - Changes

extension AccountWorkload {
    private enum Answer {
        case done
        case refused(String)
        case lost
    }

    /// Makes a call; an answer that is no refusal leaves open what happened.
    private func ask(_ call: () async throws -> Void) async -> Answer {
        do {
            try await call()
            state.withLock { $0.acknowledged += 1 }
            return .done
        } catch {
            guard let remote = ErrorChain(error).first(RemoteError.self),
                remote.kind != .internal, remote.kind != .unavailable
            else {
                state.withLock { $0.lost += 1 }
                // Whoever serves is just being restarted. Cancellation only shortens the wait.
                try? await Task.sleep(for: .milliseconds(20))
                return .lost
            }
            return .refused(remote.code)
        }
    }

    private func account(_ index: Int) -> Account { state.withLock { $0.accounts[index] } }

    private func change(_ index: Int, _ body: (inout Account, inout BrokenPromises) -> Void) {
        state.withLock { body(&$0.accounts[index], &$0.broken) }
    }

    private func createUser(_ index: Int) async {
        let name = account(index).name
        let answer = await ask {
            _ = try await configstore.create(UserCreation(name: name, password: SecretValue("correct horse \(name)")))
        }
        change(index) { account, broken in
            switch answer {
            case .done:
                broken.expect(account.exists.allows(false), "user \(name) was created though it existed")
                account.exists.settle(true)
            case .refused("userAlreadyExists"):
                broken.expect(account.exists.allows(true), "user \(name) is said to exist")
                account.exists.settle(true)
            case .refused(let code): broken.expect(false, "user \(name) cannot be created: \(code)")
            case .lost: account.exists.lose(true)
            }
        }
    }

    private func deleteUser(_ index: Int) async {
        let name = account(index).name
        let answer = await ask { try await configstore.deleteUser(name) }
        change(index) { account, broken in
            switch answer {
            case .done:
                broken.expect(account.exists.allows(true), "user \(name) was deleted though there was none")
                for (project, value) in account.projects {
                    broken.expect(value.allows(nil), "user \(name) was deleted in spite of project \(project)")
                    account.projects[project]?.settle(nil)
                }
                account.exists.settle(false)
                for token in account.tokens.keys { account.tokens[token]?.settle(false) }
            case .refused("userDoesNotExist"):
                broken.expect(account.exists.allows(false), "user \(name) is gone")
                account.exists.settle(false)
            case .refused("userOwnsProjects"):
                let isKnown = account.projects.values.contains { $0.allows(.public) || $0.allows(.private) }
                broken.expect(isKnown, "user \(name) owns projects that nobody created")
            case .refused(let code): broken.expect(false, "user \(name) cannot be deleted: \(code)")
            case .lost:
                account.exists.lose(false)
                for token in account.tokens.keys { account.tokens[token]?.lose(false) }
            }
        }
    }

    private func createToken(_ index: Int, _ token: String) async {
        let name = account(index).name
        let value = Mutex<SecretValue?>(nil)
        let answer = await ask {
            let created = try await configstore.createToken(named: token, forUser: name)
            value.withLock { $0 = created.value }
        }
        change(index) { account, broken in
            switch answer {
            case .done:
                broken.expect(
                    account.tokens[token]?.allows(false) == true,
                    "token \(token) of \(name) was created twice"
                )
                account.tokens[token]?.settle(true)
                account.exists.settle(true)
            case .refused("userTokenAlreadyExists"):
                broken.expect(account.tokens[token]?.allows(true) == true, "token \(token) of \(name) is said to exist")
                account.tokens[token]?.settle(true)
            case .refused("userDoesNotExist"):
                broken.expect(account.exists.allows(false), "user \(name) is gone")
            case .refused(let code): broken.expect(false, "token \(token) of \(name) cannot be created: \(code)")
            case .lost: account.tokens[token]?.lose(true)
            }
        }
        guard case .done = answer, let secret = value.withLock(\.self) else { return }
        do {
            let user = try await configstore.user(forToken: secret)
            change(index) { account, broken in
                broken.expect(user?.name == name || account.exists.known != true, "a new token of \(name) is unknown")
            }
        } catch {
            // Reading is tried again by whoever reads next.
        }
    }

    private func deleteToken(_ index: Int, _ token: String) async {
        let name = account(index).name
        let answer = await ask { try await configstore.deleteToken(named: token, ofUser: name) }
        change(index) { account, broken in
            switch answer {
            case .done:
                broken.expect(
                    account.tokens[token]?.allows(true) == true,
                    "token \(token) of \(name) came from nowhere"
                )
                account.tokens[token]?.settle(false)
            case .refused("userTokenDoesNotExist"):
                broken.expect(account.tokens[token]?.allows(false) == true, "token \(token) of \(name) is gone")
                account.tokens[token]?.settle(false)
            case .refused("userDoesNotExist"):
                broken.expect(account.exists.allows(false), "user \(name) is gone")
            case .refused(let code): broken.expect(false, "token \(token) of \(name) cannot be deleted: \(code)")
            case .lost: account.tokens[token]?.lose(false)
            }
        }
    }

    private func createProject(_ index: Int, _ project: String, _ visibility: Visibility) async {
        let name = account(index).name
        let creation = ProjectCreation(
            name: project,
            parent: "user/\(name)",
            visibility: visibility,
            remoteSource: "local",
            repositoryPath: "\(name)/\(project)"
        )
        let answer = await ask { _ = try await configstore.create(creation) }
        change(index) { account, broken in
            switch answer {
            case .done:
                broken.expect(
                    account.projects[project]?.allows(nil) == true,
                    "project \(name)/\(project) was created twice"
                )
                account.projects[project]?.settle(visibility)
                account.exists.settle(true)
            case .refused("projectAlreadyExists"):
                let value = account.projects[project]
                let isKnown = value?.allows(.public) == true || value?.allows(.private) == true
                broken.expect(isKnown, "project \(name)/\(project) is said to exist")
            case .refused("userDoesNotExist"), .refused("parentProjectGroupDoesNotExist"):
                broken.expect(account.exists.allows(false), "user \(name) is gone")
            case .refused(let code): broken.expect(false, "project \(name)/\(project) cannot be created: \(code)")
            case .lost: account.projects[project]?.lose(visibility)
            }
        }
    }

    private func updateProject(_ index: Int, _ project: String, _ visibility: Visibility) async {
        let name = account(index).name
        let answer = await ask {
            _ = try await configstore.update(
                project: "user/\(name)/\(project)",
                ProjectUpdate(visibility: visibility)
            )
        }
        settle(answer, index, project, visibility)
    }

    private func deleteProject(_ index: Int, _ project: String) async {
        let name = account(index).name
        settle(await ask { try await configstore.deleteProject("user/\(name)/\(project)") }, index, project, nil)
    }

    /// Notes what came of a change of a project that has to exist.
    private func settle(_ answer: Answer, _ index: Int, _ project: String, _ value: Visibility?) {
        change(index) { account, broken in
            let place = "project \(account.name)/\(project)"
            let now = account.projects[project]
            switch answer {
            case .done:
                broken.expect(
                    now?.allows(.public) == true || now?.allows(.private) == true,
                    "\(place) came from nowhere"
                )
                account.projects[project]?.settle(value)
            case .refused("projectDoesNotExist"), .refused("userDoesNotExist"),
                .refused("projectGroupDoesNotExist"):
                broken.expect(now?.allows(nil) == true, "\(place) is gone")
                account.projects[project]?.settle(nil)
            case .refused(let code): broken.expect(false, "\(place) cannot be changed: \(code)")
            case .lost: account.projects[project]?.lose(value)
            }
        }
    }
}

// MARK: - Reading

extension AccountWorkload {
    /// What the configstore says of an account.
    struct Reading {
        var exists = false
        var tokens: Set<String> = []
        var projects: [String: Visibility] = [:]
    }

    /// Makes an export, and takes what it says of the accounts for read: nobody else changes them, and what was acknowledged is in it.
    private func export() async {
        let bytes: [UInt8]
        do { bytes = try await administration.exportBytes() } catch { return }
        do {
            let readings = try ExportedAccounts(ArrivedExport(bytes))
            for index in 0..<Self.accounts {
                change(index) { account, broken in Self.compare(&account, with: readings[account.name], &broken) }
            }
            state.withLock { $0.exports += 1 }
        } catch {
            state.withLock { $0.broken.expect(false, "an export that has arrived cannot be read: \(error)") }
        }
    }

    private func read(_ index: Int, persistently isPersistent: Bool = false) async {
        let name = account(index).name
        do {
            let found =
                isPersistent ? try await persistently { try await reading(of: name) } : try await reading(of: name)
            change(index) { account, broken in Self.compare(&account, with: found, &broken) }
        } catch {
            guard isPersistent else { return }
            change(index) { _, broken in broken.expect(false, "\(name) cannot be read: \(error)") }
        }
    }

    private func reading(of name: String) async throws -> Reading {
        var reading = Reading()
        do {
            reading.tokens = Set(try await configstore.tokens(ofUser: name).map(\.name))
            reading.exists = true
        } catch  where ErrorChain(error).first(RemoteError.self)?.code == "userDoesNotExist" {
            return reading
        }
        for project in Self.names {
            do {
                reading.projects[project] = try await configstore.project("user/\(name)/\(project)").project.visibility
            } catch  where ErrorChain(error).first(RemoteError.self)?.kind == .notExist {}
        }
        return reading
    }

    private static func compare(_ account: inout Account, with reading: Reading, _ broken: inout BrokenPromises) {
        let name = account.name
        broken.expect(account.exists.allows(reading.exists), "user \(name) exists: \(reading.exists)")
        account.exists.settle(reading.exists)
        for token in names {
            let isThere = reading.tokens.contains(token)
            broken.expect(
                account.tokens[token]?.allows(isThere) == true,
                "token \(token) of \(name) exists: \(isThere)"
            )
            account.tokens[token]?.settle(isThere)
        }
        for project in names {
            let value = reading.projects[project]
            let text = value.map { "\($0)" } ?? "gone"
            broken.expect(account.projects[project]?.allows(value) == true, "project \(name)/\(project) is \(text)")
            account.projects[project]?.settle(value)
        }
    }
}
