import HTTPTypes
public import Logging
import Synchronization

/// WHEP (draft-ietf-wish-whep) for the streams of an engine: `POST {base}/{id}` with an offer makes a viewer; `PATCH` on the `Location` of the
/// response takes candidates and restarts ICE, `DELETE` ends it. Two extensions are served: server-sent events, and the choice of a layer for
/// viewers that can be switched among several encodings. It applies the engine's ``ClientLimits``. It contains no HTTP server and no TLS. The
/// ``WHEPAuthorizer`` that it is given decides who may do what.
public final class WHEPHandler: Sendable {
    /// The longest offer that ``ClientLimits/offerSizeMax`` can allow, in bytes.
    public static let bodySizeMax = SDPOffer.Limits.standard.sizeMax

    let engine: EgressEngine
    let basePath: String
    let logger: Logger
    let admission: Mutex<Admission>
    let now: @Sendable () -> ContinuousClock.Instant
    let isRefusingViewers = Atomic(false)
    let refusalsTold = Mutex(Repetitions(window: .seconds(60), entriesMax: 1_024))
    private let redirect: (@Sendable (_ stream: String) -> String?)?
    private let expects: (@Sendable (_ stream: String) -> Bool)?
    let authorize: WHEPAuthorizer?

    /// - Parameters:
    ///   - basePath: The path that requests begin with, with or without percent-encoding; `Location` and `Link` begin with it too.
    ///   - redirect: Returns the URL of another server's endpoint when viewers of the stream are to go there (307), `nil` to serve them here.
    ///   - expects: Returns whether a stream that does not exist yet will exist later. Its viewers are then told to come again (409), instead of
    ///     getting 404, at which players give up.
    ///   - authorize: Decides about each request; `nil`: everyone may watch every stream.
    public convenience init(
        engine: EgressEngine, basePath: String = "/whep", logger: Logger, redirect: (@Sendable (_ stream: String) -> String?)? = nil,
        expects: (@Sendable (_ stream: String) -> Bool)? = nil, authorize: WHEPAuthorizer? = nil
    ) {
        self.init(
            engine: engine, basePath: basePath, logger: logger, redirect: redirect, expects: expects, authorize: authorize, now: { .now })
    }

    /// `now` is the clock of the limits.
    init(
        engine: EgressEngine, basePath: String = "/whep", logger: Logger, redirect: (@Sendable (_ stream: String) -> String?)? = nil,
        expects: (@Sendable (_ stream: String) -> Bool)? = nil, authorize: WHEPAuthorizer? = nil,
        now: @escaping @Sendable () -> ContinuousClock.Instant
    ) {
        self.engine = engine
        self.basePath = WHEPTarget.normalized(base: basePath)
        self.logger = logger
        self.authorize = authorize
        self.redirect = redirect
        self.expects = expects
        self.now = now
        let configuration = engine.configuration
        admission = Mutex(Admission(configuration.limits, streamsMax: configuration.streamsMax, now: now()))
        if configuration.limits.bitRate > 0 { measureBitRate() }
    }

    /// Answers a request. It calls the engine on separate threads, so that none of Swift's shared threads waits for it.
    public func handle(_ request: WHEPRequest) async -> WHEPResponse {
        var response = await withTaskExecutorPreference(engine.threads) { await route(request) }
        response.head.headerFields[.accessControlAllowOrigin] = "*"
        response.head.headerFields[.accessControlExposeHeaders] = Self.exposed
        if request.head.method == .head { response.body = [] }
        return response
    }

    /// Asks viewers that listen for it to connect again, before this server stops serving them: the viewer of one session, or all.
    /// - Parameter url: the endpoint to go to; `nil`: the endpoint that they came from.
    public func reconnect(session: String? = nil, url: String? = nil) {
        engine.viewerEvents.reconnect(session, url: url)
    }

