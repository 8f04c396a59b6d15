import HTTPTypes
import Synchronization
import Testing

@testable import Egress

/// Decides as it was told to, and remembers what it was asked.
private final class Gatekeeper: Sendable {
    private let asked = Mutex<[WHEPAccess]>([])
    private let decision: Mutex<WHEPDecision>

    init(_ decision: WHEPDecision) { self.decision = Mutex(decision) }

    var questions: [WHEPAccess] { asked.withLock { $0 } }

    func decide(_ decision: WHEPDecision) { self.decision.withLock { $0 = decision } }

    func handler(_ engine: EgressEngine) -> WHEPHandler {
        WHEPHandler(
            engine: engine, logger: Engines.silent,
            authorize: { access in
                self.asked.withLock { $0.append(access) }
                return self.decision.withLock { $0 }
            })
    }
}

@Suite struct WHEPAccessTests {
    @Test(arguments: [
        ("Bearer abc", "abc"), ("bearer abc", "abc"), ("BEARER  a.b-c_d~e+f/g== ", "a.b-c_d~e+f/g=="), ("Bearer", nil), ("Bearer ", nil),
        ("Basic YTpi", nil), ("abc", nil), ("", nil), ("Bearerabc def", nil),
    ])
    func aBearerTokenIsFound(field: String, token: String?) {
        let head = HTTPRequest(method: .get, scheme: nil, authority: nil, path: "/", headerFields: [.authorization: field])
        #expect(WHEPRequest(head: head).bearerToken == token)
    }

    @Test func aRequestWithoutTheFieldHasNoToken() {
        #expect(WHEPRequest(head: HTTPRequest(method: .get, scheme: nil, authority: nil, path: "/")).bearerToken == nil)
    }

    @Test(arguments: [
        (WHEPDecision.unauthenticated("why"), false, 401, "Bearer realm=\"egress\"" as String?),
        (.unauthenticated("why"), true, 401, "Bearer realm=\"egress\", error=\"invalid_token\""),
        (.forbidden("why"), true, 403, "Bearer realm=\"egress\", error=\"insufficient_scope\""),
        (.forbidden("why"), false, 403, nil),
        (.unavailable("why"), true, 503, nil),
    ])
    func aRefusalCarriesTheChallengeOfRFC6750(decision: WHEPDecision, hadToken: Bool, status: Int, challenge: String?) throws {
        let response = try #require(WHEPResponse(refusing: decision, hadToken: hadToken))
        #expect(response.head.status.code == status)
        #expect(response.head.headerFields[.wwwAuthenticate] == challenge)
        #expect(response.head.headerFields[.contentType] == "application/problem+json")
        #expect((response.head.headerFields[.retryAfter] != nil) == (status == 503))
        #expect(String(decoding: response.body, as: UTF8.self).contains("\"detail\":\"why\""))
    }

    @Test func aPermissionIsNoRefusal() {
        #expect(WHEPResponse(refusing: .allowed, hadToken: true) == nil)
        #expect(WHEPResponse(refusing: .allowedUpTo(bitRate: 0), hadToken: true) == nil)
    }
}

extension WithEngine {
    @Suite(.serialized) struct WHEPAuthorizationTests {
        private static func request(_ method: HTTPRequest.Method, _ path: String, _ fields: HTTPFields = [:]) -> WHEPRequest {
            let isPatch = method == .patch
            let body = method == .post ? BrowserOffer.chromium : ""
            return WHEPHandlerTests.request(method, path, body, type: isPatch ? SDPFragment.mediaType : "application/sdp", fields)
        }

