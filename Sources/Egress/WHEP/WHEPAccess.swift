public import HTTPTypes
import Logging

/// What a request wants to do, for whoever decides whether it may.
///
/// It is made of the request alone: nothing is looked up before the decision, so that a refusal tells nothing about which streams and
/// sessions there are.
public struct WHEPAccess: Sendable, Hashable {
    /// The longest token that is passed on, in bytes; longer ones are refused (401).
    public static let tokenSizeMax = 8 * 1024

    public var stream: String
    /// `nil` on the stream's endpoint. Whoever knows a session's URL can end it: a secret, like ``token``.
    public var session: String?
    /// Never that of a browser's preflight, which needs no permission (WHEP, Bearer token authentication).
    public var method: HTTPRequest.Method
    /// ``WHEPRequest/bearerToken``. A secret: not for a log.
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

/// What was decided. The text of a refusal is told to the client; it says what to do, and no secrets.
public enum WHEPDecision: Sendable, Hashable {
    case allowed
    /// 401 with a challenge (RFC 6750 §3): there is no token, or it is not good. The client needs another one.
    case unauthenticated(String)
    /// 403: the token is good, but not for this stream.
    case forbidden(String)
    /// 503 with `Retry-After`: nobody could decide. The client comes back.
    case unavailable(String)
}

/// Decides about a request. Called for every one but preflights, at the same time from any task, before anything else is done with it;
/// it bounds its own time.
public typealias WHEPAuthorizer = @Sendable (WHEPAccess) async -> WHEPDecision

extension WHEPRequest {
    /// The token of `Authorization: Bearer` (RFC 6750 §2.1); `nil` without one, or with another scheme. A secret: not for a log.
    public var bearerToken: String? {
        guard let field = head.headerFields[.authorization]?[...].trimmed, let space = field.firstIndex(of: " ") else { return nil }
        // The name of a scheme has no case (RFC 9110 §11.1).
        guard field[..<space].lowercased() == "bearer" else { return nil }
        let token = field[space...].trimmed
        return token.isEmpty ? nil : token
    }
}

extension WHEPResponse {
    /// In seconds.
    private static let retryAfter = 5

    /// The refusal that a decision means, with the challenge of RFC 6750 §3; `nil` when it means none.
    /// - Parameter hadToken: Only who has sent a token is told what is wrong with it (RFC 6750 §3.1).
    public init?(refusing decision: WHEPDecision, hadToken: Bool) {
        var fields: HTTPFields = [.contentType: WHEPProblem.contentType, .cacheControl: "no-store"]
        let problem: WHEPProblem
        switch decision {
        case .allowed: return nil
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
    /// What the one who decides has against a request; `nil` when it may be served.
    func refusal(of request: WHEPRequest, _ target: WHEPTarget) async -> WHEPResponse? {
        guard let authorize else { return nil }
        let token = request.bearerToken
        let decision: WHEPDecision =
            if let token, token.utf8.count > WHEPAccess.tokenSizeMax {
                .unauthenticated("a token has at most \(WHEPAccess.tokenSizeMax) bytes")
            } else {
                await authorize(
                    WHEPAccess(
                        stream: target.stream, session: target.session, method: request.head.method, token: token,
                        remoteAddress: request.remoteAddress, userAgent: request.head.headerFields[.userAgent]))
            }
        guard let refusal = WHEPResponse(refusing: decision, hadToken: token != nil) else { return nil }
        var metadata = metadata(target.stream, target.session, request)
        metadata["status"] = "\(refusal.head.status.code)"
        logger.debug("Not permitted", metadata: metadata)
        return refusal
    }
}
