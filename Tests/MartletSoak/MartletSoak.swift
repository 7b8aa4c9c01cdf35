import ArgumentParser
import Foundation
import SoakKit

/// Breaks an installation for as long as it is given and says whether all that was acknowledged is still there.
@main
struct MartletSoak: AsyncParsableCommand {
    @Option(help: "Repeats an earlier soak's choices.")
    var seed: UInt64 = .random(in: .min ... .max)

    @Option(help: "No round begins after so many minutes.")
    var minutes = 20.0

    @Option(help: "No more rounds than these.")
    var rounds: Int?

    @Option(help: "How many seconds one round breaks things.")
    var roundSeconds = 15

    @Option(help: "A directory on a small file system of its own, which is filled now and then.")
    var disk: String?

    @Option(help: "The file that holds that file system, an ext4, for the power to fail after every round.")
    var image: String?

    @Option(help: "A file that is mounted where the machine's boot id is, for the machine to start anew now and then.")
    var bootID: String?

    @Option(help: "Where everything is copied to when a promise is broken.")
    var keep: String?

    func run() async throws {
        var options = Soak.Options(seed: seed)
        options.time = .seconds(minutes * 60)
        options.rounds = rounds
        options.roundTime = .seconds(roundSeconds)
        options.disk = disk
        options.image = image
        options.bootID = bootID
        options.keep = keep
        let start = ContinuousClock.now
        let broken = try await Soak(options) { line in
            print(line)
            fflush(nil)
        }.run()
        for message in broken { print("BROKEN: \(message)") }
        print(
            "\(broken.isEmpty ? "every promise was kept" : "promises were broken"), seed \(seed), \(ContinuousClock.now - start)"
        )
        if !broken.isEmpty { throw ExitCode.failure }
    }
}
