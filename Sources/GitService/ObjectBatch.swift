import Base

/// Reads what `git cat-file --batch` prints, keeping only the beginning of each object, so that memory does not depend on
/// what somebody pushed.
struct ObjectBatch {
    /// One object.
    struct Object: Equatable {
        let name: String
        let type: String
        let size: Int
        /// The first bytes, up to the limit.
        var content: [UInt8]
    }

    private enum State {
        case head
        case content(Object, left: Int)
        case lineEnd(Object)
    }

    private let limit: Int
    private var state = State.head
    private var line: [UInt8] = []
    private var objects: [Object?] = []

    // Longer than any head: a name that is missing is repeated in it.
    private static let longestHead = 64 << 10

    /// Prepares to read.
    /// - Parameter limit: how many bytes of each object are kept.
    init(keeping limit: Int) {
        self.limit = limit
    }

    /// Takes more of the output.
    /// - Throws: ``Failure`` when it is not what git prints.
    mutating func take(_ bytes: [UInt8]) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            switch state {
            case .head: try takeHead(&rest)
            case .content(var object, let left):
                let piece = rest.prefix(left)
                object.content += piece.prefix(limit - object.content.count)
                rest = rest.dropFirst(piece.count)
                state = piece.count == left ? .lineEnd(object) : .content(object, left: left - piece.count)
            case .lineEnd(let object):
                guard rest.popFirst() == UInt8(ascii: "\n") else { throw Failure("an object from git does not end") }
                objects.append(object)
                state = .head
            }
        }
    }

    /// The objects in the order they were asked for; nil for those that do not exist.
    /// - Throws: ``Failure`` when the output broke off.
    func finish(count: Int) throws -> [Object?] {
        guard case .head = state, line.isEmpty, objects.count == count else {
            throw Failure("git printed \(objects.count) of \(count) objects")
        }
        return objects
    }

    private mutating func takeHead(_ rest: inout ArraySlice<UInt8>) throws {
        let head = rest.prefix { $0 != UInt8(ascii: "\n") }
        line += head
        rest = rest.dropFirst(head.count)
        guard line.count <= Self.longestHead else { throw Failure("an object's head from git does not end") }
        guard rest.popFirst() != nil else { return }
        let parts = line.split(separator: UInt8(ascii: " "))
        line = []
        let words = parts.map { String(decoding: $0, as: UTF8.self) }
        guard words.count == 3, ObjectName.isValid(words[0]), let size = Int(words[2]) else {
            objects.append(nil)
            return
        }
        let object = Object(name: words[0], type: words[1], size: size, content: [])
        state = size == 0 ? .lineEnd(object) : .content(object, left: size)
    }
}
