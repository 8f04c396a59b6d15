#if Server
import Egress
import Foundation
import HTTPTypes
import JWTKit
import Testing

@testable import EgressServer

private let everywhere = "everywhere-0123456789"
private let next = "the-next-0123456789"
private let ofCam = "of-cam-0123456789abc"
private let ofYard = "of-yard-0123456789ab"
private let api = "of-the-api-0123456789"

@Suite struct TokenTests {
    static let tokens = StreamTokens(
        everywhere: TokenSet([everywhere, next]), ofStream: ["cam": TokenSet([ofCam]), "yard": TokenSet([ofYard])])

    @Test(arguments: [
        (everywhere, "cam", WHEPDecision.allowed as WHEPDecision?), (everywhere, "other", .allowed), (next, "cam", .allowed),
        (ofCam, "cam", .allowed),
        (ofYard, "yard", .allowed), (ofCam, "yard", .forbidden("the token is not for this stream")),
        (ofCam, "other", .forbidden("the token is not for this stream")), (ofCam, "ca", .forbidden("the token is not for this stream")),
        (ofCam, "cam2", .forbidden("the token is not for this stream")), (everywhere + "0", "cam", nil), ("", "cam", nil),
        (String(everywhere.dropLast()), "cam", nil), (everywhere.uppercased(), "cam", nil),
    ])
    func aTokenIsGoodForItsStreamsAlone(token: String, stream: String, decision: WHEPDecision?) {
        #expect(Self.tokens.decision(for: token, on: stream) == decision)
    }

    @Test func anEmptySetHoldsNothing() {
        #expect(!TokenSet([]).contains(""))
        #expect(!TokenSet([]).contains("x"))
    }
}

@Suite struct AccessControlTests {
    static func access(_ token: String?, stream: String = "cam") -> WHEPAccess { WHEPAccess(stream: stream, method: .post, token: token) }

    static func request(_ address: String?, _ fields: HTTPFields = [:]) -> ServerRequest {
        let head = HTTPRequest(method: .get, scheme: nil, authority: nil, path: "/metrics", headerFields: fields)
        return ServerRequest(head: head, remoteAddress: address)
    }

    @Test func whereNothingIsToBeDecidedNobodyIsAsked() {
        #expect(CurrentAccess(AccessControl()).authorizer == nil)
        #expect(AccessControl().listIsPublic)
    }

    @Test func tokensDecideWhoMayWatch() async throws {
        var control = AccessControl()
        control.viewers = .tokens(TokenTests.tokens, nil)
        control.operators = TokenSet([api])
        #expect(!control.listIsPublic)
        let authorize = try #require(CurrentAccess(control).authorizer)
        #expect(await authorize(Self.access(nil)) == .unauthenticated("a token is needed"))
        #expect(await authorize(Self.access("wrong")) == .unauthenticated("the token is not known"))
        #expect(await authorize(Self.access(ofCam)) == .allowed)
        #expect(await authorize(Self.access(ofCam, stream: "yard")) == .forbidden("the token is not for this stream"))
        #expect(await authorize(Self.access(api, stream: "any")) == .allowed, "who may stop a stream may not watch it")
    }

    @Test func theAPIHasATokenOfItsOwn() {
        var control = AccessControl()
        control.viewers = .tokens(TokenTests.tokens, nil)
        control.operators = TokenSet([api])
        let viewer: HTTPFields = [.authorization: "Bearer \(everywhere)"]
        #expect(control.mayOperate(Self.request("127.0.0.1")) == .unauthenticated("the API needs its token"))
        #expect(control.mayOperate(Self.request("127.0.0.1", viewer)) == .unauthenticated("that is not a token of the API"))
        #expect(control.mayOperate(Self.request("192.0.2.1", [.authorization: "Bearer \(api)"])) == .allowed)
    }

    @Test(arguments: [
        ("127.0.0.1", true), ("127.8.9.1", true), ("::1", true), ("::ffff:127.0.0.1", true), ("192.0.2.1", false),
        ("::ffff:192.0.2.1", false),
        ("fe80::1", false), ("0.0.0.0", false), (nil, false), ("unknown", false),
    ])
    func withoutATokenTheAPIAnswersThisMachineOnly(address: String?, isAllowed: Bool) {
        #expect((AccessControl().mayOperate(Self.request(address)) == .allowed) == isAllowed)
    }

