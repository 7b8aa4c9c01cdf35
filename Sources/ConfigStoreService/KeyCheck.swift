import Base
import Model

/// A sealed text that only the key of the store's other secrets opens: a lost key is noticed at start, not at the first run.
struct KeyCheck: ConfigRecord {
    static var recordType: String { "keycheck" }
    static var secrets: [WritableKeyPath<KeyCheck, SecretValue>] { [\.text] }
    var recordID: String { "key" }

    var text = SecretValue("martlet")
}

extension ConfigStore {
    /// Refuses a key that did not seal the store's secrets; the first start leaves something to check by.
    /// - Throws: ``Failure`` that says what to do.
    func checkKey() async throws {
        let what = "check the key; if it was lost, restore the file from a backup"
        // In maintenance nothing can be written, so nothing is tried when nothing is missing.
        let isThere = try await read(what) { try $0.entry(KeyCheck.self, id: KeyCheck().recordID) != nil }
        guard !isThere else { return }
        try await change(what) { change in
            if try change.view.entry(KeyCheck.self, id: KeyCheck().recordID) == nil { try change.insert(KeyCheck()) }
        }
    }
}
