#if Server
internal import Egress
internal import HTTPTypes
internal import Logging

/// Every route of the server, as a function from a request to a response.
struct Routes: Sendable {
    let engine: EgressEngine
    let whep: WHEPHandler
    let api: LifecycleAPI
    let viewers: ViewersAPI
    let drain: Drain
    let board: SupervisionBoard
    let currentAccess: CurrentAccess
    let base: BasePath
    private let redirect: RedirectConfiguration
    private let connections: Connections?
    private let numbers: SharedReading<Health.Numbers>

    /// The first parts of all paths.
    static let names: Set<String> = ["whep", "watch", "assets", "favicon.ico", "healthz", "metrics", "api"]

    init(
        engine: EgressEngine, board: SupervisionBoard, access: AccessControl = AccessControl(), base: BasePath = .root, logger: Logger,
        drain configuration: DrainConfiguration = DrainConfiguration(), redirect: RedirectConfiguration = RedirectConfiguration(),
        connections: Connections? = nil
    ) {
        self.engine = engine
        self.board = board
        currentAccess = CurrentAccess(access)
        numbers = SharedReading(on: engine.threads) { Health.Numbers(engine, board) }
        self.base = base
        self.redirect = redirect
        self.connections = connections
        whep = WHEPHandler(
            engine: engine, basePath: base.prefix + "/whep", logger: logger, redirect: redirect.endpoint, expects: board.contains,
            authorize: currentAccess.authorizer)
        api = LifecycleAPI(engine: engine, board: board, base: base, logger: logger)
        viewers = ViewersAPI(engine: engine, whep: whep, board: board)
        drain = Drain(engine: engine, whep: whep, configuration: configuration, logger: logger)
    }

    var access: AccessControl { currentAccess.value }

    /// How much of a body has to be read to know that it is too large.
    static let bodySizeMax = max(WHEPHandler.bodySizeMax, LifecycleAPI.bodySizeMax)

    func respond(to request: ServerRequest) async -> ServerResponse {
        guard let target = base.strip(request.head.path ?? "/") else { return toPages }
        guard let segments = URLPath.segments(target) else { return .problem(.badRequest, "the path is not percent-encoded UTF-8") }
        // Nearly every route waits for the engine. The health check has to answer even when the engine does not.
        guard segments != ["healthz"] else { return await respond(to: request, target, segments) }
        return await withTaskExecutorPreference(engine.threads) { await respond(to: request, target, segments) }
    }

    private func respond(to request: ServerRequest, _ target: String, _ segments: [String]) async -> ServerResponse {
        if segments.first == "whep" {
            var below = request
            below.head.path = base.prefix + target
            return await whep.handle(below)
        }
        guard request.head.method == .head else { return await answer(segments, request) }
        // HEAD is answered like GET but without the body; Content-Length stays.
        var asGet = request
        asGet.head.method = .get
        var response = await answer(segments, asGet)
        response.head.headerFields[.contentLength] = String(response.body.count)
        response.body = []
        return response
    }

    private func answer(_ segments: [String], _ request: ServerRequest) async -> ServerResponse {
        if let refusal = refusal(of: request, segments) { return refusal }
        return await route(segments, request)
    }

    /// Redirects from the base path to its pages, which need the slash at the end.
    private var toPages: ServerResponse { moved("/") }

    private func moved(_ path: String) -> ServerResponse {
        ServerResponse(head: HTTPResponse(status: .permanentRedirect, headerFields: [.location: base.prefix + path]))
    }

    /// Only the operator may use the API and the metrics. Where everyone may watch, everyone may also read the list of streams, but not more about
    /// them.
    private func refusal(of request: ServerRequest, _ segments: [String]) -> ServerResponse? {
        guard segments.first == "api" || segments.first == "metrics" else { return nil }
        let decision = access.mayOperate(request)
        guard let refusal = ServerResponse(refusing: decision, hadToken: request.bearerToken != nil) else { return nil }
        guard access.listIsPublic, request.head.method == .get, segments == ["api", "v1", "streams"] else { return refusal }
        return .json(["streams": rows])
    }