    @Test(arguments: [
        ("localhost:8080", nil, true), ("127.0.0.1", nil, true), ("[::1]:8080", nil, true), (nil, nil, true),
        ("localhost:8080", "http://localhost:8080", true), ("127.0.0.1:8080", "http://[::1]:3000", true),
        // A name of somebody else's that points here, and pages of somebody else's.
        ("evil.example:8080", nil, false), ("localhost.evil.example", nil, false), ("127.0.0.1.evil.example", nil, false),
        ("localhost:8080", "https://evil.example", false), ("localhost:8080", "null", false),
        ("localhost:8080", "https://localhost.evil.example", false),
    ])
    func whatAPageOfSomebodyElseMakesABrowserAskIsNotLocal(authority: String?, origin: String?, isAllowed: Bool) {
        var request = Self.request("127.0.0.1")
        request.head.authority = authority
        request.head.headerFields[.origin] = origin
        #expect((AccessControl().mayOperate(request) == .allowed) == isAllowed)
    }

    @Test(arguments: [HTTPField.Name.xForwardedFor, .forwarded])
    func whatAProxyOnThisMachineForwardsIsNotLocal(field: HTTPField.Name) {
        #expect(AccessControl().mayOperate(Self.request("127.0.0.1", [field: "127.0.0.1"])) != .allowed)
    }
}

@Suite struct JWTVerifierTests {
    static let secret = "0123456789abcdef0123456789abcdef"
    static let es256 = ES256PrivateKey()
    static let now = 2_000_000_000.0

    /// Claims as they stand in a token: what is absent is nil.
    struct Claims: JWTPayload {
        var exp: Double? = JWTVerifierTests.now + 60
        var nbf: Double?
        var iss: String?
        var aud: [String]?
        var streams: [String]? = ["cam"]
        var bound: Double?

        func verify(using algorithm: some JWTAlgorithm) {}

        enum CodingKeys: String, CodingKey {
            case exp, nbf, iss, aud
            case streams = "egress:streams"
            case bound = "max_bit_rate"
        }
    }

    static func settings(issuer: String? = nil, audience: String? = nil) -> JWTSettings {
        JWTSettings(
            keys: [
                .init(id: nil, material: .hs256(secret: secret)), .init(id: "2026", material: .es256(es256.publicKey)),
            ], issuer: issuer, audience: audience)
    }

    static func verifier(issuer: String? = nil, audience: String? = nil) async -> JWTVerifier {
        await JWTVerifier(settings(issuer: issuer, audience: audience), now: { now })
    }

    static func signed(_ claims: Claims, secret: String = secret, header: JWTHeader = JWTHeader()) async throws -> String {
        try await JWTKeyCollection().add(hmac: HMACKey(from: secret), digestAlgorithm: .sha256).sign(claims, header: header)
    }

    /// A token of parts that are written out, signed by HMAC with SHA-256 whatever its header says.
    static func forged(header: String, claims: String, signature: [UInt8]? = nil) async throws -> String {
        let message = base64URL(Array(header.utf8)) + "." + base64URL(Array(claims.utf8))
        let collection = await JWTKeyCollection().add(hmac: HMACKey(from: secret), digestAlgorithm: .sha256)
        let signer = try await collection.getKey()
        return message + "." + base64URL(try signature ?? signer.sign(Array(message.utf8)))
    }

    static func base64URL(_ bytes: [UInt8]) -> String {
        let text = Data(bytes).base64EncodedString()
        return String(text.map { $0 == "+" ? "-" : $0 == "/" ? "_" : $0 }.filter { $0 != "=" })
    }

    static let claims = #"{"exp": 2000000060, "egress:streams": "cam"}"#

