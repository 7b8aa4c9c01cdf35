import Base
import FoundationEssentials
import ObjectStorage
import ServiceKit
import StrictYAML
import TestSupport
import Testing

@Suite("The configuration", .temporaryDirectory)
struct ConfigurationLoaderTests {
    private static let whole = """
        id: demo
        apiExposedURL: https://ci.example.org/
        runDir: /run/demo
        internalServicesAPIToken: token-of-the-installation
        gateway:
          cookieSigning: {key: 0123456789abcdef0123456789abcdef, duration: 1h}
          web: {listenAddress: 127.0.0.1:9000, publicDir: /srv/public, allowedOrigins: ["https://ui.example.org"]}
        configstore: {dataDir: configstore}
        runservice:
          dataDir: /var/lib/demo/runservice
          objectStorage: {type: posix, path: objects}
          maximumArchiveSize: 2GiB
          runCacheExpireInterval: 36h
          runLogExpireInterval: 0
        executor:
          dataDir: executor
          activeTasksLimit: 8
          labels: {disk: fast}
          driver: {type: sandbox, network: none, memoryLimit: 2GiB, images: {debian: /images/debian}}
        gitserver: {dataDir: gitserver, maximumPushSize: 1GiB}
        """

    private func load(
        _ text: String,
        for components: Set<Component> = Set(Component.allCases),
        environment: [String: String] = [:]
    ) throws -> DaemonConfiguration {
        let file = "\(TemporaryDirectory.path)/config.yml"
        return try ConfigurationLoader.parse(Array(text.utf8), file: file, for: components, environment: environment)
    }

    private func problems(_ text: String, for components: Set<Component> = Set(Component.allCases)) -> [String] {
        let error = #expect(throws: DocumentErrors.self) { try load(text, for: components) }
        return (error?.diagnostics ?? []).map { "\($0.position.line):\($0.position.column): \($0.message)" }
    }

    @Test("is read whole, with paths relative to its file")
    func complete() throws {
        let configuration = try load(Self.whole)
        #expect(configuration.id == "demo")
        #expect(configuration.gateway.apiExposedURL == "https://ci.example.org")
        #expect(configuration.gateway.sessionDuration == .seconds(3600))
        #expect(configuration.gateway.runservice.url == "unix:/run/demo/runservice.sock")
        #expect(configuration.gateway.runservice.token == SecretValue("token-of-the-installation"))
        #expect(configuration.configstore.dataDirectory == "\(TemporaryDirectory.path)/configstore")
        #expect(configuration.runservice.objectStorage.path == "\(TemporaryDirectory.path)/objects")
        #expect(configuration.runservice.maximumArchiveBytes == 2 << 30)
        #expect(configuration.runservice.runCacheExpireInterval == .seconds(36 * 3600))
        #expect(configuration.runservice.runWorkspaceExpireInterval == .seconds(7 * 24 * 3600))
        #expect(configuration.runservice.runLogExpireInterval == .zero)
        #expect(configuration.executor.memoryLimit == 2 << 30)
        #expect(configuration.executor.network == .none)
        #expect(configuration.executor.images == ["debian": "/images/debian"])
        #expect(configuration.executor.gatewayAuthority == "ci.example.org:443")
        #expect(configuration.gitserver.maximumPushBytes == 1 << 30)
    }

    @Test("names file, line, key and what is expected, for everything that is wrong at once")
    func allProblems() {
        let found = problems(
            """
            id: demo
            apiExposedURL: ci.example.org
            gatway: {}
            gateway:
              cookieSigning: {key: short, duratoin: 1h}
            configstore: {dataDir: a}
            runservice: {dataDir: b, objectStorage: {type: s4, path: o}}
            executor: {dataDir: c, activeTasksLimit: many, driver: {type: sandbox, memoryLimit: lots}}
            gitserver: {}
            """
        )
        #expect(found.contains { $0.hasPrefix("2:16:") && $0.contains("https://ci.example.org") })
        #expect(found.contains { $0.hasPrefix("3:1:") && $0.contains("\"gatway\"") })
        #expect(found.contains { $0.hasPrefix("5:24:") && $0.contains("32 bytes") })
        #expect(found.contains { $0.hasPrefix("5:31:") && $0.contains("duration") })
        #expect(found.contains { $0.hasPrefix("7:") && $0.contains("s4") })
        #expect(found.contains { $0.hasPrefix("8:") && $0.contains("many") })
        #expect(found.contains { $0.hasPrefix("8:") && $0.contains("lots") })
        #expect(found.contains { $0.contains("gitserver.dataDir") })
    }

    @Test("names a directory or a bucket for objects, and a path that is shared with nobody")
    func objectStorage() throws {
        let plain = try load("runservice: {dataDir: /data}", for: [.runservice]).runservice.objectStorage
        #expect(plain.path == "/data/objects")
        #expect(plain.basePath == nil)
        try Data("the key\n".utf8).write(to: URL(filePath: "\(TemporaryDirectory.path)/key"))
        let whole = """
            runservice:
              dataDir: a
              objectStorage:
                type: s3
                endpoint: https://s3.example.org:9000/
                bucket: martlet-objects
                location: eu-1
                accessKey: name
                secretAccessKey: {file: key}
                pathStyle: false
                caFile: keys/ca.pem
                basePath: ci/runs
            """
        let storage = try load(whole, for: [.runservice]).runservice.objectStorage
        #expect(storage.basePath == "ci/runs")
        let s3 = try #require(storage.s3)
        #expect(s3.endpoint == "https://s3.example.org:9000/")
        #expect(s3.bucket == "martlet-objects")
        #expect(s3.location == "eu-1")
        #expect(s3.accessKey == "name")
        #expect(s3.secretAccessKey == SecretValue("the key"))
        #expect(!s3.usesPathStyle)
        #expect(s3.certificateAuthorityFile == "\(TemporaryDirectory.path)/keys/ca.pem")
    }

