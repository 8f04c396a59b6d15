#if Server
import Egress
import Foundation
import HTTPTypes
import Logging
import Testing

@testable import EgressServer

/// What each client gets to see of the server, with and without tokens.
@Suite struct AccessRoutesTests {
    static let api = "of-the-api-0123456789"
    static let viewer = "of-viewers-0123456789"
    static let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    static func routes(_ access: AccessControl, base: String = "") throws -> Routes {
        var configuration = EgressConfiguration()
        configuration.udpPort = 0
        configuration.io = .epoll
        let engine = try EgressEngine(configuration: configuration, logger: silent)
        return Routes(engine: engine, board: SupervisionBoard(ids: ["cam"]), access: access, base: try BasePath(base), logger: silent)
    }

    static var locked: AccessControl {
        var control = AccessControl()
        control.viewers = .tokens(StreamTokens(everywhere: TokenSet([viewer])), nil)
        control.operators = TokenSet([api])
        return control
    }

    static func call(
        _ routes: Routes, _ method: HTTPRequest.Method, _ path: String, token: String? = nil, from address: String = "192.0.2.9"
    ) async -> ServerResponse {
        var head = HTTPRequest(method: method, scheme: "http", authority: "localhost", path: path)
        head.headerFields[.authorization] = token.map { "Bearer \($0)" }
        return await routes.respond(to: ServerRequest(head: head, remoteAddress: address))
    }

    static func text(_ response: ServerResponse) -> String { String(decoding: response.body, as: UTF8.self) }

    @Test(arguments: [
        (HTTPRequest.Method.get, "/api/v1/streams"), (.get, "/api/v1/streams/cam"), (.put, "/api/v1/streams/new"),
        (.delete, "/api/v1/streams/new"), (.get, "/metrics"), (.head, "/metrics"), (.get, "/api/v1/anything"), (.post, "/api"),
        (.get, "/%61pi/v1/streams"), (.get, "/metric%73"), (.put, "/live/api/v1/streams/new"),
    ])
    func theAPINeedsItsTokenOnEveryPath(method: HTTPRequest.Method, path: String) async throws {
        let routes = try Self.routes(Self.locked, base: "/live")
        for token in [nil, Self.viewer, "wrong"] {
            let response = await Self.call(routes, method, path, token: token, from: "127.0.0.1")
            #expect(response.head.status == .unauthorized)
            #expect(response.head.headerFields[.wwwAuthenticate]?.hasPrefix("Bearer realm=\"egress\"") == true)
        }
        #expect(await Self.call(routes, method, path, token: Self.api).head.status != .unauthorized)
    }

    @Test func aRefusalOfHEADHasNoBody() async throws {
        let response = await Self.call(try Self.routes(Self.locked), .head, "/metrics")
        #expect(response.head.status == .unauthorized)
        #expect(response.body.isEmpty)
        let list = await Self.call(try Self.routes(AccessControl()), .head, "/api/v1/streams")
        #expect(list.head.status == .ok)
        #expect(list.body.isEmpty)
    }

    @Test func pagesAndHealthAreForEverybodyAndTellNothing() async throws {
        let routes = try Self.routes(Self.locked)
        for path in ["/", "/watch/cam", "/assets/player.js", "/assets/index.js", "/assets/style.css", "/healthz"] {
            #expect(await Self.call(routes, .get, path).head.status == .ok, "\(path)")
        }
        let index = Self.text(await Self.call(routes, .get, "/"))
        #expect(!index.contains("cam"))
        #expect(index.contains(#"data-streams="null""#))
    }

    @Test func whoMayWatchEverythingMayReadWhatThereIsButNotMoreAboutIt() async throws {
        let routes = try Self.routes(AccessControl())
        #expect(Self.text(await Self.call(routes, .get, "/")).contains("&quot;id&quot;:&quot;cam&quot;"))
        let list = await Self.call(routes, .get, "/api/v1/streams")
        #expect(Self.text(list) == #"{"streams":[{"encodings":[],"has_b_frames":false,"id":"cam","state":"starting","viewers":0}]}"#)
        #expect(Self.text(await Self.call(routes, .get, "/api/v1/streams", from: "127.0.0.1")).contains("supervision"))
        for (method, path) in [(HTTPRequest.Method.get, "/api/v1/streams/cam"), (.put, "/api/v1/streams/x"), (.post, "/api/v1/streams")] {
            #expect(await Self.call(routes, method, path).head.status == .forbidden, "\(method) \(path)")
        }
        #expect(await Self.call(routes, .get, "/metrics").head.status == .forbidden)
    }

    @Test func viewersNeedATokenAndPreflightsNone() async throws {
        let routes = try Self.routes(Self.locked)
        #expect(await Self.call(routes, .options, "/whep/cam").head.status == .ok)
        #expect(await Self.call(routes, .post, "/whep/cam").head.status == .unauthorized)
        #expect(await Self.call(routes, .get, "/whep/cam").head.status == .unauthorized)
        #expect(await Self.call(routes, .get, "/whep/cam", token: Self.viewer).head.status == .notFound)
        #expect(await Self.call(routes, .get, "/whep/cam", token: Self.api).head.status == .notFound)
    }

    @Test(arguments: ["/live/egress", ""]) func belowABasePathEverythingIsServedWhetherAProxyTakesItOffOrNot(sent: String) async throws {
        let routes = try Self.routes(Self.locked, base: "/live/egress")
        let put = await Self.call(routes, .put, "\(sent)/api/v1/streams/a%20b", token: Self.api)
        #expect(put.head.status == .created)
        #expect(put.head.headerFields[.location] == "/live/egress/api/v1/streams/a%20b")
        #expect(await Self.call(routes, .get, "\(sent)/whep/a%20b", token: Self.viewer).head.status == .noContent)
        #expect(Self.text(await Self.call(routes, .get, "\(sent)/watch/a%20b")).contains(#"data-whep="../whep/a%20b""#))
        #expect(await Self.call(routes, .get, "\(sent)/healthz").head.status == .ok)
        #expect(await Self.call(routes, .get, "\(sent)/nothing").head.status == .notFound)
    }

    @Test func theBasePathItselfLeadsToItsPages() async throws {
        let response = await Self.call(try Self.routes(AccessControl(), base: "/live"), .get, "/live")
        #expect(response.head.status == .permanentRedirect)
        #expect(response.head.headerFields[.location] == "/live/")
    }
}
#endif
