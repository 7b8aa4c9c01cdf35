/// The program's version.
package enum MartletVersion {
    /// The one that was built.
    package static let current = "0.1.0"
}
