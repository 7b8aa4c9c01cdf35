/// Which store a process has opened.
package struct StoreIdentity: Sendable, Equatable {
    /// A random id given at creation; tells two stores apart.
    package let storeID: String
    /// Grows whenever the content is replaced from outside, such as by an import.
    package let epoch: Int64
    /// Counts the replacements of the content.
    package let generation: Int64
    /// The revision when it was opened.
    package let revision: Revision
}

extension StoreIdentity {
    init(_ meta: Meta) {
        self.init(storeID: meta.storeID, epoch: meta.epoch, generation: meta.generation, revision: meta.revision)
    }
}
