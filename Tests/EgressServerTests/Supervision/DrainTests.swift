#if Server
import Egress
import Foundation
import HTTPTypes
import Logging
import Testing

@testable import EgressServer

@Suite struct DrainTests {
    let engine: EgressEngine
    let routes: Routes

    init() throws {
        var configuration = EgressConfiguration()
        configuration.udpPort = 0
        configuration.io = .epoll
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        engine = try EgressEngine(configuration: configuration, logger: logger)
        var drain = DrainConfiguration()
        drain.url = "https://b.example/whep"
        routes = Routes(engine: engine, board: SupervisionBoard(ids: ["cam"]), logger: logger, drain: drain)
        _ = try engine.onProcessStart(id: "show", config: ProcessConfig(webrtc: WebRTCConfig(isEnabled: true, videoMap: "none")))
    }

    private static let offer = [
        "v=0", "o=- 1 2 IN IP4 127.0.0.1", "s=-", "t=0 0", "m=audio 9 UDP/TLS/RTP/SAVPF 111", "a=mid:0", "a=recvonly", "a=rtcp-mux",
        "a=rtpmap:111 opus/48000/2", "a=ice-ufrag:abcd", "a=ice-pwd:0123456789abcdefghijkl", "a=setup:actpass",
        "a=fingerprint:sha-256 \(Array(repeating: "AA", count: 32).joined(separator: ":"))",
    ].map { $0 + "\r\n" }.joined()

    private func call(_ method: HTTPRequest.Method, _ path: String, _ body: String = "", type: String? = nil) async -> ServerResponse {
        var head = HTTPRequest(method: method, scheme: "http", authority: "localhost", path: path)
        head.headerFields[.contentType] = type
        return await routes.respond(to: ServerRequest(head: head, body: Array(body.utf8), remoteAddress: "127.0.0.1"))
    }

    private func join() async -> ServerResponse { await call(.post, "/whep/show", Self.offer, type: "application/sdp") }

    private func object(_ response: ServerResponse) throws -> [String: JSONValue] {
        try JSONDecoder().decode([String: JSONValue].self, from: Data(response.body))
    }