        @Test func nothingIsDoneOrToldWithoutPermission() async throws {
            let engine = try await Engines.playing()
            let gatekeeper = Gatekeeper(.allowed)
            let handler = gatekeeper.handler(engine)
            let created = await handler.handle(Self.request(.post, "/whep/show"))
            let location = try #require(created.head.headerFields[.location])
            gatekeeper.decide(.unauthenticated("a token is needed"))
            var refusals: Set<[UInt8]> = []
            let paths: [(HTTPRequest.Method, String)] = [
                (.post, "/whep/show"), (.get, "/whep/show"), (.post, "/whep/other"), (.get, "/whep/other"), (.patch, location),
                (.delete, location), (.get, location), (.delete, "/whep/show/unknown"), (.post, location + "/events"),
                (.get, location + "/events/1"), (.delete, location + "/events/1"), (.head, location),
            ]
            for (method, path) in paths {
                let response = await handler.handle(Self.request(method, path))
                #expect(response.head.status == .unauthorized, "\(method) \(path)")
                #expect(response.head.headerFields[.wwwAuthenticate] == "Bearer realm=\"egress\"")
                #expect(response.head.headerFields[.accessControlAllowOrigin] == "*")
                if method != .head { refusals.insert(response.body) }
            }
            #expect(refusals.count == 1, "refusals tell what there is and what there is not")
            #expect(engine.stream(named: "show")?.viewers == 1)
            #expect(engine.statistics().viewersCreated == 1)
            gatekeeper.decide(.allowed)
            #expect(await handler.handle(Self.request(.delete, location)).head.status == .ok)
        }

        @Test func thePreflightNeedsNoPermission() async throws {
            let engine = try await Engines.playing { $0.iceServers = [ICEServer(urls: ["turn:t.example"], username: "u", credential: "c")] }
            let gatekeeper = Gatekeeper(.unauthenticated("a token is needed"))
            let handler = gatekeeper.handler(engine)
            for path in ["/whep/show", "/whep/show/1", "/whep/show/1/events", "/whep/show/1/events/2"] {
                let preflight = await handler.handle(Self.request(.options, path, [.accessControlRequestMethod: "POST"]))
                #expect(preflight.head.status == .ok)
                #expect(preflight.head.headerFields[.accessControlAllowHeaders]?.contains("Authorization") == true)
            }
            #expect(gatekeeper.questions.isEmpty)
            // The credentials of the ICE servers are for those who may watch.
            #expect(await handler.handle(Self.request(.options, "/whep/show")).head.headerFields[.link] == nil)
            gatekeeper.decide(.allowed)
            #expect(await handler.handle(Self.request(.options, "/whep/show")).head.headerFields[.link] != nil)
        }

        @Test func theOneWhoDecidesIsToldWhoWantsWhat() async throws {
            let engine = try Engines.make()
            let gatekeeper = Gatekeeper(.forbidden("no"))
            let handler = gatekeeper.handler(engine)
            let fields: HTTPFields = [.authorization: "Bearer abc", .userAgent: "player/1"]
            #expect(await handler.handle(Self.request(.delete, "/whep/a%20b/0123", fields)).head.status == .forbidden)
            #expect(
                gatekeeper.questions == [
                    WHEPAccess(
                        stream: "a b", session: "0123", method: .delete, token: "abc", remoteAddress: "192.0.2.9", userAgent: "player/1")
                ])
        }

        @Test func aTokenThatIsTooLongIsNotPassedOn() async throws {
            let engine = try Engines.make()
            let gatekeeper = Gatekeeper(.allowed)
            let token = String(repeating: "a", count: WHEPAccess.tokenSizeMax + 1)
            let response = await gatekeeper.handler(engine).handle(Self.request(.get, "/whep/a", [.authorization: "Bearer \(token)"]))
            #expect(response.head.status == .unauthorized)
            #expect(gatekeeper.questions.isEmpty)
        }

        @Test func tokensAreNotLogged() async throws {
            let recorder = LogRecorder()
            let engine = try Engines.make(logger: recorder.logger)
            let handler = WHEPHandler(engine: engine, logger: recorder.logger, authorize: { _ in .unauthenticated("no") })
            _ = await handler.handle(Self.request(.post, "/whep/a", [.authorization: "Bearer hush-hush"]))
            #expect(recorder.lines.contains { $0.message == "Request not permitted" && $0.metadata["status"] == "401" })
            #expect(!recorder.lines.contains { "\($0)".contains("hush-hush") })
        }
    }
}
