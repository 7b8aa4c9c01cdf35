import Base
import StrictYAML

/// Builds a ``DaemonConfiguration`` from the tree of the file, noting everything that is wrong.
struct ConfigurationReader {
    /// Settings that the environment may override.
    static let overridable = [
        "id", "apiExposedURL", "webExposedURL", "runDir", "internalServicesAPIToken", "gateway.adminToken",
        "gateway.unsecureCookies", "gateway.cookieSigning.key", "gateway.web.listenAddress", "gateway.web.publicDir",
        "configstore.dataDir", "runservice.dataDir", "runservice.objectStorage.path", "executor.dataDir",
        "executor.activeTasksLimit", "executor.runserviceURL", "gitserver.dataDir",
    ]

    let directory: String
    let components: Set<Component>

    func read(_ root: NodeReader) -> DaemonConfiguration {
        var configuration = DaemonConfiguration()
        guard let top = root.mapping() else { return configuration }
        readCommon(top, into: &configuration)
        let common = Common(configuration: configuration, reader: self)
        configuration.gateway = readGateway(section("gateway", .gateway, in: top), common)
        configuration.configstore = readConfigStore(section("configstore", .configstore, in: top), common)
        configuration.runservice = readRunService(section("runservice", .runservice, in: top), common)
        configuration.executor = readExecutor(section("executor", .executor, in: top), common)
        configuration.gitserver = readGitServer(section("gitserver", .gitserver, in: top), common)
        top.finish()
        return configuration
    }

    private func readCommon(_ top: MappingReader, into configuration: inout DaemonConfiguration) {
        if let id = top.optional("id"), let text = id.nonEmptyString() {
            if text.utf8.count > 20 { id.error("the id \"\(text)\" is longer than 20 bytes") }
            configuration.id = text
        }
        configuration.apiExposedURL = url(top.optional("apiExposedURL")) ?? ""
        configuration.webExposedURL = url(top.optional("webExposedURL")) ?? configuration.apiExposedURL
        configuration.runDirectory = path(top.optional("runDir")) ?? configuration.runDirectory
        configuration.internalServicesAPIToken = secret(top.optional("internalServicesAPIToken"))
    }

    /// What all sections fall back to.
    private struct Common {
        let configuration: DaemonConfiguration
        let reader: ConfigurationReader

        func socket(_ component: Component, _ suffix: String = "") -> String {
            "\(configuration.runDirectory)/\(component.rawValue)\(suffix).sock"
        }

        func endpoint(_ component: Component, _ section: Section) -> ServiceEndpoint {
            let node = section.mapping?.optional("\(component.rawValue)URL")
            let url = node.flatMap { $0.nonEmptyString() } ?? "unix:\(socket(component))"
            return ServiceEndpoint(url: url, token: configuration.internalServicesAPIToken)
        }
    }

    /// A part of the file, and whether what is missing in it matters.
    private struct Section {
        let name: String
        let mapping: MappingReader?
        let isStarted: Bool
        let diagnostics: Diagnostics
        let position: SourcePosition

        func required<Value>(_ value: Value?, _ key: String) -> Value? {
            if value == nil, isStarted, mapping?.value(key) == nil {
                diagnostics.error("\"\(name).\(key)\" is missing; the component \(name) needs it", at: position)
            }
            return value
        }
    }

    private func section(_ name: String, _ component: Component, in top: MappingReader) -> Section {
        let node = top.optional(name)
        let mapping = node?.mapping()
        return Section(
            name: name,
            mapping: mapping,
            isStarted: components.contains(component),
            diagnostics: top.diagnostics,
            position: mapping?.position ?? top.position
        )
    }
}

// MARK: - Sections