    @Test func drainingIsBegunToldAndEnded() async throws {
        #expect(await join().head.status == .created)
        #expect(try object(await call(.get, "/api/v1/drain")) == ["state": .string("serving"), "viewers": .number(1)])
        let begun = await call(.post, "/api/v1/drain", #"{"deadline_seconds": 600}"#)
        #expect(begun.head.status == .accepted)
        #expect(try object(begun)["state"] == .string("draining"))
        let health = await call(.get, "/healthz")
        #expect(health.head.status == .serviceUnavailable)
        #expect(try object(health)["status"] == .string("draining"))
        #expect(await join().head.status == .serviceUnavailable)
        // Again changes nothing.
        guard case .number(let left)? = try object(await call(.post, "/api/v1/drain"))["deadline_seconds"] else {
            Issue.record("no deadline")
            return
        }
        #expect(left > 500 && left <= 600)
        let ended = await call(.delete, "/api/v1/drain")
        #expect(try object(ended) == ["state": .string("serving"), "viewers": .number(1)])
        #expect(await call(.get, "/healthz").head.status == .ok)
        #expect(await join().head.status == .created)
    }

    @Test func whoIsLeftIsClosedWhenTheTimeIsUp() async throws {
        for _ in 0..<3 { #expect(await join().head.status == .created) }
        _ = await call(.post, "/api/v1/drain", #"{"deadline_seconds": 600}"#)
        #expect(engine.statistics().viewers == 3)
        _ = await call(.post, "/api/v1/drain", #"{"deadline_seconds": 0}"#)
        await routes.drain.finished()
        #expect(engine.viewers(of: "show").isEmpty)
        let state = try object(await call(.get, "/api/v1/drain"))
        #expect(state["state"] == .string("drained") && state["deadline_seconds"] == nil)
        #expect(await join().head.status == .serviceUnavailable)
        #expect(engine.stream(named: "show") != nil, "streams go on")
    }

    @Test func itEndsAsSoonAsNobodyIsLeft() async throws {
        let location = try #require(await join().head.headerFields[.location])
        routes.drain.begin(within: .seconds(3_600))
        async let finished: Void = routes.drain.finished()
        #expect(await call(.delete, location).head.status == .ok)
        await finished
        #expect(engine.statistics().viewers == 0)
    }

    @Test func whatHasNotBegunIsFinished() async {
        await routes.drain.finished()
        routes.drain.end()
        #expect(!routes.drain.isDraining)
    }

    @Test(arguments: [
        ("{", "request body: not JSON: line 1, column 2: a key needs double quotes: \"key\": value"),
        (#"{"deadline": 1}"#, "request body: deadline: unknown field; known are deadline_seconds"),
        (#"{"deadline_seconds": -1}"#, "request body: deadline_seconds: is not within 0..3600"),
        (#"{"deadline_seconds": "1"}"#, "request body: deadline_seconds: expected a number, found text"),
    ])
    func aBodyThatMeansNothingDrainsNothing(body: String, detail: String) async throws {
        let response = await call(.post, "/api/v1/drain", body)
        #expect(response.head.status == .badRequest)
        #expect(try object(response)["detail"] == .string(detail))
        #expect(!routes.drain.isDraining)
    }

    @Test func pagesMayGoToTheOtherServer() async {
        let policy = await call(.get, "/watch/show").head.headerFields[.contentSecurityPolicy]
        #expect(policy == "default-src 'self'; connect-src 'self' https://b.example; base-uri 'none'; form-action 'none'")
    }

    // MARK: Viewers

    @Test func viewersAreListedPageByPageAndSentAway() async throws {
        for _ in 0..<3 { #expect(await join().head.status == .created) }
        let first = try object(await call(.get, "/api/v1/streams/show/viewers?limit=2"))
        guard case .array(let page)? = first["viewers"], case .string(let next)? = first["next"],
            case .object(let viewer)? = page.first, case .string(let id)? = viewer["id"]
        else {
            Issue.record("\(first)")
            return
        }
        #expect(page.count == 2)
        #expect(viewer["client"] == .string("127.0.0.1") && viewer["state"] == .string("new"))
        guard case .string(let since)? = viewer["since"] else {
            Issue.record("\(viewer)")
            return
        }
        #expect(since.wholeMatch(of: /20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d\d\dZ/) != nil)
        let second = try object(await call(.get, "/api/v1/streams/show/viewers?after=\(next)"))
        guard case .array(let rest)? = second["viewers"] else {
            Issue.record("\(second)")
            return
        }
        #expect(rest.count == 1 && second["next"] == nil)

        let shown = try object(await call(.get, "/api/v1/streams/show/viewers/\(id)"))
        #expect(shown["id"] == .string(id) && shown["state"] == .string("new") && shown["no_feedback"] == .bool(false))
        #expect(await call(.delete, "/api/v1/streams/show/viewers/\(id)?ban_seconds=60").head.status == .noContent)
        let gone = try object(await call(.get, "/api/v1/streams/show/viewers/\(id)"))
        #expect(gone["state"] == .string("closed") && gone["reason"] == .string("requested"))
        #expect(await call(.delete, "/api/v1/streams/show/viewers/\(id)").head.status == .notFound)
        #expect(await join().head.status == .forbidden)
    }

    @Test(arguments: [
        ("GET", "/api/v1/streams/other/viewers", 404), ("GET", "/api/v1/streams/cam/viewers", 200),
        ("GET", "/api/v1/streams/show/viewers?limit=0", 400), ("GET", "/api/v1/streams/show/viewers?limit=x", 400),
        ("GET", "/api/v1/streams/show/viewers?first=1", 400), ("POST", "/api/v1/streams/show/viewers", 405),
        ("GET", "/api/v1/streams/show/viewers/1", 404), ("GET", "/api/v1/streams/show/viewers/1?x=1", 400),
        ("PUT", "/api/v1/streams/show/viewers/1", 405), ("DELETE", "/api/v1/streams/show/viewers/1", 404),
        ("DELETE", "/api/v1/streams/show/viewers/1?ban_seconds=-1", 400), ("PUT", "/api/v1/drain", 405),
    ])
    func everyRequestHasItsStatus(method: String, path: String, status: Int) async throws {
        let method = try #require(HTTPRequest.Method(rawValue: method))
        #expect(await call(method, path).head.status.code == status)
    }
}

@Suite struct URLQueryTests {
    @Test func readsPairs() {
        let query = URLQuery("/a?x=1%202&y=&z#f", known: ["x", "y", "z", "n"])
        #expect(query?["x"] == "1 2" && query?["y"] == "" && query?["z"] == "" && query?["n"] == nil)
        #expect(query?.integer("n", within: 1...2, else: 7) == 7)
        #expect(query?.integer("x", within: 1...2, else: 7) == nil)
        #expect(URLQuery("/a", known: [])?["x"] == nil)
    }

    @Test(arguments: ["/a?q=1", "/a?x=1&x=2", "/a?x=%zz"]) func refusesWhatIsNotKnownOrNotClear(target: String) {
        #expect(URLQuery(target, known: ["x"]) == nil)
    }
}
#endif
