#if Server
import Egress
import Foundation
import Testing

@testable import EgressServer

@Suite struct AccessConfigurationTests {
    static let token = "0123456789abcdef"
    static let secret = "0123456789abcdef0123456789abcdef"
    /// As it stands in JSON.
    static let publicKey = [
        "-----BEGIN PUBLIC KEY-----", "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE5ARLvdVavIlYqiSka05QTwDQ92NT",
        "OzT/M6SwLX8KsATM0PWJxRV8ywYUoQwE85452xuFdzRyy3IrXinFEoOpzQ==", "-----END PUBLIC KEY-----",
    ].joined(separator: #"\n"#)

    static func parse(_ json: String, _ flags: ServerFlags = ServerFlags()) throws -> ServerConfiguration {
        try ServerConfigurationTests.parse(json, flags: flags)
    }

    @Test func readsTokens() throws {
        let json = """
            {"auth": {"token": ["\(Self.token)", "\(Self.secret)"], "streams": {"cam": "\(Self.token)x"}}, "api": {"token": "\(Self.token)y"}}
            """
        let access = try Self.parse(json).access
        guard case .tokens(let tokens, nil) = access.viewers else {
            Issue.record("\(access.viewers)")
            return
        }
        #expect(tokens.decision(for: Self.token, on: "yard") == .allowed)
        #expect(tokens.decision(for: Self.secret, on: "yard") == .allowed)
        #expect(tokens.decision(for: Self.token + "x", on: "cam") == .allowed)
        #expect(access.operators?.contains(Self.token + "y") == true)
        #expect(access.operators?.contains(Self.token) == false)
    }

    @Test func readsJSONWebTokens() throws {
        let json = """
            {"auth": {"jwt": {"issuer": "i", "audience": "a", "keys": [
              {"algorithm": "HS256", "secret": "\(Self.secret)"}, {"algorithm": "ES256", "public_key": "\(Self.publicKey)", "key_id": "k"}]}}}
            """
        guard case .tokens(let tokens, let jwt?) = try Self.parse(json).access.viewers else {
            Issue.record("no tokens")
            return
        }
        #expect(tokens.isEmpty)
        #expect(jwt.keys.map(\.algorithm) == ["HS256", "ES256"])
        #expect(jwt.keys.map(\.id) == [nil, "k"])
        #expect(jwt.issuer == "i")
        #expect(jwt.audience == "a")
    }

    @Test func readsAHook() throws {
        let json = #"{"auth": {"hook": {"url": "https://a.example/x", "timeout_seconds": 0.5, "cache_seconds": 2}}}"#
        guard case .hook(let settings) = try Self.parse(json).access.viewers else {
            Issue.record("no hook")
            return
        }
        #expect(settings == HookSettings(url: "https://a.example/x", timeout: .milliseconds(500), cacheTime: .seconds(2)))
    }

    @Test func readsSecretsFromFiles() throws {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("egress-\(UUID().uuidString)")
        try "# the old one\n\(Self.token)\n\n\(Self.secret)\n".write(to: file, atomically: true, encoding: .utf8)
        #expect(try ConfigurationFile.tokens(in: file.path) == [Self.token, Self.secret])
        var flags = ServerFlags()
        flags.tokenFile = file.path
        flags.apiTokenFile = file.path
        let access = try Self.parse("{}", flags).access
        guard case .tokens(let tokens, nil) = access.viewers else {
            Issue.record("no tokens")
            return
        }
        #expect(tokens.decision(for: Self.secret, on: "x") == .allowed)
        #expect(access.operators?.contains(Self.token) == true)
        try "\(Self.secret)\n".write(to: file, atomically: true, encoding: .utf8)
        let json = #"{"auth": {"jwt": {"keys": [{"algorithm": "HS256", "secret_file": "\#(file.path)"}]}}}"#
        guard case .tokens(_, let jwt?) = try Self.parse(json).access.viewers, case .hs256(let secret)? = jwt.keys.first?.material else {
            Issue.record("no key")
            return
        }
        #expect(secret == Self.secret, "the line end belongs to the secret")
    }

    static let wrong: [(json: String, message: String)] = [
        (#"{"auth": "off"}"#, #"auth: expected an object or "none", found text"#),
        (#"{"auth": {}}"#, #"auth: names nobody who may watch: add tokens, or write "none" to let everyone watch"#),
        (#"{"auth": {"tokens": []}}"#, "auth.tokens: unknown field; known are hook, jwt, streams, token"),
        (#"{"auth": {"token": 1}}"#, "auth.token: expected text or a list of texts, found a number"),
        (#"{"auth": {"token": []}}"#, "auth.token: has no token"),
        (#"{"auth": {"token": "short"}}"#, "auth.token: a token must have at least 16 characters; openssl rand -hex 16 makes one"),
        (#"{"auth": {"token": "0123456789 abcdef"}}"#, "auth.token: a token may have only letters, digits and -._~+/="),
        (#"{"auth": {"streams": []}}"#, "auth.streams: expected an object, found a list"),
        (#"{"auth": {"streams": {"a/b": "0123456789abcdef"}}}"#, "auth.streams.a/b: an id must not contain a slash"),
        (#"{"auth": {"jwt": {}}}"#, "auth.jwt.keys: expected a list of keys"),
        (#"{"auth": {"jwt": {"keys": []}}}"#, "auth.jwt.keys: expected a list of keys"),
        (#"{"auth": {"jwt": {"keys": [{}]}}}"#, "auth.jwt.keys[0].algorithm: is missing"),
        (
            #"{"auth": {"jwt": {"keys": [{"algorithm": "none"}]}}}"#,
            #"auth.jwt.keys[0].algorithm: expected HS256 or ES256, found "none""#
        ),
        (#"{"auth": {"jwt": {"keys": [{"algorithm": "HS256"}]}}}"#, "auth.jwt.keys[0].secret: is missing"),
        (
            #"{"auth": {"jwt": {"keys": [{"algorithm": "HS256", "secret": "short"}]}}}"#,
            "auth.jwt.keys[0].secret: must have at least 32 bytes (RFC 7518 §3.2)"
        ),
        (
            #"{"auth": {"jwt": {"keys": [{"algorithm": "HS256", "public_key": "x"}]}}}"#,
            "auth.jwt.keys[0].public_key: is not for this algorithm: use secret or secret_file"
        ),
        (
            #"{"auth": {"jwt": {"keys": [{"algorithm": "ES256", "public_key": "x"}]}}}"#,
            "auth.jwt.keys[0].public_key: is not a P-256 public key in PEM"
        ),
        (
            #"{"auth": {"jwt": {"keys": [{"algorithm": "HS256", "secret": "x", "secret_file": "y"}]}}}"#,
            "auth.jwt.keys[0].secret: is also given as secret_file: remove one of them"
        ),
        (#"{"auth": {"hook": {"url": "ftp://a"}}}"#, "auth.hook.url: expected an http or https URL"),
        (#"{"auth": {"hook": {"url": "/x"}}}"#, "auth.hook.url: expected an http or https URL"),
        (#"{"auth": {"hook": {}}}"#, "auth.hook.url: is missing"),
        (#"{"auth": {"hook": {"url": "http://a", "timeout_seconds": 0}}}"#, "auth.hook.timeout_seconds: 0.0 is not within 0.1..30.0"),
        (
            #"{"auth": {"hook": {"url": "http://a"}, "token": "0123456789abcdef"}}"#,
            "auth.hook: excludes token, streams and jwt: remove it or them"
        ),
        (#"{"api": {"token": "short"}}"#, "api.token: a token must have at least 16 characters; openssl rand -hex 16 makes one"),
        (#"{"api": "none"}"#, "api: expected an object, found text"),
        (#"{"tls": {"key": "k"}}"#, "tls.certificate: is missing"),
        (#"{"tls": {"certificate": "c"}}"#, "tls.key: is missing"),
        (
            #"{"trusted_proxies": ["10.0.0.0/8", "proxy"]}"#,
            #"trusted_proxies[1]: expected an address or a range such as 10.0.0.0/8 or fd00::/8, found "proxy""#
        ),
        (#"{"base_path": "/whep/x"}"#, #"base_path: must not begin with "whep", which is a path of the server's own"#),
    ]

    @Test func namesTheFieldOfAMistake() {
        for row in Self.wrong { #expect(ServerConfigurationTests.failure(row.json) == "egress.json: \(row.message)") }
    }

    @Test func namesAFileThatIsNotThere() {
        let json = #"{"auth": {"jwt": {"keys": [{"algorithm": "HS256", "secret_file": "/nonexistent"}]}}}"#
        #expect(ServerConfigurationTests.failure(json) == "/nonexistent: cannot be read: No such file or directory")
    }

    @Test func doesNotShowSecretsInItsMessages() {
        let key = #"{"auth": {"jwt": {"keys": [{"algorithm": "HS256", "secret": "hush-hush"}]}}}"#
        for json in [key, #"{"auth": {"token": "hush-hush"}}"#, #"{"api": {"token": ["hush hush hush hush"]}}"#] {
            #expect(ServerConfigurationTests.failure(json)?.contains("hush") == false)
        }
    }

    @Test(arguments: [
        ("0.0.0.0:80", "{}", false), ("[::]:80", "{}", false), ("192.0.2.1:80", "{}", false), ("example.org:80", "{}", false),
        ("127.0.0.1:80", "{}", true), ("[::1]:80", "{}", true), ("localhost:80", "{}", true), ("127.9.9.9:80", "{}", true),
        ("0.0.0.0:80", #"{"auth": "none"}"#, true), ("0.0.0.0:80", #"{"auth": {"token": "0123456789abcdef"}}"#, true),
        ("0.0.0.0:80", #"{"api": {"token": "0123456789abcdef"}}"#, false),
    ])
    func isOpenToOthersOnlyWhereThatWasSaid(address: String, json: String, isFit: Bool) throws {
        var configuration = try Self.parse(json)
        configuration.http = try #require(HTTPAddress(address))
        let isAccepted = (try? configuration.checkExposure()) != nil
        #expect(isAccepted == isFit)
    }

    @Test func saysWhatIsOpen() throws {
        #expect(try Self.parse("{}").accessNotes.count == 2)
        #expect(try Self.parse("{}").accessNotes.first?.hasPrefix("Authentication is off: everyone who can reach 127.0.0.1:8080") == true)
        #expect(try Self.parse(#"{"auth": "none"}"#).accessNotes.first?.hasPrefix("Authentication is off, as configured") == true)
        let locked = #"{"auth": {"token": "0123456789abcdef"}, "api": {"token": "0123456789abcdef"}}"#
        #expect(try Self.parse(locked).accessNotes.isEmpty)
    }

    @Test func letsFlagsWin() throws {
        var flags = ServerFlags()
        flags.isOpenToEverybody = true
        flags.tlsCertificate = "c"
        flags.tlsKey = "k"
        flags.trustedProxies = ["192.0.2.1"]
        flags.basePath = "/b"
        let json = """
            {"auth": {"token": "\(Self.token)"}, "tls": {"certificate": "x", "key": "y"}, "trusted_proxies": ["::1"], "base_path": "/a"}
            """
        let configuration = try Self.parse(json, flags)
        guard case .everybody = configuration.access.viewers else {
            Issue.record("not everybody")
            return
        }
        #expect(configuration.tls == TLSFiles(certificate: "c", key: "k"))
        #expect(configuration.trustedProxies.ranges == [AddressRange("192.0.2.1")])
        #expect(configuration.basePath.prefix == "/b")
    }

    @Test func refusesFlagsThatDoNotGoTogether() {
        var halfTLS = ServerFlags()
        halfTLS.tlsKey = "k"
        var contradiction = ServerFlags()
        contradiction.isOpenToEverybody = true
        contradiction.tokenFile = "/nonexistent"
        let complaints = [
            (halfTLS, "--tls-key: needs --tls-certificate"), (contradiction, "--no-auth: contradicts --token-file: remove one of them"),
        ]
        for (flags, message) in complaints {
            let error = #expect(throws: ConfigurationError.self) { try ServerConfiguration(file: nil, flags: flags) }
            #expect(error?.description == message)
            #expect(error?.isOfCommandLine == true)
        }
    }
}
#endif
