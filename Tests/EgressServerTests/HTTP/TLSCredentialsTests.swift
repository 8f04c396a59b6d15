#if Server
import Foundation
import Logging
import NIOSSL
import Testing

@testable import EgressServer

/// Handshakes are held in Tests/EndToEnd/test_tls.py; here is what files may hold.
@Suite struct TLSCredentialsTests {
    let directory = FileManager.default.temporaryDirectory.appendingPathComponent("egress-\(UUID().uuidString)")

    init() throws { try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true) }

    func write(_ name: String, _ text: String) throws -> String {
        let file = directory.appendingPathComponent(name)
        try text.write(to: file, atomically: true, encoding: .utf8)
        return file.path
    }

    static func failure(_ body: () throws -> Void) -> String? {
        do {
            try body()
            return nil
        } catch {
            return "\(error)"
        }
    }

    @Test func aCertificateAndItsKeyAreRead() throws {
        let files = TLSFiles(certificate: try write("a.pem", Self.certificate), key: try write("a.key", Self.key))
        let credentials = try TLSCredentials(files)
        #expect(credentials.validity["not_after"] == "2126-10-30T02:07:16Z")
        #expect(credentials.configuration.minimumTLSVersion == .tlsv12)
        try credentials.reload()
    }

    @Test func whatIsWrongIsToldWithTheFile() throws {
        let certificate = try write("a.pem", Self.certificate)
        let key = try write("a.key", Self.key)
        let other = try write("b.key", Self.otherKey)
        let text = try write("text", "hello")
        let missing = directory.appendingPathComponent("missing").path
        let table: [(TLSFiles, String)] = [
            (TLSFiles(certificate: missing, key: key), "\(missing): cannot be read: No such file or directory"),
            (TLSFiles(certificate: certificate, key: missing), "\(missing): cannot be read: No such file or directory"),
            (TLSFiles(certificate: text, key: key), "\(text): has no certificate in PEM that can be read"),
            (
                TLSFiles(certificate: certificate, key: text),
                "\(text): has no private key in PEM that can be read; a passphrase is not supported"
            ),
            (TLSFiles(certificate: certificate, key: other), "\(other): is not the key of the certificate in \(certificate)"),
            (TLSFiles(certificate: "/dev/zero", key: key), "/dev/zero: cannot be read: File too large"),
        ]
        for (files, message) in table { #expect(Self.failure { _ = try TLSCredentials(files) } == message) }
    }

    @Test func aReloadThatFailsKeepsWhatThereWas() throws {
        let files = TLSFiles(certificate: try write("a.pem", Self.certificate), key: try write("a.key", Self.key))
        let credentials = try TLSCredentials(files)
        _ = try write("a.key", Self.otherKey)
        #expect(throws: ConfigurationError.self) { try credentials.reload() }
        #expect(credentials.validity["not_after"] == "2126-10-30T02:07:16Z")
        _ = try write("a.key", Self.key)
        try credentials.reload()
    }

    static let certificate = """
        -----BEGIN CERTIFICATE-----
        MIIBejCCAR+gAwIBAgIUc+GMs1mMSsBhRudSzL6FpC+bhLAwCgYIKoZIzj0EAwIw
        ETEPMA0GA1UEAwwGYS50ZXN0MCAXDTI2MTEyMzAyMDcxNloYDzIxMjYxMDMwMDIw
        NzE2WjARMQ8wDQYDVQQDDAZhLnRlc3QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC
        AATrAlJUU9uocgVzSy5GMbmBjakx/H9M6fkxYUIsTccQBf9r3p8p98SksbRLDT/5
        O/LqOBT26LArsHEBcajVjfP/o1MwUTAdBgNVHQ4EFgQU/dGiilTqmZcTgJvwQY+M
        /jjo6uowHwYDVR0jBBgwFoAU/dGiilTqmZcTgJvwQY+M/jjo6uowDwYDVR0TAQH/
        BAUwAwEB/zAKBggqhkjOPQQDAgNJADBGAiEA2foOJkTNqmXbY7bUrlF7XN6AJx2c
        6XQi7otY6+Kv3XwCIQClfz0xRSXdz92KJSRxzjijNNMGJ38dis0o8wdU46khqQ==
        -----END CERTIFICATE-----
        """

    static let key = """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgcqCdyO7bpjS9E04F
        +zyiuPvsjCAh965Mkp25wZ3KDyuhRANCAATrAlJUU9uocgVzSy5GMbmBjakx/H9M
        6fkxYUIsTccQBf9r3p8p98SksbRLDT/5O/LqOBT26LArsHEBcajVjfP/
        -----END PRIVATE KEY-----
        """

    static let otherKey = """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgXJPRsMq4x9hEjEY3
        lpIwgBe5ux9Gu6EDi1FXA5U0U1GhRANCAATkBEu91Vq8iViqJKRrTlBPAND3Y1M7
        NP8zpLAtfwqwBMzQ9YnFFXzLBhShDATznjnbG4V3NHLLciteKcUSg6nN
        -----END PRIVATE KEY-----
        """
}
#endif
