import Base
import Glibc
import Model

/// The executor's identity, kept in its data directory.
enum ExecutorIdentity {
    /// Reads the identity, or makes one on the first start; blocks briefly.
    /// - Throws: ``Failure`` naming the file.
    static func load(from dataDirectory: String) throws -> ExecutorID {
        let path = "\(dataDirectory)/id"
        try FileTree.makeDirectory(dataDirectory)
        if FileTree.exists(path) {
            let text = String(decoding: try FileTree.read(path), as: UTF8.self)
            let words = text.split(whereSeparator: \.isWhitespace)
            guard words.count == 1, let word = words.first else {
                throw Failure("the file \(path) must hold the executor's id and nothing else")
            }
            return ExecutorID(String(word))
        }
        let id = ExecutorID.random()
        // Synced: an executor that lost its name with the power would never be asked about its tasks.
        try AtomicFile.write("\(id)\n".utf8, to: path)
        return id
    }
}