    private func route(_ request: WHEPRequest) async -> WHEPResponse {
        guard let target = WHEPTarget(path: request.head.path ?? "", base: basePath) else {
            return refusal(WHEPProblem(.notFound, "there is nothing under this path"))
        }
        // No stream can have such an id, so it is passed neither to the authorizer nor to the log.
        if let problem = StreamID.problem(with: target.stream) { return refusal(WHEPProblem(.notFound, problem)) }
        let method = request.head.method
        guard target.methods.contains(method) else { return notAllowed(method, target) }
        if method == .options { return await options(request, target) }
        let verdict = await verdict(on: request, target)
        if let refusal = verdict.refusal { return refusal }
        if let refusal = refusalOfChange(request, target) { return refusal }
        switch target {
        case .endpoint(let stream):
            if let refusal = refusalOfShutdown() { return refusal }
            return method == .post
                ? await post(request, stream, bitRateMax: verdict.bitRateMax)
                : presence(engine.registry.stream(named: stream) != nil, method)
        case .session(let stream, let session):
            switch method {
            case .patch: return patch(request, stream, session, bitRateMax: verdict.bitRateMax)
            case .delete: return delete(stream, session)
            default: return hasSession(session, of: stream) ? presence(true, method) : refusalOfEnded(session, stream)
            }
        case .events(let stream, let session): return listen(request, stream, session)
        case .listener(let stream, let session, let listener): return events(method, stream, session, listener)
        case .layer(let stream, let session): return layer(request, stream, session)
        }
    }

    // MARK: Methods

    private func post(_ request: WHEPRequest, _ stream: String, bitRateMax: Int?) async -> WHEPResponse {
        if let refusal = refusalOfKnock(request) { return refusal }
        if let url = redirect?(stream) {
            return WHEPResponse(head: HTTPResponse(status: .temporaryRedirect, headerFields: [.location: url]))
        }
        if let refusal = refusalOfType(request, "an offer", Self.sdp, told: .acceptPost) { return refusal }
        if let refusal = refusalOfSize(request, "an offer") ?? refusalOfJoin(request, stream) { return refusal }
        let client = ViewerClient(address: request.remoteAddress, bitRateMax: bitRateMax)
        do throws(EgressError) {
            switch try await engine.reply(to: request.body, of: stream, for: client) {
            case .answer(let answer):
                // The request may have waited for a picture, and draining may have begun meanwhile.
                if let refusal = refusalOfDraining(request) {
                    engine.closeViewer(session: answer.session)
                    return refusal
                }
                return created(answer, stream, request)
            case .refusal(let error, nil): throw error
            case .refusal(let error, let offer?): return counter(offer, error, stream, request)
            }
        } catch {
            return refusal(later(error, stream), stream, request)
        }
    }

    /// The error for a stream that does not exist but will: it has not begun yet.
    private func later(_ error: EgressError, _ stream: String) -> EgressError {
        guard error.code == .notFound, expects?(stream) == true else { return error }
        return EgressError(code: .notActive, message: "the stream \"\(stream)\" has not begun yet: try again")
    }

    private func created(_ answer: ViewerAnswer, _ stream: String, _ request: WHEPRequest) -> WHEPResponse {
        let location = path(of: stream, answer.session)
        var fields: HTTPFields = [.contentType: Self.sdp, .location: location, .eTag: "\"\(answer.entityTag)\""]
        // One field for each server and extension (WHEP §4.9).
        fields[values: .link] = iceLinks + Self.links(location, answer)
        logger.debug("Viewer answered", metadata: metadata(stream, answer.session, request))
        return WHEPResponse(head: HTTPResponse(status: .created, headerFields: fields), body: Array(answer.sdp.utf8))
    }

    private func delete(_ stream: String, _ session: String) -> WHEPResponse {
        let isWaiting = engine.registry.counterOffer(session, of: stream) != nil && engine.registry.takeCounterOffer(session)
        guard isWaiting || engine.closeViewer(session: session, of: stream) else { return refusalOfEnded(session, stream) }
        return WHEPResponse(head: HTTPResponse(status: .ok))
    }

    /// A counter-offer counts as a session already, although it becomes one only when it is answered (WHEP §4.2.2).
    func hasSession(_ session: String, of stream: String) -> Bool {
        engine.registry.hasSession(session, of: stream) || engine.registry.counterOffer(session, of: stream) != nil
    }

