import Base
import FoundationEssentials
import Model
import ConfigStoreService
import RunService
import Store
import TestSupport

/// Breaks a whole installation for a while and looks whether all that was acknowledged is there, over and over.
package struct Soak: Sendable {
    /// How to go about it.
    package struct Options: Sendable {
        /// Repeats what was done, as far as the machine does.
        package var seed: UInt64
        /// How long one round breaks things.
        package var roundTime: Duration = .seconds(15)
        /// How many rounds; nil for as many as there is time.
        package var rounds: Int?
        /// After which time no further round begins.
        package var time: Duration = .seconds(20 * 60)
        /// A small file system of its own, which is filled now and then; nil for none.
        package var disk: String?
        /// The file that holds that file system, for the power to fail after every round; nil for a disk that never does.
        package var image: String?
        /// A file that stands where the machine's boot id does, for the machine to start anew; nil when it cannot be replaced.
        package var bootID: String?
        /// Where everything is copied to when a promise is broken; nil for nowhere.
        package var keep: String?

        /// Takes the defaults.
        package init(seed: UInt64) {
            self.seed = seed
        }
    }

    private let options: Options
    private let say: @Sendable (String) -> Void

    /// Prepares a soak that tells `say` line by line how it goes.
    package init(_ options: Options, say: @escaping @Sendable (String) -> Void) {
        self.options = options
        self.say = say
    }

    /// Goes on until the time is over or a promise is broken.
    /// - Returns: the broken promises; none when all is well.
    /// - Throws: what keeps the soak itself from going on.
    package func run() async throws -> [String] {
        say("seed \(options.seed)")
        if options.image == nil { say("no image of a disk: the power never fails") }
        if options.bootID == nil { say("no boot id of its own: the machine never starts anew") }
        if options.disk == nil { say("no disk of its own: it is never full") }
        return try await TemporaryDirectory.with { directory in
            do {
                let messages = try await ComponentSite.with(.apart, data: options.disk) { site in
                    try await SoakRounds(site: site, options: options, say: say).run()
                }
                if !messages.isEmpty { await keep(directory) }
                return messages
            } catch {
                await keep(directory)
                return ["\(error)"]
            }
        }
    }

    private func keep(_ directory: String) async {
        guard let place = options.keep else { return }
        do {
            try await TestProcess.require("mkdir", ["-p", place])
            try await TestProcess.require("cp", ["-a", directory, "\(place)/\(options.seed)"])
            if let disk = options.disk {
                try await TestProcess.require("cp", ["-a", disk, "\(place)/\(options.seed)-data"])
            }
            say("everything is kept below \(place)")
        } catch {
            say("cannot keep anything: \(error)")
        }
    }
}
