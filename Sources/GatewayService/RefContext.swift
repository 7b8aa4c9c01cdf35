import Base
import RunConfig

/// Tells branches, tags and pull requests apart by their full refs; pure.
enum RefContext {
    private static let patternLimit = 16

    /// The context of a commit under a ref.
    ///
    /// The patterns are regular expressions for refs of pull requests; their first group is the pull request's id.
    /// - Throws: ``APIError`` of kind `badRequest` for a ref of another form, or a pattern that is none.
    static func context(of ref: String, commit: String, pullRequestPatterns patterns: [String]) throws -> RunContext {
        if let branch = name(of: ref, below: "refs/heads/") { return .branch(branch, commitSHA: commit) }
        if let tag = name(of: ref, below: "refs/tags/") { return .tag(tag, commitSHA: commit) }
        guard patterns.count <= patternLimit else {
            throw APIError(.badRequest, "At most \(patternLimit) pull_request_ref_regexes are taken.")
        }
        for pattern in patterns {
            if let id = try pullRequestID(ref, pattern) { return .pullRequest(id, ref: ref, commitSHA: commit) }
        }
        throw APIError(.badRequest, code: "invalidRef", "The ref \(ref) is no branch, tag or pull request.")
    }

    private static func name(of ref: String, below prefix: String) -> String? {
        guard ref.hasPrefix(prefix), ref.utf8.count > prefix.utf8.count else { return nil }
        return String(ref.dropFirst(prefix.count))
    }

    // Of the pattern's language just this much: text around one group of digits, of a path segment, or of anything. It takes linear
    // time, whatever a client sends.
    private static func pullRequestID(_ ref: String, _ pattern: String) throws -> String? {
        let groups: [(String, (Character) -> Bool)] = [
            ("(\\d+)", { $0.isASCII && $0.isNumber }), ("([0-9]+)", { $0.isASCII && $0.isNumber }),
            ("([^/]+)", { $0 != "/" }), ("(.+)", { _ in true }),
        ]
        for (group, allows) in groups {
            guard let range = pattern.firstRange(of: group) else { continue }
            let prefix = pattern[..<range.lowerBound]
            let suffix = pattern[range.upperBound...]
            guard (prefix + suffix).allSatisfy({ $0.isLetter || $0.isNumber || "/-_".contains($0) }) else { break }
            guard ref.hasPrefix(prefix), ref.hasSuffix(suffix) else { return nil }
            let id = ref.dropFirst(prefix.count).dropLast(suffix.count)
            return !id.isEmpty && id.allSatisfy(allows) ? String(id) : nil
        }
        let message = "The pattern “\(pattern)” is not of the form text, then (\\d+), ([^/]+) or (.+), then text."
        throw APIError(.badRequest, code: "invalidPullRequestRefRegex", message)
    }
}
