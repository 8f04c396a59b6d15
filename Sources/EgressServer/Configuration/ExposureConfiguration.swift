#if Server
internal import Egress

/// How the server is exposed: TLS, proxies in front of it, and a check that it is not open by oversight.
extension ServerConfiguration {
    mutating func readExposure(_ fields: JSONFields) throws(ConfigurationError) {
        if let value = fields.values["tls"] {
            let files = try JSONFields(value, source: fields.source, path: fields.field("tls"), known: ["certificate", "key"])
            guard let certificate = try files.string("certificate") else { throw files.failure("certificate", "is missing") }
            guard let key = try files.string("key") else { throw files.failure("key", "is missing") }
            tls = TLSFiles(certificate: certificate, key: key)
        }
        if let texts = try fields.strings("trusted_proxies") {
            trustedProxies = try Self.proxies(texts) { index, problem in fields.failure("trusted_proxies[\(index)]", problem) }
        }
        if let text = try fields.string("base_path") {
            basePath = try Self.basePath(text) { fields.failure("base_path", $0) }
        }
    }

    mutating func applyExposure(_ flags: ServerFlags) throws(ConfigurationError) {
        if flags.isOpenToEverybody {
            guard flags.tokenFile == nil else {
                throw ConfigurationError(source: "--no-auth", field: nil, problem: "contradicts --token-file: remove one of them")
            }
            access.viewers = .everybody
        }
        if let path = flags.tokenFile {
            access.viewers = .tokens(StreamTokens(everywhere: TokenSet(try ConfigurationFile.tokens(in: path))), nil)
        }
        if let path = flags.apiTokenFile { access.operators = TokenSet(try ConfigurationFile.tokens(in: path)) }
        switch (flags.tlsCertificate, flags.tlsKey) {
        case (nil, nil): break
        case (let certificate?, let key?): tls = TLSFiles(certificate: certificate, key: key)
        case (_?, nil): throw ConfigurationError(source: "--tls-certificate", field: nil, problem: "needs --tls-key")
        case (nil, _?): throw ConfigurationError(source: "--tls-key", field: nil, problem: "needs --tls-certificate")
        }
        if !flags.trustedProxies.isEmpty {
            trustedProxies = try Self.proxies(flags.trustedProxies) { _, problem in
                ConfigurationError(source: "--trusted-proxy", field: nil, problem: problem)
            }
        }
        if let text = flags.basePath {
            basePath = try Self.basePath(text) { ConfigurationError(source: "--base-path", field: nil, problem: $0) }
        }
    }

    /// A server that other machines can reach is open only when the configuration says so, never by oversight.
    func checkExposure() throws(ConfigurationError) {
        guard case .unspecified = access.viewers, !http.isLoopback else { return }
        throw ConfigurationError(
            source: "auth", field: nil,
            problem: """
                is missing, and other machines can reach HTTP at \(http). Say who may watch: "auth" in the --config file \
                ("token", "streams", "jwt" or "hook"), or --token-file FILE. To let everyone watch: "auth": "none", or --no-auth
                """)
    }

    /// What an operator should know about what is open; empty when everything needs a token.
    var accessNotes: [String] {
        var notes: [String] = []
        switch access.viewers {
        case .unspecified:
            notes.append(
                """
                Authentication is off: everyone who can reach \(http) may watch every stream. That is this machine, and all clients that a proxy \
                on it lets through. To change that, set "auth" in the configuration, or use --token-file
                """)
        case .everybody: notes.append("Authentication is off, as configured: everyone may watch every stream")
        case .tokens, .hook: break
        }
        if access.operators == nil {
            notes.append("api.token is not configured: the API and the metrics need no token and answer only clients on this machine")
        }
        return notes
    }

    private static func proxies(
        _ texts: [String], _ failure: (Int, String) -> ConfigurationError
    ) throws(ConfigurationError) -> TrustedProxies {
        var proxies = TrustedProxies()
        for (index, text) in texts.enumerated() {
            guard let range = AddressRange(text) else {
                throw failure(index, "expected an address or a range such as 10.0.0.0/8 or fd00::/8, found \"\(text)\"")
            }
            proxies.ranges.append(range)
        }
        return proxies
    }

    private static func basePath(_ text: String, _ failure: (String) -> ConfigurationError) throws(ConfigurationError) -> BasePath {
        do throws(BasePath.Problem) {
            return try BasePath(text)
        } catch {
            throw failure(error.text)
        }
    }
}
#endif
