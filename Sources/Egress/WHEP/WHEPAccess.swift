public import HTTPTypes
import Logging

/// What a request wants to do, for the ``WHEPAuthorizer`` that decides whether it may.
///
/// It is made from the request alone: nothing is looked up before the decision, so that a refusal does not reveal which streams and
/// sessions exist.
public struct WHEPAccess: Sendable, Hashable {
    /// The longest token that is passed on, in bytes. A longer token is refused (401).
    public static let tokenSizeMax = 8 * 1024

    public var stream: String
    /// `nil` on the stream's endpoint. Keep it secret, like ``token``: anyone who knows a session's URL can end the session.
    public var session: String?
    /// Never the method of a browser's preflight, which needs no permission (WHEP, Bearer token authentication).
    public var method: HTTPRequest.Method
    /// ``WHEPRequest/bearerToken``. It is a secret: don't log it.
    public var token: String?
    /// ``WHEPRequest/remoteAddress``.
    public var remoteAddress: String?
    public var userAgent: String?

    public init(
        stream: String, session: String? = nil, method: HTTPRequest.Method, token: String? = nil, remoteAddress: String? = nil,
        userAgent: String? = nil
    ) {
        self.stream = stream
        self.session = session
        self.method = method
        self.token = token
        self.remoteAddress = remoteAddress
        self.userAgent = userAgent
    }
}

/// The decision about a request. The client is told the text of a refusal, so write what to do there, and no secrets.
public enum WHEPDecision: Sendable, Hashable {
    case allowed
    /// Allowed, with pictures of at most so many bit/s. It counts where the request makes a viewer, and where that can be switched among several
    /// encodings of the stream: it gets none above, unless it is the lowest.
    case allowedUpTo(bitRate: Int)
    /// 401 with a challenge (RFC 6750 §3): the request has no token, or an invalid one. The client needs another token.
    case unauthenticated(String)
    /// 403: the token is valid, but not for this stream.
    case forbidden(String)
    /// 503 with `Retry-After`: no decision was possible. The client should come again.
    case unavailable(String)
}

/// Decides about a request. It is called for every request but preflights, before anything else is done with the request, from any task and
/// for several requests at the same time. It has to limit its own time.
public typealias WHEPAuthorizer = @Sendable (WHEPAccess) async -> WHEPDecision

extension WHEPRequest {
    /// The token of `Authorization: Bearer` (RFC 6750 §2.1); `nil` without one, or with another scheme. It is a secret: don't log it.
    public var bearerToken: String? {
        guard let field = head.headerFields[.authorization]?[...].trimmed, let space = field.firstIndex(of: " ") else { return nil }
        // The case of a scheme's name does not matter (RFC 9110 §11.1).
        guard field[..<space].lowercased() == "bearer" else { return nil }
        let token = field[space...].trimmed
        return token.isEmpty ? nil : token
    }
}

extension WHEPResponse {
    /// For `Retry-After`, in seconds.
    private static let retryAfter = 5

    /// The refusal that a decision means, with the challenge of RFC 6750 §3; `nil` when it means none.
    /// - Parameter hadToken: whether the client sent a token; only then is it told that the token is wrong (RFC 6750 §3.1).
    public init?(refusing decision: WHEPDecision, hadToken: Bool) {
        var fields: HTTPFields = [.contentType: WHEPProblem.contentType, .cacheControl: "no-store"]
        let problem: WHEPProblem
        switch decision {
        case .allowed, .allowedUpTo: return nil
        case .unauthenticated(let reason):
            problem = WHEPProblem(.unauthorized, reason)
            fields[.wwwAuthenticate] = Self.challenge(hadToken ? "invalid_token" : nil)
        case .forbidden(let reason):
            problem = WHEPProblem(.forbidden, reason)
            if hadToken { fields[.wwwAuthenticate] = Self.challenge("insufficient_scope") }
        case .unavailable(let reason):
            problem = WHEPProblem(.serviceUnavailable, reason)
            fields[.retryAfter] = String(Self.retryAfter)
        }
        self.init(head: HTTPResponse(status: .init(code: problem.status), headerFields: fields), body: problem.body)
    }

    private static func challenge(_ error: String?) -> String {
        "Bearer realm=\"egress\"" + (error.map { ", error=\"\($0)\"" } ?? "")
    }
}

extension WHEPHandler {
    /// What the authorizer has said of a request.
    struct Verdict {
        /// `nil`: the request may be served.
        var refusal: WHEPResponse?
        /// In bit/s, of a viewer that the request makes; `nil`: no bound.
        var bitRateMax: Int?
    }

    func verdict(on request: WHEPRequest, _ target: WHEPTarget) async -> Verdict {
        guard let authorize else { return Verdict() }
        let token = request.bearerToken
        let decision: WHEPDecision =
            if let token, token.utf8.count > WHEPAccess.tokenSizeMax {
                .unauthenticated("the token is too long: at most \(WHEPAccess.tokenSizeMax) bytes are allowed")
            } else {
                await authorize(
                    WHEPAccess(
                        stream: target.stream, session: target.session, method: request.head.method, token: token,
                        remoteAddress: request.remoteAddress, userAgent: request.head.headerFields[.userAgent]))
            }
        guard let refusal = WHEPResponse(refusing: decision, hadToken: token != nil) else {
            guard case .allowedUpTo(let bitRate) = decision else { return Verdict() }
            return Verdict(bitRateMax: max(bitRate, 1))
        }
        var metadata = metadata(target.stream, target.session, request)
        metadata["status"] = "\(refusal.head.status.code)"
        logger.debug("Request not permitted", metadata: metadata)
        return Verdict(refusal: refusal)
    }
}
