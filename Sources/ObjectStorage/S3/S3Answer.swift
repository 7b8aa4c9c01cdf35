import Base
import FoundationEssentials
import HTTPTypes

/// An answer of S3's, read whole.
struct S3Answer: Sendable {
    let status: Int
    let headers: HTTPFields
    let body: [UInt8]

    var isSuccess: Bool { (200..<300).contains(status) }

    /// The code and the words of an error; a `HEAD` has none.
    ///
    /// Of what the server says only this much is kept: other parts of it repeat what was signed.
    var refusal: (code: String, message: String) {
        do throws(XMLRefusal) {
            let root = try XMLReader.read(body)
            guard root.name == "Error" else { return ("", "") }
            return (Self.printable(root["Code"] ?? "", 64), Self.printable(root["Message"] ?? "", 200))
        } catch {
            // A proxy on the way answers in HTML; the status says enough.
            return ("", "")
        }
    }

    /// Whether the server may do later what it did not do now.
    var isPassing: Bool { [408, 409, 425, 429].contains(status) || (500..<600).contains(status) && status != 501 }

    /// The object's tag as the server says it.
    var tag: String? { headers[.eTag] }

    /// The object's MD5, where its tag is one.
    var digest: String? {
        guard headers[.encryption]?.hasPrefix("aws:kms") != true, let tag else { return nil }
        let digits = tag.replacing("\"", with: "").lowercased()
        return digits.utf8.count == 32 && digits.allSatisfy(\.isHexDigit) ? digits : nil
    }

    /// The object's size and time.
    func facts(of name: String) throws(ObjectStorageError) -> ObjectFacts {
        guard let size = headers[.contentLength].flatMap({ Int64($0) }), size >= 0 else {
            throw ObjectStorageError(.unavailable, name: name, "S3 does not say how large it is")
        }
        return ObjectFacts(name: name, size: size, modified: headers[.lastModified].flatMap(Self.seconds) ?? 0)
    }

    /// Seconds since 1970 of `Sun, 29 Nov 2026 20:46:36 GMT`.
    static func seconds(_ text: String) -> Double? {
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let words = text.split(separator: " ")
        guard words.count == 6, words[5] == "GMT", let month = months.firstIndex(of: String(words[2])) else {
            return nil
        }
        let number = month < 9 ? "0\(month + 1)" : "\(month + 1)"
        return Timestamp.date("\(words[3])-\(number)-\(words[1])T\(words[4])Z")?.timeIntervalSince1970
    }

    private static func printable(_ text: String, _ limit: Int) -> String {
        String(text.prefix(limit).map { $0.isASCII && !$0.isNewline ? $0 : " " })
    }
}
