import Base
package import Model
package import ObjectStorage

/// What steps put into the workspace of their run, for later tasks.
package struct WorkspaceArchives: Sendable {
    private let objects: any ObjectStore

    /// Keeps archives among the objects.
    package init(objects: any ObjectStore) {
        self.objects = objects
    }

    /// Stores the archive of a step; one that a broken upload of the same step left is replaced.
    /// - Parameters:
    ///   - body: the archive, piece by piece.
    ///   - size: how many bytes it has, if that is known.
    ///   - step: the step that made it.
    ///   - task: the step's task.
    ///   - run: the run, which gets a marker before there is anything to count.
    /// - Throws: ``ObjectStorageError``, and what `body` throws.
    package func save<Body: AsyncSequence & Sendable>(
        _ body: Body,
        size: Int64?,
        ofStep step: Int,
        of task: TaskID,
        run: RunID
    ) async throws where Body.Element == [UInt8] {
        try await objects.write(RunObjects.Tree.archives.marker(of: task, for: run), bytes: [])
        try await objects.write(RunObjects.archive(ofStep: step, of: task), size: size, body: body)
    }

    /// Opens the archive of a step.
    /// - Throws: ``APIError`` of kind `notExist` with code `archiveDoesNotExist`: the step made none, or it is too old.
    package func open(step: Int, of task: TaskID) async throws -> any ObjectReader {
        do {
            return try await objects.open(RunObjects.archive(ofStep: step, of: task))
        } catch let error where ObjectStorageError.isNotExist(error) {
            throw APIError(.notExist, code: "archiveDoesNotExist", "This archive doesn't exist.", cause: error)
        }
    }
}
