/// Objects in order, read as the consumer asks for them.
package struct ObjectListing: AsyncSequence, Sendable {
    private let makeNext: @Sendable () -> @Sendable () async throws -> ObjectFacts?

    /// Makes a listing; the closure starts one walk and returns what yields its next element.
    package init(_ makeNext: @escaping @Sendable () -> @Sendable () async throws -> ObjectFacts?) {
        self.makeNext = makeNext
    }

    /// Starts a walk and returns what yields its next element.
    func advance() -> @Sendable () async throws -> ObjectFacts? { makeNext() }

    /// Starts a walk.
    package func makeAsyncIterator() -> Iterator { Iterator(advance: makeNext()) }

    /// One walk.
    package struct Iterator: AsyncIteratorProtocol {
        let advance: @Sendable () async throws -> ObjectFacts?

        /// The next object, or nil at the end.
        package mutating func next() async throws -> ObjectFacts? {
            try Task.checkCancellation()
            return try await advance()
        }
    }
}
