// swift-tools-version: 6.2
import PackageDescription

// Layers, lowest first, as in docs/architecture.md: a target imports only targets above it in this list.
// Exported modules are the bottom of the graph, so that they can never import an internal one.

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .treatAllWarnings(as: .error),
    // Named places where a test can kill, stop or fail a process; release builds have none.
    .define("MARTLET_FAILPOINTS", .when(configuration: .debug)),
]

extension Target.Dependency {
    static let argumentParser = product(name: "ArgumentParser", package: "swift-argument-parser")
    static let crypto = product(name: "Crypto", package: "swift-crypto")
    static let cryptoExtras = product(name: "CryptoExtras", package: "swift-crypto")
    static let grdb = product(name: "GRDB", package: "GRDB.swift")
    static let grdbSQLite = product(name: "GRDBSQLite", package: "GRDB.swift")
    static let httpTypes = product(name: "HTTPTypes", package: "swift-http-types")
    static let hummingbird = product(name: "Hummingbird", package: "hummingbird")
    static let lifecycle = product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
    static let logging = product(name: "Logging", package: "swift-log")
    static let nioCore = product(name: "NIOCore", package: "swift-nio")
    static let nioPosix = product(name: "NIOPosix", package: "swift-nio")
    static let nioEmbedded = product(name: "NIOEmbedded", package: "swift-nio")
    static let subprocess = product(name: "Subprocess", package: "swift-subprocess")
    static let systemPackage = product(name: "SystemPackage", package: "swift-system")
    static let unixSignals = product(name: "UnixSignals", package: "swift-service-lifecycle")
    static let yams = product(name: "Yams", package: "Yams")
}

func library(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: settings)
}

func program(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(name: name, dependencies: dependencies, swiftSettings: settings)
}

func tests(of name: String, _ dependencies: [Target.Dependency] = [], exclude: [String] = []) -> Target {
    .testTarget(
        name: "\(name)Tests",
        dependencies: [.target(name: name), "TestSupport"] + (name == "Base" ? [] : ["Base"]) + dependencies,
        exclude: exclude,
        swiftSettings: settings
    )
}

