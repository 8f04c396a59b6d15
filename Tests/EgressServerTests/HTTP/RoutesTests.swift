#if Server
import Egress
import Foundation
import HTTPTypes
import Logging
import Testing

@testable import EgressServer

@Suite struct RoutesTests {
    let engine: EgressEngine
    let routes: Routes

    init() throws {
        var configuration = EgressConfiguration()
        configuration.udpPort = 0
        configuration.io = .epoll
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        engine = try EgressEngine(configuration: configuration, logger: logger)
        routes = Routes(engine: engine, board: SupervisionBoard(ids: ["cam"]), logger: logger)
    }

    func call(_ method: HTTPRequest.Method, _ path: String, _ body: String = "", type: String? = nil) async -> ServerResponse {
        var head = HTTPRequest(method: method, scheme: "http", authority: "localhost", path: path)
        head.headerFields[.contentType] = type
        return await routes.respond(to: ServerRequest(head: head, body: Array(body.utf8), remoteAddress: "127.0.0.1"))
    }

    func text(_ response: ServerResponse) -> String { String(decoding: response.body, as: UTF8.self) }

    func object(_ response: ServerResponse) throws -> [String: JSONValue] {
        try JSONDecoder().decode([String: JSONValue].self, from: Data(response.body))
    }

    func detail(_ response: ServerResponse) throws -> String? {
        #expect(response.head.headerFields[.contentType] == "application/problem+json")
        guard case .string(let detail)? = try object(response)["detail"] else { return nil }
        return detail
    }

    @Test(arguments: [
        ("/", "text/html; charset=utf-8"), ("/watch/cam", "text/html; charset=utf-8"), ("/assets/style.css", "text/css; charset=utf-8"),
        ("/assets/index.js", "text/javascript; charset=utf-8"), ("/assets/player.js", "text/javascript; charset=utf-8"),
        ("/assets/egress-player.js", "text/javascript; charset=utf-8"),
        ("/healthz", "application/json"), ("/metrics", "text/plain; version=0.0.4; charset=utf-8"), ("/api/v1/streams", "application/json"),
    ])
    func answersWithTheRightType(path: String, type: String) async {
        let response = await call(.get, path)
        #expect(response.head.status == .ok)
        #expect(response.head.headerFields[.contentType] == type)
        #expect(!response.body.isEmpty)
    }

    @Test(arguments: Asset.named.keys.sorted())
    func pagesOfOtherOriginsMayLoadAssets(name: String) async {
        #expect(await call(.get, "/assets/\(name)").head.headerFields[.accessControlAllowOrigin] == "*")
        #expect(await call(.post, "/assets/\(name)").head.status == .methodNotAllowed)
    }

    @Test(arguments: ["/", "/watch/cam", "/api/v1/streams"])
    func pagesOfOtherOriginsMayNotReadPages(path: String) async {
        #expect(await call(.get, path).head.headerFields[.accessControlAllowOrigin] == nil)
    }

    @Test func aSlashBehindAStreamsAddressMakesNoDifference() async {
        #expect(await call(.post, "/whep/cam/", "v=0", type: "application/sdp").head.status == .conflict)
        let page = await call(.get, "/watch/a%20b/")
        #expect(page.head.status == .permanentRedirect && page.head.headerFields[.location] == "/watch/a%20b")
    }

    @Test(arguments: ["/nothing", "/watch", "/watch/", "/watch/a/b", "/api/v1", "/api/v2/streams", "/assets/other", "//"])
    func knowsNoOtherPath(path: String) async {
        #expect(await call(.get, path).head.status == .notFound)
    }

    @Test func refusesPathsThatAreNotPercentEncoded() async {
        #expect(await call(.get, "/watch/%zz").head.status == .badRequest)
    }

    @Test func answersHEADWithoutABody() async {
        let whole = await call(.get, "/watch/cam")
        let head = await call(.head, "/watch/cam")
        #expect(head.head.status == .ok)
        #expect(head.body.isEmpty)
        #expect(head.head.headerFields[.contentLength] == "\(whole.body.count)")
    }

    @Test(arguments: ["/", "/healthz", "/metrics", "/api/v1/streams"])
    func namesTheMethodsThatThereAre(path: String) async {
        let response = await call(.post, path)
        #expect(response.head.status == .methodNotAllowed)
        #expect(response.head.headerFields[.allow]?.contains("GET") == true)
    }