    @Test(
        "says what is wrong with a place for objects",
        arguments: [
            ("{type: s3}", ["endpoint", "bucket", "accessKey", "secretAccessKey"]),
            ("{type: posix, path: a, bucket: b}", ["bucket"]),
            ("{type: posixflat, path: a}", ["posixflat"]),
            ("{type: posix, path: a, basePath: ../b}", ["ci/runs"]),
            ("{type: s3, endpoint: s3.example.org, bucket: b12, accessKey: a, secretAccessKey: b}", ["URL"]),
            ("{type: s3, endpoint: 'https://a/b', bucket: b12, accessKey: a, secretAccessKey: b}", ["URL"]),
            ("{type: s3, endpoint: 'https://u:p@a', bucket: b12, accessKey: a, secretAccessKey: b}", ["URL"]),
            ("{type: s3, endpoint: 'https://a', bucket: A_B, accessKey: a, secretAccessKey: b}", ["3 to 63"]),
            (
                "{type: s3, endpoint: 'https://a', bucket: b12, location: a/b, accessKey: a, secretAccessKey: b}",
                ["region"]
            ),
        ]
    )
    func badObjectStorage(_ storage: String, _ expected: [String]) {
        let found = problems("runservice: {dataDir: a, objectStorage: \(storage)}", for: [.runservice])
        #expect(found.count == expected.count, "\(found)")
        for word in expected {
            #expect(found.contains { $0.hasPrefix("1:") && $0.contains(word) }, "\(word) in \(found)")
        }
    }

    @Test("refuses to lose executors that have no chance to speak up")
    func shortExecutorTimeout() throws {
        let found = problems("runservice: {dataDir: a, executorTimeout: 20s}", for: [.runservice])
        #expect(found.count == 1 && found[0].contains("at least 30s"), "\(found)")
        let least = try load("runservice: {dataDir: a, executorTimeout: 30s}", for: [.runservice])
        #expect(least.runservice.executorTimeout == .seconds(30))
    }

    @Test("is checked only for the components that are started")
    func onlyStarted() throws {
        #expect(try load("configstore: {dataDir: a}", for: [.configstore]).configstore.dataDirectory.hasSuffix("/a"))
        #expect(problems("configstore: {dataDir: a}", for: [.configstore, .gateway]).count == 2)
        // What stands there must be right all the same: the file is one for all components.
        #expect(problems("configstore: {dataDir: a}\ngateway: {wbe: {}}", for: [.configstore]).count == 1)
    }

    @Test("takes values from the environment before those of the file")
    func environment() throws {
        let configuration = try load(
            Self.whole,
            environment: [
                "MARTLET_RUNSERVICE_DATADIR": "/elsewhere", "MARTLET_EXECUTOR_ACTIVETASKSLIMIT": "3",
                "MARTLET_TOKEN": "x",
            ]
        )
        #expect(configuration.runservice.dataDirectory == "/elsewhere")
        #expect(configuration.executor.activeTasksLimit == 3)
    }

    @Test("takes secrets from files of their own, and says when one is missing or empty")
    func secretFiles() throws {
        try Data("the secret\n".utf8).write(to: URL(filePath: "\(TemporaryDirectory.path)/token"))
        let configuration = try load("internalServicesAPIToken: {file: token}", for: [])
        #expect(configuration.internalServicesAPIToken == SecretValue("the secret"))
        let missing = problems("internalServicesAPIToken: {file: nowhere}", for: [])
        #expect(missing.count == 1)
        #expect(missing.first?.contains("nowhere") == true)
        try Data().write(to: URL(filePath: "\(TemporaryDirectory.path)/empty"))
        #expect(problems("internalServicesAPIToken: {file: empty}", for: []).first?.contains("empty") == true)
    }

    @Test(
        "refuses origins that are none",
        arguments: ["'*'", "https://*.example.org", "example.org", "https://a/b", "https://user@a", "''", "[]"]
    )
    func origins(_ origin: String) {
        #expect(!problems("gateway: {web: {allowedOrigins: [\(origin)]}}", for: []).isEmpty)
    }

    @Test("that is no YAML, no mapping or not there says so", arguments: ["a: [", "- a", "\t", "a: 1\na: 2", "a"])
    func malformed(_ text: String) {
        #expect(!problems(text, for: []).isEmpty)
    }

    @Test("that is not there says which file was looked for")
    func missing() {
        let error = #expect(throws: Failure.self) { try ConfigurationLoader.load("/nowhere/config.yml", for: []) }
        #expect(error.map { ErrorChain($0).message.contains("/nowhere/config.yml") } == true)
    }
}

extension ObjectStorageConfiguration {
    fileprivate var path: String? {
        if case .posix(let path) = place { path } else { nil }
    }

    fileprivate var s3: S3Configuration? {
        if case .s3(let s3) = place { s3 } else { nil }
    }
}