    @Test func bothAlgorithmsAreTaken() async throws {
        let verifier = await Self.verifier()
        #expect(await verifier.decision(for: try await Self.signed(Claims()), on: "cam") == .allowed)
        let keys = await JWTKeyCollection().add(ecdsa: Self.es256)
        #expect(await verifier.decision(for: try await keys.sign(Claims()), on: "cam") == .allowed)
        #expect(await verifier.decision(for: try await keys.sign(Claims(), header: ["kid": "2026"]), on: "cam") == .allowed)
        let ofAnother = try await keys.sign(Claims(), header: ["kid": "2025"])
        #expect(
            await verifier.decision(for: ofAnother, on: "cam")
                == .unauthenticated("no key is configured for the algorithm and key that the token names"))
    }

    static let noBound = "the token's max_bit_rate is not a number of bit/s, at least 1"

    @Test(arguments: [#""1500000""#, "true", "null", "[1]", "{}"]) func aBoundThatIsNoNumberRefusesTheToken(bound: String) async throws {
        let claims = #"{"exp": 2000000060, "egress:streams": "cam", "max_bit_rate": \#(bound)}"#
        let token = try await Self.forged(header: #"{"alg": "HS256"}"#, claims: claims)
        #expect(await Self.verifier().decision(for: token, on: "cam") == .unauthenticated(Self.noBound))
    }

    static let judged: [(name: String, claims: Claims, stream: String, decision: WHEPDecision)] = [
        ("a stream of several", Claims(streams: ["yard", "cam"]), "cam", .allowed),
        ("every stream", Claims(streams: ["*"]), "cam", .allowed),
        ("another stream", Claims(streams: ["yard"]), "cam", .forbidden("the token is not for this stream")),
        ("the beginning of an id", Claims(streams: ["ca"]), "cam", .forbidden("the token is not for this stream")),
        ("no pattern", Claims(streams: ["c*"]), "cam", .forbidden("the token is not for this stream")),
        ("no streams", Claims(streams: []), "cam", .forbidden("the token is not for this stream")),
        ("no claim", Claims(streams: nil), "cam", .forbidden("the token is not for this stream")),
        ("no end", Claims(exp: nil), "cam", .unauthenticated("the token has no exp")),
        ("expired", Claims(exp: now - 30), "cam", .unauthenticated("the token has expired")),
        ("expired for less than clocks differ", Claims(exp: now - 29), "cam", .allowed),
        ("an end beyond all time", Claims(exp: 1e300), "cam", .allowed),
        ("an end before all time", Claims(exp: -1e300), "cam", .unauthenticated("the token has expired")),
        ("a beginning beyond all time", Claims(nbf: 1e300), "cam", .unauthenticated("the token is not valid yet")),
        ("not yet", Claims(nbf: now + 31), "cam", .unauthenticated("the token is not valid yet")),
        ("earlier for less than clocks differ", Claims(nbf: now + 30), "cam", .allowed),
        ("for somebody else", Claims(aud: ["other"]), "cam", .unauthenticated("the token is for another audience")),
        ("a bound", Claims(bound: 1_500_000), "cam", .allowedUpTo(bitRate: 1_500_000)),
        ("a bound with a fraction", Claims(bound: 1.5), "cam", .allowedUpTo(bitRate: 2)),
        ("a bound beyond all rates", Claims(bound: 1e300), "cam", .allowedUpTo(bitRate: .max)),
        ("a bound of nothing", Claims(bound: 0), "cam", .unauthenticated(noBound)),
        ("a bound below nothing", Claims(bound: -1), "cam", .unauthenticated(noBound)),
        ("a bound on another stream", Claims(streams: ["yard"], bound: 9), "cam", .forbidden("the token is not for this stream")),
        ("for nobody", Claims(aud: []), "cam", .unauthenticated("the token is for another audience")),
    ]

    @Test func everyClaimIsJudged() async throws {
        let verifier = await Self.verifier()
        for row in Self.judged {
            #expect(await verifier.decision(for: try await Self.signed(row.claims), on: row.stream) == row.decision, "\(row.name)")
        }
    }

    @Test func issuerAndAudienceHaveToBeThoseOfTheConfiguration() async throws {
        let verifier = await Self.verifier(issuer: "https://id.example", audience: "egress")
        func decision(_ issuer: String?, _ audience: [String]?) async throws -> WHEPDecision {
            await verifier.decision(for: try await Self.signed(Claims(iss: issuer, aud: audience)), on: "cam")
        }
        #expect(try await decision("https://id.example", ["other", "egress"]) == .allowed)
        #expect(try await decision("https://id.example.org", ["egress"]) == .unauthenticated("the token is of another issuer"))
        #expect(try await decision(nil, ["egress"]) == .unauthenticated("the token is of another issuer"))
        #expect(try await decision("https://id.example", nil) == .unauthenticated("the token is for another audience"))
        #expect(try await decision("https://id.example", ["other"]) == .unauthenticated("the token is for another audience"))
    }

    @Test func aForgedTokenIsRefused() async throws {
        let verifier = await Self.verifier()
        let good = try await Self.forged(header: #"{"alg": "HS256"}"#, claims: Self.claims)
        #expect(await verifier.decision(for: good, on: "cam") == .allowed, "the forger cannot forge")
        let parts = good.split(separator: ".").map(String.init)
        let longer = Self.base64URL(Array(#"{"exp": 3000000000, "egress:streams": "*"}"#.utf8))
        let publicKey = Self.es256.publicKey.pemRepresentation
        let forgeries: [(name: String, token: String)] = [
            ("other claims", "\(parts[0]).\(longer).\(parts[2])"),
            ("no signature", "\(parts[0]).\(parts[1])."),
            ("another secret", try await Self.signed(Claims(), secret: String(Self.secret.reversed()))),
            ("the public key as the secret", try await Self.signed(Claims(), secret: publicKey)),
            ("alg none, unsigned", try await Self.forged(header: #"{"alg": "none"}"#, claims: Self.claims, signature: [])),
            ("alg none, signed", try await Self.forged(header: #"{"alg": "none"}"#, claims: Self.claims)),
            ("alg None", try await Self.forged(header: #"{"alg": "None"}"#, claims: Self.claims, signature: [])),
            ("an algorithm of the same family", try await Self.forged(header: #"{"alg": "HS512"}"#, claims: Self.claims)),
            ("HMAC in place of ECDSA", try await Self.forged(header: #"{"alg": "ES256", "kid": "2026"}"#, claims: Self.claims)),
            ("no algorithm", try await Self.forged(header: #"{"typ": "JWT"}"#, claims: Self.claims)),
            (
                "an extension that must be understood",
                try await Self.forged(header: #"{"alg": "HS256", "crit": ["x"], "x": 1}"#, claims: Self.claims)
            ),
            ("claims of the wrong kind", try await Self.forged(header: #"{"alg": "HS256"}"#, claims: #"{"exp": "never"}"#)),
            (
                "an end that no number holds",
                try await Self.forged(header: #"{"alg": "HS256"}"#, claims: #"{"exp": 1e999, "egress:streams": "cam"}"#)
            ),
            ("no claims", try await Self.forged(header: #"{"alg": "HS256"}"#, claims: "[]")),
            ("two parts", "\(parts[0]).\(parts[1])"), ("five parts", good + ".x.y"), ("nothing", ""), ("dots", ".."), ("words", "a.b.c"),
        ]
        for (name, token) in forgeries {
            guard case .unauthenticated = await verifier.decision(for: token, on: "cam") else {
                Issue.record("\(name) was let in")
                continue
            }
        }
    }

    @Test func aStaticTokenAndAJSONWebTokenStandSideBySide() async throws {
        var control = AccessControl()
        control.viewers = .tokens(TokenTests.tokens, await Self.verifier())
        let authorize = try #require(CurrentAccess(control).authorizer)
        #expect(await authorize(AccessControlTests.access(everywhere)) == .allowed)
        #expect(await authorize(AccessControlTests.access(try await Self.signed(Claims()))) == .allowed)
        guard case .unauthenticated = await authorize(AccessControlTests.access("neither")) else {
            Issue.record("a token that nobody knows was let in")
            return
        }
    }
}
#endif