extension ConfigurationReader {
    private func readGateway(_ section: Section, _ common: Common) -> GatewayConfiguration {
        var gateway = GatewayConfiguration()
        let top = section.mapping
        gateway.socketPath = common.socket(.gateway)
        gateway.apiSocketPath = common.socket(.gateway, "-api")
        gateway.streamSocketPath = common.socket(.gateway, "-stream")
        gateway.apiThreads = top?.optional("apiThreads")?.integer(in: 1...10_000) ?? gateway.apiThreads
        gateway.streamThreads = top?.optional("streamThreads")?.integer(in: 1...10_000) ?? gateway.streamThreads
        gateway.apiExposedURL = url(top?.optional("apiExposedURL")) ?? common.configuration.apiExposedURL
        gateway.webExposedURL = url(top?.optional("webExposedURL")) ?? common.configuration.webExposedURL
        if section.isStarted, gateway.apiExposedURL.isEmpty {
            section.diagnostics.error(
                "\"apiExposedURL\" is missing; the component gateway needs it",
                at: section.position
            )
        }
        gateway.adminToken = secret(top?.optional("adminToken"))
        gateway.unsecureCookies = top?.optional("unsecureCookies")?.bool() ?? false
        readCookies(section, into: &gateway)
        readWeb(top, into: &gateway)
        gateway.configstore = common.endpoint(.configstore, section)
        gateway.runservice = common.endpoint(.runservice, section)
        gateway.gitserver = common.endpoint(.gitserver, section)
        top?.finish()
        return gateway
    }

    private func readCookies(_ section: Section, into gateway: inout GatewayConfiguration) {
        let signing = section.mapping?.optional("cookieSigning")?.mapping()
        if let key = section.required(signing, "cookieSigning")?.required("key"), let value = secret(key) {
            if value.revealed.utf8.count < 32 {
                key.error("the key must have at least 32 bytes; make one by: openssl rand -hex 32")
            }
            gateway.cookieSigningKey = value
        }
        gateway.sessionDuration = signing?.optional("duration")?.duration() ?? gateway.sessionDuration
        signing?.finish()
    }

    private func readWeb(_ top: MappingReader?, into gateway: inout GatewayConfiguration) {
        guard let web = top?.optional("web")?.mapping() else { return }
        gateway.listenAddress = web.optional("listenAddress")?.nonEmptyString() ?? gateway.listenAddress
        gateway.publicDirectory = path(web.optional("publicDir")) ?? gateway.publicDirectory
        gateway.allowedOrigins = web.optional("allowedOrigins")?.list()?.compactMap(origin) ?? []
        web.finish()
    }

    private func readConfigStore(_ section: Section, _ common: Common) -> ConfigStoreConfiguration {
        var configstore = ConfigStoreConfiguration()
        configstore.dataDirectory = dataDirectory(section)
        configstore.socketPath = common.socket(.configstore)
        configstore.token = common.configuration.internalServicesAPIToken
        section.mapping?.finish()
        return configstore
    }

    private func readRunService(_ section: Section, _ common: Common) -> RunServiceConfiguration {
        var runservice = RunServiceConfiguration()
        runservice.dataDirectory = dataDirectory(section)
        runservice.socketPath = common.socket(.runservice)
        runservice.token = common.configuration.internalServicesAPIToken
        let storage = section.mapping?.optional("objectStorage")?.mapping()
        runservice.objectStorage = readObjectStorage(storage, default: runservice.dataDirectory + "/objects")
        runservice.executorTimeout = readExecutorTimeout(section.mapping) ?? runservice.executorTimeout
        runservice.maximumArchiveBytes =
            section.mapping?.optional("maximumArchiveSize")?.byteSize() ?? runservice.maximumArchiveBytes
        readExpiry(section.mapping, into: &runservice)
        section.mapping?.finish()
        return runservice
    }

    /// Executors speak up every 20 s: less than that and a moment more would lose living ones.
    private func readExecutorTimeout(_ top: MappingReader?) -> Duration? {
        guard let node = top?.optional("executorTimeout"), let timeout = node.duration() else { return nil }
        return timeout >= .seconds(30) ? timeout : node.expected("a duration of at least 30s")
    }

    private func readExpiry(_ top: MappingReader?, into runservice: inout RunServiceConfiguration) {
        if let cache = top?.optional("runCacheExpireInterval")?.duration() {
            runservice.runCacheExpireInterval = cache
        }
        if let workspace = top?.optional("runWorkspaceExpireInterval")?.duration() {
            runservice.runWorkspaceExpireInterval = workspace
        }
        if let log = top?.optional("runLogExpireInterval")?.duration() { runservice.runLogExpireInterval = log }
    }

