package import StrictYAML

/// Reads pipeline files.
package enum PipelineFile {
    /// The longest file that is read.
    package static let maximumBytes = 1 << 20

    /// Reads a pipeline file and reports everything that is wrong with it at once.
    ///
    /// Pure and bounded in time and memory: the file may come from anybody who can push.
    /// - Returns: the document, nil when any diagnostic is an error, and the diagnostics in the order of the file.
    package static func parse(
        _ bytes: [UInt8],
        file: ConfigFile
    ) -> (document: PipelineDocument?, diagnostics: [Diagnostic]) {
        let diagnostics = Diagnostics(
            rules: file.isAgola ? .init(unknownKeys: .warning, ignoresKeyCase: true) : .init()
        )
        guard file.format.isSupported else {
            diagnostics.error(unsupported(file), at: SourcePosition(file: file.path))
            return (nil, diagnostics.all)
        }
        let limits = YAMLDocument.Limits(bytes: maximumBytes)
        guard let root = YAMLDocument.parse(bytes, file: file.path, limits: limits, into: diagnostics) else {
            return (nil, diagnostics.all)
        }
        let runs = PipelineReader(file: file, diagnostics: diagnostics).runs(NodeReader(root, diagnostics: diagnostics))
        let document = diagnostics.hasErrors ? nil : PipelineDocument(file: file, runs: runs)
        return (document, diagnostics.all)
    }

    private static func unsupported(_ file: ConfigFile) -> String {
        let directory = file.path.prefix { $0 != "/" }
        return """
            pipelines in \(file.format.title) are not supported yet; write \(directory)/config.yml or \
            \(directory)/config.json and remove this file, which would win over them
            """
    }
}