    private func route(_ segments: [String], _ request: ServerRequest) async -> ServerResponse {
        switch (segments.count, segments.first) {
        case (1, ""): page(request) { IndexPage.html(access.listIsPublic ? rows : nil) }
        case (2, "watch") where !segments[1].isEmpty: watch(segments[1], request)
        // The page's addresses are relative, so its own must not end with a slash.
        case (3, "watch") where segments[2].isEmpty && !segments[1].isEmpty: moved("/watch/\(URLPath.encode(segments[1]))")
        case (2, "assets"): asset(segments[1], request)
        case (1, "favicon.ico"): .empty(.noContent)
        case (1, "healthz"): request.head.method == .get ? await health : .notAllowed([.get, .head])
        case (1, "metrics"):
            reading(request) {
                .text(
                    Metrics.text(of: engine, whep, connections, linesLost: LineWriter.standardError.linesLost),
                    type: "text/plain; version=0.0.4; charset=utf-8")
            }
        case (3, "api") where segments[1...] == ["v1", "streams"]: api.list(request)
        case (4, "api") where segments[1...2] == ["v1", "streams"]: await api.stream(segments[3], request)
        case (5, "api") where segments[1...2] == ["v1", "streams"] && segments[4] == "viewers": viewers.list(segments[3], request)
        case (6, "api") where segments[1...2] == ["v1", "streams"] && segments[4] == "viewers":
            viewers.viewer(segments[5], of: segments[3], request)
        case (3, "api") where segments[1...] == ["v1", "drain"]: DrainAPI(drain: drain).respond(to: request)
        default: .problem(.notFound, "there is nothing here")
        }
    }

    private var rows: [IndexPage.Row] {
        StreamReport.all(engine: engine, board: board).map {
            IndexPage.Row(
                id: $0.id, state: $0.state, viewers: $0.viewers, encodings: ($0.status?.encodings ?? []).map { .init(codec: $0.codec) },
                hasBFrames: $0.status?.hasBFrames ?? false)
        }
    }

    /// The problem of a stream is shown only where everyone may see the list of streams.
    private func watch(_ id: String, _ request: ServerRequest) -> ServerResponse {
        page(request, origin: redirect.origin(of: id)) {
            WatchPage.html(id: id, hasBFrames: access.listIsPublic && engine.stream(named: id)?.hasBFrames == true)
        }
    }

    /// Pages of other origins may load assets too, so that other people's pages can use the player. The WHEP endpoint allows the same.
    private func asset(_ name: String, _ request: ServerRequest) -> ServerResponse {
        guard let asset = Asset.named[name] else { return .problem(.notFound, "there is nothing here") }
        return reading(request) {
            var response = ServerResponse.bytes(asset.bytes, type: asset.type)
            response.head.headerFields[.accessControlAllowOrigin] = "*"
            return response
        }
    }

    /// - Parameter origin: the origin of another server that serves the page's stream.
    private func page(_ request: ServerRequest, origin: String? = nil, _ html: () -> String) -> ServerResponse {
        reading(request) {
            var response = ServerResponse.text(html(), type: "text/html; charset=utf-8")
            // A player may be asked to continue at another server.
            let elsewhere = [drain.configuration.origin, origin].compactMap { $0 }
            let connections = elsewhere.isEmpty ? "" : "; connect-src 'self' \(elsewhere.joined(separator: " "))"
            response.head.headerFields[.contentSecurityPolicy] = "default-src 'self'\(connections); base-uri 'none'; form-action 'none'"
            return response
        }
    }

    /// How long the engine may take to answer before it counts as stalled. A turn of its loop takes milliseconds.
    private static let answerMax = Duration.seconds(2)

    /// 503 while the server drains, so that a load balancer sends nobody here, and when the engine does not answer.
    private var health: ServerResponse {
        get async {
            guard let numbers = await numbers.value(within: Self.answerMax) else {
                return .json(["status": "stalled"], status: .serviceUnavailable)
            }
            let isDraining = drain.isDraining
            return .json(
                Health(numbers, engine.info, status: isDraining ? "draining" : "ok"), status: isDraining ? .serviceUnavailable : .ok)
        }
    }

    private func reading(_ request: ServerRequest, _ answer: () -> ServerResponse) -> ServerResponse {
        request.head.method == .get ? answer() : .notAllowed([.get, .head])
    }
}
#endif
