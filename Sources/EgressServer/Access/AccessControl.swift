#if Server
internal import Egress
internal import HTTPTypes
internal import Logging

/// Decides who may do what at this server.
struct AccessControl: Sendable {
    enum Viewers: Sendable {
        /// Everyone may watch everything.
        case open
        case tokens(StreamTokens, JWTVerifier?)
        case hook(AuthorizationHook)
    }

    var viewers = Viewers.open
    /// The tokens of the API; nil: the API answers only clients on this machine.
    var operators: TokenSet?

    init() {}

    /// The ``hook`` has to be run or shut down.
    init(_ configuration: AccessConfiguration, logger: Logger) async {
        operators = configuration.operators
        switch configuration.viewers {
        case .unspecified, .everybody: viewers = .open
        case .hook(let settings): viewers = .hook(AuthorizationHook(settings, logger: logger))
        case .tokens(let tokens, nil): viewers = .tokens(tokens, nil)
        case .tokens(let tokens, let settings?): viewers = .tokens(tokens, await JWTVerifier(settings))
        }
    }

    /// Where everyone may watch everything, everyone may see the list of streams.
    var listIsPublic: Bool {
        if case .open = viewers { true } else { false }
    }

    var hook: AuthorizationHook? {
        if case .hook(let hook) = viewers { hook } else { nil }
    }

    func mayWatch(_ access: WHEPAccess) async -> WHEPDecision {
        // A client that may stop a stream may watch it.
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

    /// The decision about a request to the API or the metrics.
    func mayOperate(_ request: ServerRequest) -> WHEPDecision {
        guard let operators else {
            return isLocal(request)
                ? .allowed : .forbidden("only clients on this machine may use this until the server is configured with api.token")
        }
        guard let token = request.bearerToken else { return .unauthenticated("the API needs its token") }
        return operators.contains(token) ? .allowed : .unauthenticated("that is not a token of the API")
    }

    /// Whether a client on this machine asks for itself. A request that comes from this machine may be somebody else's: a proxy forwards requests,
    /// and a browser sends what pages of others tell it to, under a name that they let point here.
    private func isLocal(_ request: ServerRequest) -> Bool {
        let fields = request.head.headerFields
        guard request.remoteAddress.flatMap(NumericAddress.init)?.isLoopback == true else { return false }
        guard !fields.contains(.xForwardedFor), !fields.contains(.forwarded) else { return false }
        return [request.head.authority, fields[.origin]].allSatisfy { $0.map(Self.isLoopback) ?? true }
    }

    /// Whether the authority or origin is this machine, for example "localhost:8080" or "http://[::1]:8080".
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