    @Test func sendsViewersToWhereTheConfigurationSays() async throws {
        let redirect = try RedirectConfiguration(
            json: .object(["cam": .string("https://b.example/whep/cam")]), source: "egress.json", path: "redirect")
        let routes = Routes(engine: engine, board: SupervisionBoard(ids: ["cam"]), logger: Logger(label: "test"), redirect: redirect)
        func call(_ method: HTTPRequest.Method, _ path: String) async -> ServerResponse {
            let head = HTTPRequest(method: method, scheme: "http", authority: "localhost", path: path)
            return await routes.respond(to: ServerRequest(head: head, body: [], remoteAddress: "127.0.0.1"))
        }
        let response = await call(.post, "/whep/cam")
        #expect(response.head.status == .temporaryRedirect)
        #expect(response.head.headerFields[.location] == "https://b.example/whep/cam")
        #expect(await call(.post, "/whep/other").head.status == .unsupportedMediaType)
        func policy(_ path: String) async -> String? { await call(.get, path).head.headerFields[.contentSecurityPolicy] }
        #expect(
            await policy("/watch/cam") == "default-src 'self'; connect-src 'self' https://b.example; base-uri 'none'; form-action 'none'")
        #expect(await policy("/watch/other") == "default-src 'self'; base-uri 'none'; form-action 'none'")
    }

    @Test func hasNoIcon() async {
        #expect(await call(.get, "/favicon.ico").head.status == .noContent)
    }

    @Test func reportsHealth() async throws {
        let health = try object(await call(.get, "/healthz"))
        #expect(health["status"] == .string("ok"))
        #expect(health["io"] == .string("epoll"))
        #expect(health["streams"] == .number(0))
        // "cam" is wanted, and its input is not there.
        #expect(health["streams_down"] == .number(1))
    }

    @Test func startsAStreamAndStopsIt() async throws {
        let started = await call(.put, "/api/v1/streams/my%20id", #"{"video_pt": 96, "audio_map": "0:a:1"}"#)
        #expect(started.head.status == .created)
        #expect(started.head.headerFields[.location] == "/api/v1/streams/my%20id")
        let answer = try object(started)
        #expect(answer["id"] == .string("my id"))
        guard case .number(let video)? = answer["video_port"], case .number(let audio)? = answer["audio_port"],
            case .array(let outputs)? = answer["outputs"], case .object(let leg)? = outputs.first
        else {
            Issue.record("\(text(started))")
            return
        }
        #expect(audio == video + 1)
        #expect(outputs.count == 2)
        #expect(leg["address"] == .string("udp://127.0.0.1:\(Int(video))?pkt_size=1160"))

        let shown = try object(await call(.get, "/api/v1/streams/my%20id"))
        #expect(shown["state"] == .string("waiting"))
        #expect(shown["supervision"] == nil)
        #expect(text(await call(.get, "/metrics")).contains(#"egress_stream_active{stream="my id"} 0"#))
        #expect(text(await call(.get, "/")).contains("&quot;id&quot;:&quot;my id&quot;"))

        #expect(await call(.delete, "/api/v1/streams/my%20id").head.status == .noContent)
        #expect(await call(.get, "/api/v1/streams/my%20id").head.status == .notFound)
        let again = await call(.delete, "/api/v1/streams/my%20id")
        #expect(again.head.status == .notFound)
        #expect(try detail(again) == #"no stream has the id "my id""#)
    }

    @Test(arguments: [
        (#"{"encodings": "auto"}"#, #"request body: encodings: "auto" is for streams of the configuration file"#),
        (#"{"encodings": "ladder"}"#, #"request body: encodings: "ladder" is for streams of the configuration file"#),
        (#"{"encodings": [{"bitrate": 1}]}"#, "request body: encodings[0].bitrate: unknown field; known are bit_rate, codec, copy, "),
        (#"{"encodings": [{"codec": "mpeg2"}]}"#, #"request body: encodings[0].codec: there is no codec "mpeg2"; there are h264, "#),
        (#"{"encodings": [{}], "video_pt": 96}"#, "request body: webrtc: encodings: they say all there is to say of the video, so "),
    ])
    func namesTheFieldOfEncodingsThatCannotBe(body: String, start: String) async throws {
        let response = await call(.put, "/api/v1/streams/a", body)
        #expect(response.head.status == .badRequest)
        #expect(try detail(response)?.hasPrefix(start) == true, "\(text(response))")
        #expect(engine.streams().isEmpty)
    }

    @Test func startsAStreamWithDefaultsForAnEmptyBody() async {
        #expect(await call(.put, "/api/v1/streams/a").head.status == .created)
        #expect(engine.stream(named: "a") != nil)
    }

    @Test func refusesASecondStartWithTheHooksWords() async throws {
        _ = await call(.put, "/api/v1/streams/a")
        let second = await call(.put, "/api/v1/streams/a")
        #expect(second.head.status == .conflict)
        #expect(try detail(second) == #"webrtc: process "a" already has an active stream"#)
    }

    @Test(arguments: [
        ("{", "request body: not JSON: line 1, column 2: a key needs double quotes: \"key\": value"),
        ("[]", "request body: expected an object, found a list"),
        (#"{"video_pt": "x"}"#, "request body: video_pt: expected a number, found text"),
        (#"{"enabled": false}"#, "request body: enabled: is false, so there is nothing to start"),
        (
            #"{"video": 1}"#,
            "request body: video: unknown field; known are audio_codec, audio_map, audio_pt, enabled, encodings, "
                + "force_transcode, video_map, video_pt"
        ),
    ])
    func namesWhatIsWrongWithABody(body: String, message: String) async throws {
        let response = await call(.put, "/api/v1/streams/a", body)
        #expect(response.head.status == .badRequest)
        #expect(try detail(response) == message)
        #expect(engine.stream(named: "a") == nil)
    }

    @Test func namesTheFieldThatTheHookRefuses() async throws {
        let response = await call(.put, "/api/v1/streams/a", #"{"video_pt": 72}"#)
        #expect(response.head.status == .badRequest)
        #expect(try detail(response)?.contains("video_pt") == true)
    }

    @Test func refusesBodiesThatAreTooLarge() async {
        let body = String(repeating: " ", count: LifecycleAPI.bodySizeMax + 1)
        #expect(await call(.put, "/api/v1/streams/a", body).head.status == .contentTooLarge)
        let offer = String(repeating: "a", count: WHEPHandler.bodySizeMax + 1)
        #expect(await call(.post, "/whep/a", offer, type: "application/sdp").head.status == .contentTooLarge)
    }

    @Test func keepsTheIDsOfSupervisedStreams() async throws {
        let put = await call(.put, "/api/v1/streams/cam")
        #expect(put.head.status == .conflict)
        #expect(try detail(put) == #"webrtc: process "cam" already has an active stream"#)
    }

    @Test func removesASupervisedStreamAndFreesItsID() async throws {
        #expect(await call(.delete, "/api/v1/streams/cam").head.status == .noContent)
        #expect(await call(.get, "/api/v1/streams/cam").head.status == .notFound)
        #expect(text(await call(.get, "/api/v1/streams")) == #"{"streams":[]}"#)
        let again = await call(.delete, "/api/v1/streams/cam")
        #expect(again.head.status == .notFound)
        #expect(try detail(again) == #"no stream has the id "cam""#)
        #expect(await call(.put, "/api/v1/streams/cam").head.status == .created)
    }

    @Test func listsSupervisedStreamsBeforeTheirInputIsThere() async throws {
        let listed = text(await call(.get, "/api/v1/streams"))
        let supervision = #"{"decisions":[],"encodings":[],"phase":"probing","runs":0}"#
        #expect(listed == #"{"streams":[{"id":"cam","state":"starting","supervision":\#(supervision),"viewers":0}]}"#)
        #expect(try object(await call(.get, "/api/v1/streams/cam"))["state"] == .string("starting"))
    }

    @Test func asksViewersOfAStreamWhoseInputIsNotThereYetToComeBack() async throws {
        let offer = await call(.post, "/whep/cam", "v=0", type: "application/sdp")
        #expect(offer.head.status == .conflict)
        #expect(offer.head.headerFields[.retryAfter] == "2")
        #expect(offer.head.headerFields[.accessControlAllowOrigin] == "*")
        #expect(try detail(offer) == #"the stream "cam" has not begun yet: try again"#)
        #expect(await call(.post, "/whep/unknown", "v=0", type: "application/sdp").head.status == .notFound)
        #expect(await call(.get, "/whep/cam").head.status == .notFound)
    }

    @Test func handsEverythingBelowWHEPToItsHandler() async {
        let preflight = await call(.options, "/whep/cam")
        #expect(preflight.head.status == .ok || preflight.head.status == .noContent)
        #expect(preflight.head.headerFields[.accessControlAllowOrigin] == "*")
        #expect(await call(.post, "/whep/unknown", "v=0", type: "application/sdp").head.status.kind == .clientError)
        #expect(await call(.delete, "/whep/cam/unknown").head.status == .notFound)
    }
}
#endif
