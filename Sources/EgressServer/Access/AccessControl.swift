#if Server
internal import Egress
internal import HTTPTypes
internal import Logging

/// Who may do what at this server.
struct AccessControl: Sendable {
    enum Viewers: Sendable {
        /// Everybody may watch everything.
        case open
        case tokens(StreamTokens, JWTVerifier?)
        case hook(AuthorizationHook)
    }

    var viewers = Viewers.open
    /// The tokens of the API; nil: it answers only clients on this machine.
    var operators: TokenSet?

    init() {}

    /// Its ``hook`` has to be run or shut down.
    init(_ configuration: AccessConfiguration, logger: Logger) async {
        operators = configuration.operators
        switch configuration.viewers {
        case .unspecified, .everybody: viewers = .open
        case .hook(let settings): viewers = .hook(AuthorizationHook(settings, logger: logger))
        case .tokens(let tokens, nil): viewers = .tokens(tokens, nil)
        case .tokens(let tokens, let settings?): viewers = .tokens(tokens, await JWTVerifier(settings))
        }
    }

    /// Everybody who may watch everything may know what there is.
    var listIsPublic: Bool {
        if case .open = viewers { true } else { false }
    }

    var hook: AuthorizationHook? {
        if case .hook(let hook) = viewers { hook } else { nil }
    }

    func mayWatch(_ access: WHEPAccess) async -> WHEPDecision {
        // Who may stop a stream may watch it.
        if let token = access.token, operators?.contains(token) == true { return .allowed }
        switch viewers {
        case .open: return .allowed
        case .hook(let hook): return await hook.decision(for: access)
        case .tokens(let tokens, let verifier):
            guard let token = access.token else { return .unauthenticated("a token is needed") }
            if let decision = tokens.decision(for: token, on: access.stream) { return decision }
            return await verifier?.decision(for: token, on: access.stream) ?? .unauthenticated("the token is not known")
        }
    }

    /// About the API and the metrics.
    func mayOperate(_ request: ServerRequest) -> WHEPDecision {
        guard let operators else {
            return isLocal(request)
                ? .allowed : .forbidden("only clients on this machine get an answer here, until the server is configured with api.token")
        }
        guard let token = request.bearerToken else { return .unauthenticated("the API needs its token") }
        return operators.contains(token) ? .allowed : .unauthenticated("that is not a token of the API")
    }

    /// Whether a client on this machine asks for itself. What comes from this machine may be asked by somebody else: a proxy forwards, and a
    /// browser does what pages of others tell it, under a name that they let point here.
    private func isLocal(_ request: ServerRequest) -> Bool {
        let fields = request.head.headerFields
        guard request.remoteAddress.flatMap(NumericAddress.init)?.isLoopback == true else { return false }
        guard !fields.contains(.xForwardedFor), !fields.contains(.forwarded) else { return false }
        return [request.head.authority, fields[.origin]].allSatisfy { $0.map(Self.isLoopback) ?? true }
    }

    /// "localhost:8080", "http://[::1]:8080".
    private static func isLoopback(_ origin: String) -> Bool {
        let authority = origin.firstRange(of: "://").map { origin[$0.upperBound...] } ?? origin[...]
        let host = authority.hasPrefix("[") ? authority.dropFirst().prefix { $0 != "]" } : authority.prefix { $0 != ":" }
        return host == "localhost" || NumericAddress(host)?.isLoopback == true
    }
}

extension HTTPField.Name {
    static let forwarded = HTTPField.Name("Forwarded")!
    static let xForwardedFor = HTTPField.Name("X-Forwarded-For")!
}
#endif
