package import Base
import FoundationEssentials
import GRDB

/// Why the store refused or failed.
package struct StoreError: CausedError, CustomStringConvertible {
    /// What a caller can tell apart.
    package enum Kind: String, Sendable {
        /// An expectation did not hold; nothing was changed. Read again and retry.
        case conflict
        /// The service is in maintenance.
        case maintenance
        /// An import needs maintenance, and the service is not in it.
        case notInMaintenance
        /// An import waits for instances that have not gone into maintenance yet.
        case instancesNotReady
        /// There is no store yet, and none was to be made.
        case notInitialized
        /// The content or its projections were replaced by another process; this process must open the store again.
        case epochChanged
        /// A value or the batch exceeds a limit.
        case tooLarge
        /// Other processes kept the store busy for too long; nothing was changed.
        case contention
        /// The store cannot be reached or written, such as on a full disk; nothing was changed.
        case unavailable
        /// The connection failed while committing: the batch may be committed or not.
        case outcomeUnknown
        /// The file is damaged or not a store.
        case corrupted
        /// A newer Martlet wrote the store.
        case newerSchema
        /// The lock, or the whole store, is held by somebody else.
        case locked
        /// The changes or events asked for are no longer kept; read everything again.
        case compacted
        /// A name, statement or projection breaks the rules: a programming error.
        case invalid
        /// The wanted state was not reached in time.
        case timedOut
    }

    /// What kind of trouble.
    package let kind: Kind
    /// The expectation that failed, for `conflict` and `maintenance`.
    package let expectation: Expectation?
    /// What happened, naming store, key or limit.
    package let message: String
    /// The error below.
    package let cause: (any Error)?
    /// Where it was made.
    package let site: Site?

    /// Makes an error at the caller's own position.
    package init(
        _ kind: Kind,
        _ message: String,
        expectation: Expectation? = nil,
        cause: (any Error)? = nil,
        file: String = #fileID,
        line: Int = #line
    ) {
        self.kind = kind
        self.message = message
        self.expectation = expectation
        self.cause = cause
        self.site = Site(file: file, line: line)
    }

    /// Kind and message.
    package var linkMessage: String { "\(kind.rawValue): \(message)" }

    /// The whole chain on one line.
    package var description: String { ErrorChain(self).description }

    /// The kind of the first store error in an error's chain.
    package static func kind(of error: any Error) -> Kind? {
        ErrorChain(error).first(StoreError.self)?.kind
    }
}

extension StoreError {
    /// The refusal of a batch whose expectation does not hold.
    static func unmet(_ expectation: Expectation, file: String = #fileID, line: Int = #line) -> StoreError {
        StoreError(.conflict, "expected \(expectation)", expectation: expectation, file: file, line: line)
    }

    /// The refusal of a batch because of maintenance; callers over HTTP are told 503.
    static func inMaintenance(file: String = #fileID, line: Int = #line) -> StoreError {
        let told = APIError(.unavailable, code: "maintenance", "The service is in maintenance. Try again later.")
        return StoreError(
            .maintenance,
            "the store is in maintenance",
            expectation: .maintenance(.absent),
            cause: told,
            file: file,
            line: line
        )
    }

    /// The refusal of an import outside of maintenance; callers over HTTP are told 400.
    static func notInMaintenance(file: String = #fileID, line: Int = #line) -> StoreError {
        let told = APIError(
            .badRequest,
            code: "notInMaintenance",
            "An import needs maintenance: enable it first."
        )
        return StoreError(.notInMaintenance, "the store is not in maintenance", cause: told, file: file, line: line)
    }

    /// The refusal of an import while other instances may still be at work; callers over HTTP are told 400.
    static func instancesNotReady(
        _ late: [ServiceInstance],
        file: String = #fileID,
        line: Int = #line
    ) -> StoreError {
        let names = late.map { "\($0.id) (process \($0.pid) on \($0.host), \($0.mode.rawValue))" }.joined(
            separator: ", "
        )
        let told = APIError(
            .badRequest,
            code: "instancesNotReady",
            "These instances are not in maintenance yet: \(names). Wait, stop them, or use force.",
            details: ["instances": late.map(\.id).joined(separator: " ")]
        )
        return StoreError(
            .instancesNotReady,
            "\(late.count) instances are not in maintenance",
            cause: told,
            file: file,
            line: line
        )
    }

    /// Gives SQLite's errors a kind and leaves all others as they are.
    static func wrapping(
        _ error: any Error,
        _ operation: @autoclosure () -> String,
        file: String = #fileID,
        line: Int = #line
    ) -> any Error {
        guard let error = error as? DatabaseError else { return error }
        let kind: Kind =
            switch error.resultCode {
            case .SQLITE_CORRUPT, .SQLITE_NOTADB: .corrupted
            case .SQLITE_BUSY, .SQLITE_LOCKED: .contention
            case .SQLITE_TOOBIG: .tooLarge
            case .SQLITE_ERROR, .SQLITE_CONSTRAINT, .SQLITE_MISMATCH, .SQLITE_MISUSE, .SQLITE_RANGE: .invalid
            default: .unavailable
            }
        let cause = Failure("\(error)", file: file, line: line)
        return StoreError(kind, operation(), cause: cause, file: file, line: line)
    }
}
