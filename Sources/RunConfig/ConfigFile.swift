/// One of the files in which a commit may keep its pipeline.
package struct ConfigFile: Sendable, Hashable, CustomStringConvertible {
    /// The language of a pipeline file.
    package enum Format: String, Sendable, Hashable, CaseIterable {
        /// Starlark.
        case starlark
        /// Jsonnet.
        case jsonnet
        /// JSON.
        case json
        /// YAML.
        case yaml

        /// Whether this version of Martlet reads the language.
        package var isSupported: Bool { self == .json || self == .yaml }

        /// The name for people.
        package var title: String {
            switch self {
            case .starlark: "Starlark"
            case .jsonnet: "Jsonnet"
            case .json: "JSON"
            case .yaml: "YAML"
            }
        }
    }

    /// The path in the repository.
    package let path: String
    /// The language.
    package let format: Format
    /// Whether the file was written for Agola: unknown keys are warnings, and tasks get `AGOLA_*` variables as well.
    package let isAgola: Bool

    /// All files in the order of lookup at a commit: the first one that exists is the commit's pipeline.
    ///
    /// A file in a language that is not supported yet is still the one that counts; parsing it says so.
    package static let candidates = candidates(in: ".martlet", isAgola: false) + candidates(in: ".agola", isAgola: true)

    private static func candidates(in directory: String, isAgola: Bool) -> [ConfigFile] {
        let formats: [(String, Format)] = [
            ("star", .starlark), ("jsonnet", .jsonnet), ("json", .json), ("yml", .yaml), ("yaml", .yaml),
        ]
        return formats.map { ConfigFile(path: "\(directory)/config.\($0.0)", format: $0.1, isAgola: isAgola) }
    }

    /// The candidate with this path.
    package init?(path: String) {
        guard let file = Self.candidates.first(where: { $0.path == path }) else { return nil }
        self = file
    }

    private init(path: String, format: Format, isAgola: Bool) {
        self.path = path
        self.format = format
        self.isAgola = isAgola
    }

    /// The path.
    package var description: String { path }
}