    /// GET and HEAD tell whether the stream or session exists, and what can be sent to it.
    private func presence(_ isThere: Bool, _ method: HTTPRequest.Method) -> WHEPResponse {
        guard isThere else { return refusal(WHEPProblem(.notFound, "this stream or session does not exist, or not any more")) }
        guard method == .head else { return WHEPResponse(head: HTTPResponse(status: .noContent)) }
        return WHEPResponse(head: HTTPResponse(status: .ok, headerFields: [.contentType: Self.sdp]))
    }

    /// Answers OPTIONS: a browser's preflight, or a client that asks what the endpoint supports. Only the latter gets the ICE servers, whose
    /// credentials are for clients that may watch.
    private func options(_ request: WHEPRequest, _ target: WHEPTarget) async -> WHEPResponse {
        let isPreflight = request.head.headerFields[.accessControlRequestMethod] != nil
        let methods = target.methodList
        var fields: HTTPFields = [
            .allow: methods,
            .accessControlAllowMethods: methods,
            .accessControlAllowHeaders: "Authorization, Content-Type, If-Match, Last-Event-ID",
            .accessControlMaxAge: "86400",
        ]
        switch target {
        case .endpoint:
            fields[.acceptPost] = Self.sdp
            let mayHaveLinks = !isPreflight && !engine.configuration.iceServers.isEmpty
            if mayHaveLinks, await verdict(on: request, target).refusal == nil { fields[values: .link] = iceLinks }
        case .session: fields[.acceptPatch] = SDPFragment.mediaType
        case .events, .layer: fields[.acceptPost] = Self.json
        case .listener: break
        }
        return WHEPResponse(head: HTTPResponse(status: .ok, headerFields: fields))
    }

    // MARK: Parts of messages

    /// Made anew for each response, since credentials expire.
    private var iceLinks: [String] {
        let now = WallClock.microseconds() / 1_000_000
        return engine.configuration.iceServers.flatMap { $0.links(at: now) }
    }

    /// Of the extensions that a session has.
    static func links(_ location: String, _ answer: ViewerAnswer) -> [String] {
        let hasLadder = !answer.rids.isEmpty
        return [eventsLink(location, hasLadder: hasLadder)] + (hasLadder ? [layerLink(location)] : [])
    }

    static let sdp = "application/sdp"
    static let json = "application/json"
    /// The header fields that scripts of other origins may read (Fetch §3.2.2).
    private static let exposed = "Location, ETag, Link, Retry-After, Accept-Post, Accept-Patch, Allow, WWW-Authenticate"

    /// - Parameter field: tells the client which type is taken.
    func refusalOfType(_ request: WHEPRequest, _ what: String, _ type: String, told field: HTTPField.Name) -> WHEPResponse? {
        guard Self.mediaType(of: request) != type else { return nil }
        var response = refusal(WHEPProblem(.unsupportedMediaType, "the Content-Type of \(what) must be \(type)"))
        response.head.headerFields[field] = type
        return response
    }

    /// The media type without its parameters, in lower case (RFC 9110 §8.3.1).
    private static func mediaType(of request: WHEPRequest) -> String? {
        request.head.headerFields[.contentType]?.prefix { $0 != ";" }.trimmed.lowercased()
    }

    func path(of stream: String, _ session: String) -> String {
        "\(basePath)/\(WHEPTarget.encoded(stream))/\(session)"
    }

    /// Names a session by its viewer's id, as the engine and the operator's list do: anyone who knows the session's own id can end it.
    func metadata(_ stream: String, _ session: String?, _ request: WHEPRequest) -> Logger.Metadata {
        var metadata: Logger.Metadata = ["id": "\(stream)"]
        metadata["viewer"] = session.flatMap { engine.registry.session($0, of: stream) }.map { "\($0.viewerID)" }
        metadata["client"] = request.remoteAddress.map { "\($0)" }
        return metadata
    }
}
