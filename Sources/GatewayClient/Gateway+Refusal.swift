public import Base

extension Gateway {
    /// The server answered with an error.
    public struct Refusal: CausedError, CustomStringConvertible {
        /// One reason.
        public struct Reason: Codable, Sendable, Equatable {
            /// A stable code for programs.
            public var code: String
            /// A sentence for people; servers of other makes send none.
            public var message: String?
        }

        /// The HTTP status.
        public let status: Int
        /// The reasons; possibly none.
        public let reasons: [Reason]

        /// Makes an error from the parts of an answer.
        public init(status: Int, reasons: [Reason]) {
            self.status = status
            self.reasons = reasons
        }

        init(status: Int, body: [UInt8]) {
            self.status = status
            // A proxy in between may answer anything; then the status is all there is to say.
            reasons = (try? JSONCoding.decode([Reason].self, from: body)) ?? []
        }

        /// Whether one of the reasons has a code.
        public func has(code: String) -> Bool { reasons.contains { $0.code == code } }

        /// An answer is the root of its chain.
        public var cause: (any Error)? { nil }

        /// It arose on the server.
        public var site: Site? { nil }

        /// What the server said, or what its status means.
        public var linkMessage: String {
            let said = reasons.map { reason in reason.message.flatMap { $0.isEmpty ? nil : $0 } ?? reason.code }
            return said.isEmpty ? "the server answered with status \(status)" : said.joined(separator: " ")
        }

        /// What the server said.
        public var description: String { linkMessage }
    }
}
