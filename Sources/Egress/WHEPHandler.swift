public import HTTPTypes
public import Logging

/// An HTTP request, whatever server it came through.
public struct WHEPRequest: Sendable {
    public var head: HTTPRequest
    /// At most a byte more than ``WHEPHandler/bodySizeMax``; what is longer is refused.
    public var body: [UInt8]
    /// For the log.
    public var remoteAddress: String?

    public init(head: HTTPRequest, body: [UInt8] = [], remoteAddress: String? = nil) {
        self.head = head
        self.body = body
        self.remoteAddress = remoteAddress
    }
}

public struct WHEPResponse: Sendable {
    public var head: HTTPResponse
    public var body: [UInt8]

    public init(head: HTTPResponse, body: [UInt8] = []) {
        self.head = head
        self.body = body
    }
}

/// WHEP (draft-ietf-wish-whep) for the streams of an engine: `POST {base}/{id}` with an offer makes a viewer, `DELETE` on the `Location` of the
/// response ends it. It knows no server, no TLS and no authorisation: whoever mounts it does.
public final class WHEPHandler: Sendable {
    /// The longest offer.
    public static let bodySizeMax = SDPOffer.Limits.sizeMax

    private let engine: EgressEngine
    private let basePath: String
    private let logger: Logger
    private let links: [String]

    /// Takes the engine's teardown hook for itself.
    public init(engine: EgressEngine, basePath: String = "/whep", logger: Logger) {
        self.engine = engine
        self.basePath = WHEPTarget.normalized(base: basePath)
        self.logger = logger
        links = engine.configuration.iceServers.flatMap(\.links)
        // The registry holds the hook, which must not hold the registry in turn. The sessions end here, for every later request; their viewers
        // get their goodbye from the engine right after, all in one turn of its loop instead of one turn each.
        engine.setTeardownHook { [weak registry = engine.registry] id in registry?.endSessions(ofStopped: id) }
    }

    public func handle(_ request: WHEPRequest) async -> WHEPResponse {
        var response = await route(request)
        response.head.headerFields[.accessControlAllowOrigin] = "*"
        response.head.headerFields[.accessControlExposeHeaders] = "Location, ETag, Link, Retry-After, Accept-Post"
        if request.head.method == .head { response.body = [] }
        return response
    }

    private func route(_ request: WHEPRequest) async -> WHEPResponse {
        guard let target = WHEPTarget(path: request.head.path ?? "", base: basePath) else {
            return refusal(WHEPProblem(.notFound, "there is nothing under this path"))
        }
        if request.head.method == .options { return options(request, target) }
        switch (target, request.head.method) {
        case (.endpoint(let stream), .post): return await post(request, stream)
        case (.endpoint(let stream), .get), (.endpoint(let stream), .head):
            return presence(engine.registry.stream(named: stream) != nil, request)
        case (.session(let stream, let session), .delete): return delete(stream, session)
        case (.session(let stream, let session), .get), (.session(let stream, let session), .head):
            return presence(engine.registry.hasSession(session, of: stream), request)
        default: return notAllowed(request, target)
        }
    }

    // MARK: Methods

    private func post(_ request: WHEPRequest, _ stream: String) async -> WHEPResponse {
        guard Self.isSDP(request.head.headerFields[.contentType]) else {
            var response = refusal(WHEPProblem(.unsupportedMediaType, "an offer is \(Self.sdp)"))
            response.head.headerFields[.acceptPost] = Self.sdp
            return response
        }
        guard request.body.count <= Self.bodySizeMax else {
            return refusal(WHEPProblem(.contentTooLarge, "an offer has at most \(Self.bodySizeMax) bytes"))
        }
        do throws(EgressError) {
            let answer = try await engine.addViewer(to: stream, offer: request.body)
            return created(answer, stream, request)
        } catch {
            return refusal(error, stream, request)
        }
    }

