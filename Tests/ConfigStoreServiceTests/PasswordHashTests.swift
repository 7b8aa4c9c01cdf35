import Base
import FoundationEssentials
import Testing

@testable import ConfigStoreService

@Suite(.timeLimit(.minutes(5)))
struct PasswordHashTests {
    private static let cheap = PasswordHash.Cost(rounds: 1 << 4, blockSize: 8, parallelism: 1)

    @Test("a password matches its own hash and no other does")
    func matches() throws {
        let hash = try PasswordHash(of: SecretValue("correct horse"), cost: Self.cheap)
        #expect(try hash.matches(SecretValue("correct horse")))
        for wrong in ["correct hors", "correct horse ", "Correct horse", "x", "\0"] {
            #expect(try !hash.matches(SecretValue(wrong)))
        }
    }

    @Test("passwords are bytes: characters that look alike but are written otherwise differ")
    func bytes() throws {
        let hash = try PasswordHash(of: SecretValue("p\u{E4}ssword"), cost: Self.cheap)
        #expect(try hash.matches(SecretValue("pässword")))
        #expect(try !hash.matches(SecretValue("pa\u{308}ssword")))
    }

    @Test("the same password is salted to another hash each time")
    func salted() throws {
        let first = try PasswordHash(of: SecretValue("same"), cost: Self.cheap)
        let second = try PasswordHash(of: SecretValue("same"), cost: Self.cheap)
        #expect(first.salt != second.salt && first.key != second.key)
        #expect(first.salt.count == 16 && first.key.count == 32)
    }

    @Test("the derived key is that of RFC 7914's third test vector")
    func vector() throws {
        let json = #"""
            {"cost":{"rounds":16384,"blockSize":8,"parallelism":1},"salt":"U29kaXVtQ2hsb3JpZGU=",
             "key":"cCO9yzr9c0hGHAbNgf047ev9qPu6kE+ONuqbVDXU9qw="}
            """#
        let rfc: [UInt8] = [
            0x70, 0x23, 0xbd, 0xcb, 0x3a, 0xfd, 0x73, 0x48, 0x46, 0x1c, 0x06, 0xcd, 0x81, 0xfd, 0x38, 0xeb,
            0xfd, 0xa8, 0xfb, 0xba, 0x90, 0x4f, 0x8e, 0x3e, 0xa9, 0xb5, 0x43, 0xf6, 0x54, 0x5d, 0xa1, 0xf2,
        ]
        var fields = json
        fields = fields.replacing("cCO9yzr9c0hGHAbNgf047ev9qPu6kE+ONuqbVDXU9qw=", with: Data(rfc).base64EncodedString())
        let hash = try JSONCoding.decode(PasswordHash.self, from: Array(fields.utf8))
        #expect(try hash.matches(SecretValue("pleaseletmein")))
    }

    @Test("a hash survives storage and keeps the cost it was made with")
    func stored() throws {
        let hash = try PasswordHash(of: SecretValue("secret"), cost: Self.cheap)
        let read = try JSONCoding.decode(PasswordHash.self, from: JSONCoding.encode(hash))
        #expect(read == hash && read.cost == Self.cheap)
        #expect(try read.matches(SecretValue("secret")))
    }

    @Test("an empty password and impossible costs are failures, not crashes")
    func impossible() {
        #expect(throws: Failure.self) { try PasswordHash(of: SecretValue(""), cost: Self.cheap) }
        let odd = PasswordHash.Cost(rounds: 3, blockSize: 8, parallelism: 1)
        #expect(throws: Failure.self) { try PasswordHash(of: SecretValue("x"), cost: odd) }
    }

    @Test("without a hash every password is wrong, after the same work")
    func decoy() async throws {
        let hashing = try await PasswordHashing(cost: Self.cheap)
        let hash = try await hashing.hash(SecretValue("secret"))
        #expect(try await hashing.matches(SecretValue("secret"), hash))
        #expect(try await !hashing.matches(SecretValue("secret"), nil))
        #expect(try await !hashing.matches(SecretValue("wrong"), hash))
    }

    @Test("a flood of hashings is refused beyond the line and served again afterwards")
    func flood() async throws {
        let hashing = try await PasswordHashing(cost: PasswordHash.Cost(rounds: 1 << 10, blockSize: 8, parallelism: 1))
        let hash = try await hashing.hash(SecretValue("secret"))
        let refused = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<300 { group.addTask { await isRefused(hashing, hash) } }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(refused > 0 && refused < 300)
        #expect(try await hashing.matches(SecretValue("secret"), hash))
    }

    @Test("token values are 256 random bits with a prefix, and hash to 64 digits")
    func tokens() {
        let values = (0..<100).map { _ in TokenValue.random().revealed }
        #expect(Set(values).count == 100)
        #expect(values.allSatisfy { $0.wholeMatch(of: /martlet_[0-9a-f]{64}/) != nil })
        #expect(
            TokenValue.hash(SecretValue("abc")) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        )
    }

    private func isRefused(_ hashing: PasswordHashing, _ hash: PasswordHash) async -> Bool {
        do {
            #expect(try await hashing.matches(SecretValue("secret"), hash))
            return false
        } catch {
            #expect(ErrorChain(error).first(APIError.self)?.kind == .unavailable)
            return true
        }
    }
}
