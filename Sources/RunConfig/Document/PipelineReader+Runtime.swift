import StrictYAML

extension PipelineReader {
    private enum RuntimeType: String, CaseIterable {
        case pod
    }

    private enum Architecture: String, CaseIterable {
        case i386 = "386"
        case amd64
        case arm
        case arm64
    }

    private enum AuthType: String, CaseIterable {
        case basic
        case encodedauth
    }

    func runtime(_ node: NodeReader, into task: inout PipelineTask) {
        guard let mapping = node.mapping() else { return }
        if let type = mapping.optional("type"), type.string(coercing: true) != "" {
            _ = type.enumeration(RuntimeType.self)
        }
        if let arch = mapping.optional("arch"), arch.string(coercing: true) != "" {
            task.architecture = arch.enumeration(Architecture.self)?.rawValue
        }
        if let list = mapping.required("containers")?.list() {
            if list.isEmpty { mapping.required("containers")?.error("at least one container is needed") }
            task.containers = list.compactMap(container)
        }
        mapping.finish()
    }

    private func container(_ node: NodeReader) -> PipelineContainer? {
        guard let mapping = node.mapping() else { return nil }
        var container = PipelineContainer(image: "")
        if let image = mapping.required("image"), let name = image.nonEmptyString(coercing: true) {
            if name.unicodeScalars.contains(where: { $0.properties.isWhitespace || $0.value < 0x20 }) {
                image.error("the name of an image has no spaces")
            }
            container.image = name
        }
        container.environment = mapping.optional("environment").map(values) ?? [:]
        container.user = text(mapping.optional("user"), coercing: true)
        container.privileged = mapping.optional("privileged")?.bool() ?? false
        if let entrypoint = mapping.optional("entrypoint"), entrypoint.string(coercing: true)?.isEmpty == false {
            entrypoint.error("entrypoint is not supported yet")
        }
        if let volumes = mapping.optional("volumes"), let list = volumes.list(), !list.isEmpty {
            list.forEach(volume)
            volumes.error("volumes are not supported yet")
        }
        mapping.finish()
        return container
    }

    private func volume(_ node: NodeReader) {
        guard let mapping = node.mapping() else { return }
        _ = mapping.required("path")?.nonEmptyString(coercing: true)
        if let tmpfs = mapping.required("tmpfs")?.mapping() {
            _ = tmpfs.optional("size")?.byteSize()
            tmpfs.finish()
        }
        mapping.finish()
    }

    /// Checks `docker_registries_auth`, which nothing carries to the executor yet.
    func refuseRegistries(in mapping: MappingReader) {
        guard let node = mapping.optional("docker_registries_auth"), let registries = node.entries() else { return }
        for (_, registry) in registries { self.registry(registry) }
        if !registries.isEmpty { node.error("docker_registries_auth is not supported yet") }
    }

    private func registry(_ node: NodeReader) {
        guard let mapping = node.mapping() else { return }
        let type = mapping.optional("type").map { $0.enumeration(AuthType.self) } ?? .basic
        for key in ["username", "password", "auth"] {
            guard let value = mapping.optional(key) else { continue }
            _ = self.value(value)
            if let type, (type == .encodedauth) != (key == "auth") {
                value.error("\"\(key)\" has no meaning for the type \(type.rawValue)")
            }
        }
        mapping.finish()
    }

    /// Variables for processes.
    func values(_ node: NodeReader) -> [String: PipelineValue] {
        guard let entries = node.entries() else { return [:] }
        return entries.reduce(into: [:]) { values, entry in
            if entry.key.utf8.contains(0) || entry.key.contains("=") {
                entry.value.error("the name of a variable has no \"=\" and no U+0000")
            }
            values[entry.key] = value(entry.value)
        }
    }

    private func value(_ node: NodeReader) -> PipelineValue? {
        switch node.node.content {
        case .mapping:
            guard let mapping = node.mapping() else { return nil }
            defer { mapping.finish() }
            if file.isAgola, mapping.value("from_variable") == nil {
                node.warning("without \"from_variable\" the value is empty")
                return .literal("")
            }
            return (mapping.required("from_variable")?.nonEmptyString()).map { .variable($0) }
        case .scalar(let scalar) where scalar.value != .null:
            guard let text = node.string() else { return nil }
            return check(text, at: node).map { .literal($0) }
        default:
            return node.expected("text or {from_variable: NAME}")
        }
    }
}