    private func created(_ answer: ViewerAnswer, _ stream: String, _ request: WHEPRequest) -> WHEPResponse {
        var fields: HTTPFields = [
            .contentType: Self.sdp,
            .location: "\(basePath)/\(WHEPTarget.encoded(stream))/\(answer.session)",
            .eTag: "\"\(answer.entityTag)\"",
        ]
        fields[values: .link] = links
        var metadata: Logger.Metadata = ["id": "\(stream)", "session": "\(answer.session)"]
        metadata["client"] = request.remoteAddress.map { "\($0)" }
        logger.debug("Viewer answered", metadata: metadata)
        return WHEPResponse(head: HTTPResponse(status: .created, headerFields: fields), body: Array(answer.sdp.utf8))
    }

    private func delete(_ stream: String, _ session: String) -> WHEPResponse {
        guard engine.closeViewer(session: session, of: stream) else {
            return refusal(WHEPProblem(.notFound, "there is no such session, or not any more"))
        }
        return WHEPResponse(head: HTTPResponse(status: .ok))
    }

    /// GET and HEAD tell whether there is something, and what it speaks.
    private func presence(_ isThere: Bool, _ request: WHEPRequest) -> WHEPResponse {
        guard isThere else { return refusal(WHEPProblem(.notFound, "there is no such stream or session, or not any more")) }
        guard request.head.method == .head else { return WHEPResponse(head: HTTPResponse(status: .noContent)) }
        return WHEPResponse(head: HTTPResponse(status: .ok, headerFields: [.contentType: Self.sdp]))
    }

    /// For a browser's preflight, and for clients that ask what there is. Only the latter get the ICE servers.
    private func options(_ request: WHEPRequest, _ target: WHEPTarget) -> WHEPResponse {
        let isPreflight = request.head.headerFields[.accessControlRequestMethod] != nil
        let methods = target.methods.joined(separator: ", ")
        var fields: HTTPFields = [
            .allow: methods,
            .accessControlAllowMethods: methods,
            .accessControlAllowHeaders: "Authorization, Content-Type, If-Match",
            .accessControlMaxAge: "86400",
        ]
        if case .endpoint = target {
            fields[.acceptPost] = Self.sdp
            if !isPreflight { fields[values: .link] = links }
        }
        return WHEPResponse(head: HTTPResponse(status: isPreflight ? .noContent : .ok, headerFields: fields))
    }

    private func notAllowed(_ request: WHEPRequest, _ target: WHEPTarget) -> WHEPResponse {
        var response = refusal(WHEPProblem(.methodNotAllowed, "\(request.head.method.rawValue) is not served here"))
        response.head.headerFields[.allow] = target.methods.joined(separator: ", ")
        return response
    }

    // MARK: Refusals

    private func refusal(_ error: EgressError, _ stream: String, _ request: WHEPRequest) -> WHEPResponse {
        var metadata: Logger.Metadata = ["id": "\(stream)", "status": "\(error.status.code)"]
        metadata["client"] = request.remoteAddress.map { "\($0)" }
        logger.info("Viewer refused: \(error.message)", metadata: metadata)
        var response = refusal(WHEPProblem(error.status, error.message))
        response.head.headerFields[.retryAfter] = error.retryAfter.map(String.init)
        return response
    }

    private func refusal(_ problem: WHEPProblem) -> WHEPResponse {
        WHEPResponse(
            head: HTTPResponse(status: .init(code: problem.status), headerFields: [.contentType: WHEPProblem.contentType]),
            body: problem.body)
    }

    private static let sdp = "application/sdp"

    /// Parameters may follow; case doesn't matter (RFC 9110 §8.3.1).
    private static func isSDP(_ contentType: String?) -> Bool {
        contentType?.prefix { $0 != ";" }.trimmed.lowercased() == sdp
    }
}

extension WHEPTarget {
    fileprivate var methods: [String] {
        switch self {
        case .endpoint: ["GET", "HEAD", "POST", "OPTIONS"]
        case .session: ["GET", "HEAD", "DELETE", "OPTIONS"]
        }
    }
}

extension HTTPField.Name {
    fileprivate static let acceptPost = HTTPField.Name("Accept-Post")!
    fileprivate static let link = HTTPField.Name("Link")!
}
