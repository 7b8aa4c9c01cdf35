/// Live keys with a meaning of their own.
package enum StoreKeys {
    /// Present while the service is in maintenance; every normal batch expects it absent.
    package static let maintenance = "maintenance"
}
