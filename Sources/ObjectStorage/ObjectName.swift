import Foundation

/// The rules for names, equal in every backend: whatever passes is safe as a file path and as an S3 key.
package enum ObjectName {
    /// Bytes of a whole name.
    package static let limit = 1024
    /// Bytes of one segment, which is what file systems allow.
    package static let segmentLimit = 255

    /// Checks a name: relative, segments separated by `/`, none of them empty, `.` or `..`, no control characters,
    /// Unicode in composed form.
    /// - Throws: ``ObjectStorageError`` of kind invalidName.
    package static func check(_ name: String) throws(ObjectStorageError) {
        guard !name.isEmpty else { throw refused(name, "it is empty") }
        try checkCharacters(name)
        for segment in name.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
            guard !segment.isEmpty else { throw refused(name, "a segment is empty") }
            guard segment.count <= segmentLimit else {
                throw refused(name, "a segment has \(segment.count) bytes; at most \(segmentLimit) are allowed")
            }
            guard !segment.elementsEqual(".".utf8), !segment.elementsEqual("..".utf8) else {
                throw refused(name, "a segment is . or ..")
            }
        }
    }

    /// Whether a text is a name.
    package static func isValid(_ name: String) -> Bool {
        do throws(ObjectStorageError) {
            try check(name)
            return true
        } catch {
            return false
        }
    }

    /// Checks what a listing may begin with: empty, or the beginning of a name.
    /// - Throws: ``ObjectStorageError`` of kind invalidName.
    package static func check(prefix: String) throws(ObjectStorageError) {
        try checkCharacters(prefix)
        let segments = prefix.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        for (index, segment) in segments.enumerated() {
            let isLast = index == segments.count - 1
            let isWhole =
                !isLast && !segment.isEmpty && !segment.elementsEqual(".".utf8) && !segment.elementsEqual("..".utf8)
            guard isLast || isWhole else { throw refused(prefix, "a segment is empty, . or ..") }
        }
    }

    /// Checks what a listing may begin with and after: the second goes on where the first ends.
    /// - Throws: ``ObjectStorageError`` of kind invalidName.
    static func check(prefix: String, after: String?) throws(ObjectStorageError) {
        try check(prefix: prefix)
        guard let after else { return }
        try check(prefix: after)
        guard after.utf8.starts(with: prefix.utf8) else {
            throw refused(after, "it does not begin with the listed prefix \(prefix)")
        }
    }

    private static func checkCharacters(_ name: String) throws(ObjectStorageError) {
        guard name.utf8.count <= limit else {
            throw refused(String(name.prefix(40)), "it has \(name.utf8.count) bytes; at most \(limit) are allowed")
        }
        guard name.unicodeScalars.allSatisfy({ $0.properties.generalCategory != .control }) else {
            throw refused(name, "it has a control character")
        }
        let isASCII = name.utf8.allSatisfy { $0 < 0x80 }
        guard isASCII || name.precomposedStringWithCanonicalMapping.utf8.elementsEqual(name.utf8) else {
            throw refused(name, "its Unicode is not in composed form (NFC)")
        }
    }

    private static func refused(_ name: String, _ why: String) -> ObjectStorageError {
        ObjectStorageError(.invalidName, name: name, why)
    }
}
