package import FoundationEssentials

/// A stored value with the commit that wrote it.
package struct Stored: Sendable, Equatable {
    /// The value.
    package let data: Data
    /// The commit that last wrote it: what a later batch expects.
    package let revision: Revision

    /// Makes a value.
    package init(data: Data, revision: Revision) {
        self.data = data
        self.revision = revision
    }
}

/// One event of a stream.
package struct StoredEvent: Sendable, Equatable {
    /// The position in the stream, counted from 1 without gaps.
    package let sequence: Int64
    /// The event.
    package let data: Data
    /// The commit that appended it.
    package let revision: Revision
}
