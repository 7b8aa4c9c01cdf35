import ArgumentParser
import GatewayClient

/// Whose runs a command is about.
struct RunOwnerOptions: ParsableArguments {
    @Option(help: "The project, by path or id.")
    var project: String?

    @Option(name: [.long, .customShort("n")], help: "The user whose direct runs are meant, by name or id.")
    var username: String?

    func validate() throws {
        guard (project == nil) != (username == nil) else {
            throw ValidationError("Name one of --project and --username.")
        }
    }

    var owner: Gateway.RunOwner {
        project.map { .project($0) } ?? .user(username ?? "")
    }
}

/// A run of somebody.
struct RunReferenceOptions: ParsableArguments {
    @OptionGroup var owner: RunOwnerOptions

    @Option(help: "The run's number.")
    var runnumber: UInt64
}

/// A ref to run.
struct RefOptions: ParsableArguments {
    @Option(help: "The branch.")
    var branch: String?

    @Option(help: "The tag.")
    var tag: String?

    @Option(help: "The full name of a ref.")
    var ref: String?

    func validate() throws {
        guard [branch, tag, ref].compactMap(\.self).count == 1 else {
            throw ValidationError("Name exactly one of --branch, --tag and --ref.")
        }
    }

    var selection: Gateway.RefSelection {
        if let branch { return .branch(branch) }
        if let tag { return .tag(tag) }
        return .ref(ref ?? "")
    }
}
