/// Counts the values that are looked at, and keeps what is wrong with them.
package struct BrokenPromises: Sendable {
    /// What is wrong; of many things only the first.
    package private(set) var messages: [String] = []
    /// How many values were looked at.
    package private(set) var checked = 0

    private let subject: String
    private static let mostMessages = 20

    /// Begins a look at something.
    package init(_ subject: String) {
        self.subject = subject
    }

    /// Notes a value that was looked at, with what it means when it is not as it should be.
    package mutating func expect(_ isAsPromised: Bool, _ message: @autoclosure () -> String) {
        checked += 1
        guard !isAsPromised, messages.count < Self.mostMessages else { return }
        messages.append("\(subject): \(message())")
    }

    /// Adds what another look has found.
    package mutating func add(_ other: BrokenPromises) {
        messages += other.messages
        checked += other.checked
    }
}