let package = Package(
    name: "martlet",
    products: [
        .executable(name: "martletd", targets: ["martletd"]),
        .executable(name: "martlet", targets: ["martlet"]),
        .library(
            name: "MartletClients",
            targets: ["Base", "Model", "HTTPTransport", "WorkerClients", "GatewayClient"]
        ),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2"),
    ],
    targets: [
        // C
        .systemLibrary(name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
        .target(name: "CLinux"),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CFastCGI", pkgConfig: "fcgi", providers: [.apt(["libfcgi-dev"])]),

        // Exported
        library("Base", ["CLinux"]),
        library("Model", ["Base"]),
        library("HTTPTransport", ["Base", "CCurl", .httpTypes]),
        library("WorkerClients", ["Base", "Model", "HTTPTransport", .httpTypes]),
        library("GatewayClient", ["Base", "HTTPTransport", .httpTypes]),

        // Libraries
        library("ObjectStorage", ["Base", "HTTPTransport", .crypto, .httpTypes]),
        library("Store", ["Base", "ObjectStorage", "CLinux", .crypto, .grdb, .grdbSQLite, .logging]),
        library("StrictYAML", ["Base", .yams]),
        library("RunConfig", ["Base", "Model", "StrictYAML"]),
        library("GitSources", ["Base", "Model", "HTTPTransport", "WorkerClients", .httpTypes]),
        library(
            "FastCGI",
            ["Base", "CFastCGI", .hummingbird, .httpTypes, .logging, .lifecycle, .nioCore, .nioEmbedded]
        ),
        library(
            "ServiceKit",
            [
                "Base", "Model", "HTTPTransport", "ObjectStorage", "Store", "WorkerClients", "StrictYAML",
                .hummingbird, .httpTypes, .logging, .lifecycle, .nioCore, .nioPosix,
            ]
        ),

        // Services: none imports another
        library(
            "ConfigStoreService",
            [
                "Base", "Model", "Store", "ServiceKit", .hummingbird, .httpTypes, .logging, .lifecycle, .crypto,
                .cryptoExtras,
            ]
        ),
        library(
            "RunService",
            [
                "Base", "Model", "Store", "ObjectStorage", "ServiceKit", .hummingbird, .httpTypes, .logging, .lifecycle,
                .nioCore,
            ]
        ),
        library(
            "ExecutorService",
            [
                "Base", "CLinux", "Model", "WorkerClients", "ServiceKit",
                .logging, .lifecycle, .nioCore, .nioPosix,
            ]
        ),
        library(
            "GitService",
            [
                "Base", "CZlib", "Model", "HTTPTransport", "Store", "ServiceKit",
                .hummingbird, .httpTypes, .logging, .lifecycle, .crypto, .subprocess, .systemPackage, .nioCore,
            ]
        ),
        library(
            "GatewayService",
            [
                "Base", "Model", "HTTPTransport", "WorkerClients", "RunConfig", "GitSources", "FastCGI", "ServiceKit",
                .hummingbird, .httpTypes, .logging, .lifecycle, .crypto, .nioCore,
            ]
        ),

        // Programs
        library(
            "Commands",
            [
                "Base", "HTTPTransport", "GatewayClient", "StrictYAML", .argumentParser, .crypto, .subprocess,
                .systemPackage,
            ]
        ),
        program("martlet", ["Commands"]),
        program(
            "martletd",
            [
                "Base", "Model", "HTTPTransport", "WorkerClients", "ServiceKit", "ConfigStoreService", "RunService",
                "ExecutorService", "GitService", "GatewayService", .argumentParser, .httpTypes, .logging, .lifecycle,
                .unixSignals, .subprocess, .systemPackage,
            ]
        ),

        // Tests
        .target(
            name: "TestSupport",
            dependencies: [
                "Base", "Model", "HTTPTransport", "ServiceKit", .httpTypes, .logging, .lifecycle, .subprocess,
                .systemPackage,
            ],
            path: "Tests/TestSupport",
            swiftSettings: settings
        ),
        .target(
            name: "SoakKit",
            dependencies: [
                "Base", "Model", "HTTPTransport", "WorkerClients", "Store", "ServiceKit", "ConfigStoreService",
                "RunService",
                "GatewayService", "TestSupport", .grdb, .httpTypes, .subprocess, .systemPackage,
            ],
            path: "Tests/SoakKit",
            swiftSettings: settings
        ),
        .executableTarget(
            name: "MartletSoak",
            dependencies: ["SoakKit", .argumentParser],
            path: "Tests/MartletSoak",
            swiftSettings: settings
        ),
        tests(of: "Base"),
        tests(of: "Model"),
        tests(of: "HTTPTransport", [.hummingbird, .httpTypes, .logging, .nioCore, .lifecycle, .subprocess]),
        tests(of: "ObjectStorage", ["HTTPTransport", .httpTypes]),
        .executableTarget(
            name: "StoreCrashProbe",
            dependencies: ["Base", "ObjectStorage", "Store"],
            path: "Tests/StoreCrashProbe",
            swiftSettings: settings
        ),
        tests(
            of: "Store",
            ["ObjectStorage", "StoreCrashProbe", .grdbSQLite, .logging],
            exclude: ["Schemas"]
        ),
        tests(of: "StrictYAML"),
        tests(of: "RunConfig", ["Model", "StrictYAML", .subprocess], exclude: ["Golden"]),
        tests(
            of: "FastCGI",
            ["CFastCGI", "GatewayService", "HTTPTransport", .hummingbird, .httpTypes, .logging, .nioCore, .lifecycle]
        ),
        tests(
            of: "ServiceKit",
            [
                "Model", "StrictYAML", "HTTPTransport", "ObjectStorage", "WorkerClients", "Store", "MaintainedHost",
                .hummingbird, .httpTypes, .logging, .lifecycle, .nioCore, .subprocess,
            ]
        ),
        .executableTarget(
            name: "MaintainedHost",
            dependencies: ["Base", "ServiceKit", "Store", .hummingbird, .lifecycle, .logging, .unixSignals],
            path: "Tests/MaintainedHost",
            swiftSettings: settings
        ),
        tests(
            of: "ConfigStoreService",
            ["Model", "HTTPTransport", "WorkerClients", "Store", "ServiceKit", .logging, .httpTypes, .lifecycle],
            exclude: ["Agola"]
        ),
        tests(
            of: "RunService",
            [
                "Model", "HTTPTransport", "WorkerClients", "Store", "ObjectStorage", "ServiceKit",
                .hummingbird, .logging, .httpTypes, .nioCore,
            ],
            exclude: ["Agola"]
        ),
        tests(
            of: "ExecutorService",
            ["CLinux", "Model", "HTTPTransport", "WorkerClients", "ServiceKit", .logging, .httpTypes, .systemPackage]
        ),
        tests(
            of: "GitService",
            [
                "Model", "HTTPTransport", "Store", "ServiceKit", "WorkerClients", "GitSources", "GitServiceHost",
                .logging, .httpTypes, .hummingbird, .lifecycle, .nioCore, .subprocess, .systemPackage, .crypto,
            ]
        ),
        .executableTarget(
            name: "GitServiceHost",
            dependencies: ["Base", "GitService", "ServiceKit", .lifecycle, .logging],
            path: "Tests/GitServiceHost",
            swiftSettings: settings
        ),
        tests(
            of: "GatewayService",
            [
                "Model", "HTTPTransport", "WorkerClients", "ObjectStorage", "ServiceKit", "ConfigStoreService",
                "RunService", "GitService",
                .crypto, .logging, .lifecycle, .httpTypes, .hummingbird,
            ]
        ),
        tests(
            of: "Commands",
            [
                "HTTPTransport", "GatewayClient", .argumentParser, .crypto, .httpTypes, .hummingbird, .lifecycle,
                .logging,
                .nioCore,
                .subprocess, .systemPackage,
            ]
        ),
        .testTarget(
            name: "IntegrationTests",
            dependencies: [
                "Base", "Model", "HTTPTransport", "ObjectStorage", "WorkerClients", "ServiceKit", "GatewayService",
                "TestSupport", "SoakKit",
                "martletd", "martlet", "MartletSoak", "StoreCrashProbe",
                .httpTypes, .logging, .subprocess, .systemPackage,
            ],
            swiftSettings: settings
        ),
    ]
)

// Programs that benchmarks measure; they are built for nobody else.
if Context.environment["MARTLET_BENCHMARKS"] == "1" {
    package.targets += [
        .executableTarget(
            name: "StoreBenchmark",
            dependencies: ["Base", "Model", "Store", "RunService", .grdbSQLite],
            path: "Tests/Benchmarks/StoreBenchmark",
            swiftSettings: settings
        ),
        .executableTarget(
            name: "BareFastCGI",
            path: "Tests/Benchmarks/BareFastCGI",
            linkerSettings: [.linkedLibrary("fcgi")]
        ),
        .executableTarget(
            name: "RouterFastCGI",
            dependencies: ["FastCGI", .hummingbird, .httpTypes, .logging, .lifecycle, .nioCore],
            path: "Tests/Benchmarks/RouterFastCGI",
            swiftSettings: settings
        ),
        .executableTarget(
            name: "MartletBenchmarks",
            dependencies: ["Base", "HTTPTransport", "WorkerClients", .httpTypes, .subprocess, .systemPackage],
            path: "Tests/Benchmarks/MartletBenchmarks",
            swiftSettings: settings
        ),
    ]
}

// Test targets by name, separated by commas: builds those alone while one module is worked on.
if let names = Context.environment["MARTLET_TESTS"] {
    let wanted = Set(names.split(separator: ",").map(String.init))
    package.targets.removeAll { $0.type == .test && !wanted.contains($0.name) }
}