    private func readExecutor(_ section: Section, _ common: Common) -> ExecutorConfiguration {
        var executor = ExecutorConfiguration()
        let top = section.mapping
        executor.dataDirectory = dataDirectory(section)
        executor.socketPath = common.socket(.executor)
        executor.runservice = common.endpoint(.runservice, section)
        executor.activeTasksLimit =
            top?.optional("activeTasksLimit")?.integer(in: 1...1_000) ?? executor.activeTasksLimit
        executor.labels = top?.optional("labels")?.stringMap() ?? [:]
        executor.allowsPrivileged = top?.optional("allowPrivilegedContainers")?.bool() ?? false
        executor.gatewayAuthority = Self.authority(of: common.configuration.apiExposedURL)
        if let driver = section.required(top?.optional("driver"), "driver")?.mapping() {
            readDriver(driver, into: &executor)
        }
        top?.finish()
        return executor
    }

    private func readDriver(_ driver: MappingReader, into executor: inout ExecutorConfiguration) {
        executor.driver = driver.required("type")?.enumeration() ?? executor.driver
        executor.network = driver.optional("network")?.enumeration() ?? executor.network
        executor.memoryLimit = driver.optional("memoryLimit")?.byteSize()
        executor.processLimit = driver.optional("processLimit")?.integer(in: 16...1_000_000) ?? executor.processLimit
        for (name, node) in driver.optional("images")?.entries() ?? [] {
            executor.images[name] = path(node)
        }
        driver.finish()
    }

    private func readGitServer(_ section: Section, _ common: Common) -> GitServerConfiguration {
        var gitserver = GitServerConfiguration()
        gitserver.dataDirectory = dataDirectory(section)
        gitserver.socketPath = common.socket(.gitserver)
        gitserver.token = common.configuration.internalServicesAPIToken
        gitserver.maximumPushBytes = section.mapping?.optional("maximumPushSize")?.byteSize()
        gitserver.gateway = common.endpoint(.gateway, section)
        section.mapping?.finish()
        return gitserver
    }
}

// MARK: - Values

extension ConfigurationReader {
    private func dataDirectory(_ section: Section) -> String {
        section.required(path(section.mapping?.optional("dataDir")), "dataDir") ?? ""
    }

    /// A text that may stand in a file of its own.
    func text(_ node: NodeReader?) -> String? {
        guard let node else { return nil }
        guard case .mapping = node.node.content, let mapping = node.mapping() else { return node.nonEmptyString() }
        defer { mapping.finish() }
        guard let file = mapping.required("file"), let path = path(file) else { return nil }
        do {
            let text = String(decoding: try ConfigurationLoader.read(path, limit: 64 << 10), as: UTF8.self)
            let trimmed = text.split(separator: "\n", omittingEmptySubsequences: true).first.map(String.init) ?? ""
            if trimmed.isEmpty { file.error("the file \(path) is empty") }
            return trimmed
        } catch {
            file.error(ErrorChain(error).message)
            return nil
        }
    }

    func secret(_ node: NodeReader?) -> SecretValue? {
        text(node).map(SecretValue.init)
    }

    func path(_ node: NodeReader?) -> String? {
        guard let path = node?.nonEmptyString() else { return nil }
        return path.hasPrefix("/") ? path : "\(directory)/\(path)"
    }

    func url(_ node: NodeReader?) -> String? {
        guard let node, let url = node.nonEmptyString() else { return nil }
        guard Self.authority(of: url) != nil else { return node.expected("a URL such as \"https://ci.example.org\"") }
        return url.hasSuffix("/") ? String(url.dropLast()) : url
    }

    private func origin(_ node: NodeReader) -> String? {
        guard let origin = node.nonEmptyString() else { return nil }
        let rest = origin.split(separator: "://", maxSplits: 1).last ?? ""
        guard Self.authority(of: origin) != nil, !rest.contains("/"), !origin.contains("*") else {
            return node.expected("an origin such as \"https://ui.example.org\", without a path and never \"*\"")
        }
        return origin
    }

    /// `host:port` of an http or https URL.
    private static func authority(of url: String) -> String? {
        for (scheme, port) in [("http://", 80), ("https://", 443)] where url.hasPrefix(scheme) {
            let authority = url.dropFirst(scheme.count).prefix { $0 != "/" }
            guard !authority.isEmpty, authority.utf8.allSatisfy({ $0 > 32 && $0 < 127 }), !authority.contains("@")
            else { return nil }
            let hasPort = authority.split(separator: "]").last?.contains(":") == true && !authority.hasSuffix("]")
            return hasPort ? String(authority) : "\(authority):\(port)"
        }
        return nil
    }
}
