import Base
import FoundationEssentials
import Testing

@Suite("A timestamp")
struct TimestampTests {
    @Test(
        "is written as RFC 3339 with microseconds, without trailing zeros",
        arguments: [
            (0.0, "1970-01-01T00:00:00Z"), (1_772_446_504.118204, "2026-03-02T10:15:04.118204Z"),
            (951_782_400.5, "2000-02-29T00:00:00.5Z"), (-1.0, "1969-12-31T23:59:59Z"),
        ]
    )
    func text(_ seconds: Double, _ text: String) {
        #expect(Timestamp.text(Date(timeIntervalSince1970: seconds)) == text)
        #expect(Timestamp.date(text).map { abs($0.timeIntervalSince1970 - seconds) < 1e-5 } == true)
    }

    @Test("is read with any offset and fraction")
    func offsets() {
        let date = Timestamp.date("2026-03-02T12:15:04.118204201+02:00")
        #expect(date.map(Timestamp.text) == "2026-03-02T10:15:04.118204Z")
    }

    @Test(
        "of another form is refused",
        arguments: [
            "", "2026", "2026-03-02", "2026-13-02T00:00:00Z", "2026-03-02T25:00:00Z", "2026-03-02T10:15:04",
            "2026-03-02T10:15:04.Z", "2026-03-02T10:15:04Zx",
        ]
    )
    func refused(_ text: String) {
        #expect(Timestamp.date(text) == nil)
    }

    @Test("of every day over four centuries comes back as it went")
    func days() {
        for day in stride(from: -100_000, to: 100_000, by: 37) {
            let date = Date(timeIntervalSince1970: Double(day) * 86_400 + 12_345)
            #expect(Timestamp.date(Timestamp.text(date)) == date)
        }
    }
}

@Suite("Percent encoding")
struct PercentEncodingTests {
    @Test("keeps a path segment one segment")
    func segment() {
        #expect(PercentEncoding.segment("user/admin/my project") == "user%2Fadmin%2Fmy%20project")
        #expect(PercentEncoding.segment("a$&+:=@~-._b") == "a$&+:=@~-._b")
        #expect(PercentEncoding.query("a=b&c") == "a%3Db%26c")
    }

    @Test("is undone by decoding once, for any text")
    func roundTrip() {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<500 {
            let text = String(
                (0..<20).map { _ in Character(Unicode.Scalar(UInt8.random(in: 0...255, using: &generator))) }
            )
            #expect(PercentEncoding.decode(PercentEncoding.segment(text)) == text)
            #expect(PercentEncoding.decode(PercentEncoding.query(text)) == text)
        }
    }

    @Test("that is broken, or no UTF-8, is refused", arguments: ["%", "%2", "%zz", "%ff", "a%"])
    func broken(_ text: String) {
        #expect(PercentEncoding.decode(text) == nil)
    }
}
