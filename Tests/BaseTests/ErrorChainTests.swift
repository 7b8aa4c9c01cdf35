import Base
import Testing

private struct Foreign: Error, CustomStringConvertible {
    var description: String { "foreign words" }
}

@Suite("A chain of errors")
struct ErrorChainTests {
    private func wrapped() throws {
        try attempt("load run 7") {
            try attempt { throw Foreign() }
        }
    }

    @Test("says what was attempted, where, and what went wrong below, foreign errors included")
    func description() {
        let error = #expect(throws: Failure.self) { try wrapped() }
        guard let error else { return }
        let chain = ErrorChain(error)
        #expect(chain.message == "load run 7: foreign words")
        #expect(chain.details.count == 3)
        #expect(chain.details[0] == "BaseTests/ErrorChainTests.swift:11: load run 7")
        #expect(chain.details[1] == "BaseTests/ErrorChainTests.swift:12")
        #expect(chain.details[2] == "foreign words")
        #expect(
            "\(error)"
                == "load run 7 [BaseTests/ErrorChainTests.swift:11]: [BaseTests/ErrorChainTests.swift:12]: foreign words"
        )
    }

    @Test("lets cancellation through untouched, at any depth, also from asynchronous bodies")
    func cancellation() async {
        #expect(throws: CancellationError.self) { try attempt("a") { try attempt("b") { throw CancellationError() } } }
        await #expect(throws: CancellationError.self) { try await attempt("a") { try await Self.cancelled() } }
    }

    private static func cancelled() async throws {
        throw CancellationError()
    }

    @Test("gives the first error of a type, outermost first")
    func first() {
        let inner = APIError(.notExist, "inner")
        let outer = APIError(.badRequest, "outer", cause: Failure("between", cause: inner))
        #expect(ErrorChain(Failure("top", cause: outer)).first(APIError.self)?.message == "outer")
        #expect(ErrorChain(Foreign()).first(APIError.self) == nil)
    }

    @Test("returns what its body returns when nothing is thrown")
    func value() async throws {
        #expect(try attempt("a") { 1 } == 1)
        #expect(try await attempt("a") { await Self.two() } == 2)
    }

    private static func two() async -> Int { 2 }
}

@Suite("An error kind")
struct ErrorKindTests {
    @Test("maps to its status and back", arguments: ErrorKind.allCases)
    func roundTrip(_ kind: ErrorKind) {
        #expect(ErrorKind(status: kind.status) == kind)
    }

    @Test("of an unknown status is internal", arguments: [301, 418, 502, 599, 0, -1])
    func unknown(_ status: Int) {
        #expect(ErrorKind(status: status) == .internal)
    }
}
