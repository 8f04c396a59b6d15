#if Server
internal import Egress
internal import FoundationEssentials
internal import JWTKit

/// The blocks "auth" and "api" of the configuration: who may watch, and who may use the API.
struct AccessConfiguration: Sendable {
    enum Viewers: Sendable {
        /// The configuration does not say who may watch, which is allowed on loopback only.
        case unspecified
        /// The configuration says that everyone may watch.
        case everybody
        case tokens(StreamTokens, JWTSettings?)
        case hook(HookSettings)
    }

    var viewers = Viewers.unspecified
    /// nil: the API answers only clients on this machine.
    var operators: TokenSet?

    static let noneWord = "none"
    private static let authFields: Set<String> = ["token", "streams", "jwt", "hook"]

    mutating func readViewers(_ fields: JSONFields) throws(ConfigurationError) {
        guard let value = fields.values["auth"] else { return }
        if value == .string(Self.noneWord) {
            viewers = .everybody
            return
        }
        guard case .object = value else { throw fields.failure("auth", "expected an object or \"\(Self.noneWord)\", found \(value.kind)") }
        let auth = try JSONFields(value, source: fields.source, path: fields.field("auth"), known: Self.authFields)
        if let hook = auth.values["hook"] {
            guard auth.values.count == 1 else { throw auth.failure("hook", "excludes token, streams and jwt: remove it or them") }
            viewers = .hook(try HookSettings(json: hook, source: auth.source, path: auth.field("hook")))
            return
        }
        var tokens = StreamTokens(everywhere: TokenSet(try auth.tokens("token") ?? []))
        if let block = auth.values["streams"] { tokens.ofStream = try Self.tokensOfStreams(block, auth) }
        let jwt = try auth.values["jwt"].map { value throws(ConfigurationError) in
            try JWTSettings(json: value, source: auth.source, path: auth.field("jwt"))
        }
        guard !tokens.isEmpty || jwt != nil else {
            throw fields.failure("auth", "names nobody who may watch: add tokens, or write \"\(Self.noneWord)\" to let everyone watch")
        }
        viewers = .tokens(tokens, jwt)
    }

    mutating func readOperators(_ fields: JSONFields) throws(ConfigurationError) {
        guard let value = fields.values["api"] else { return }
        let api = try JSONFields(value, source: fields.source, path: fields.field("api"), known: ["token"])
        operators = try api.tokens("token").map(TokenSet.init)
    }

    private static func tokensOfStreams(_ block: JSONValue, _ auth: JSONFields) throws(ConfigurationError) -> [String: TokenSet] {
        guard case .object(let entries) = block else { throw auth.failure("streams", "expected an object, found \(block.kind)") }
        let path = auth.field("streams")
        let streams = try JSONFields(block, source: auth.source, path: path, known: Set(entries.keys))
        var tokens: [String: TokenSet] = [:]
        for id in streams.values.keys.sorted() {
            if let problem = StreamID.problem(with: id) { throw streams.failure(id, problem) }
            tokens[id] = TokenSet(try streams.tokens(id) ?? [])
        }
        return tokens
    }
}

extension JSONFields {
    /// A token, or a list of tokens, any of which is valid.
    func tokens(_ key: String) throws(ConfigurationError) -> [String]? {
        let tokens: [String]?
        switch values[key] {
        case .string(let text)?: tokens = [text]
        case nil, .array?: tokens = try strings(key)
        case let other?: throw failure(key, "expected text or a list of texts, found \(other.kind)")
        }
        guard let tokens else { return nil }
        guard !tokens.isEmpty else { throw failure(key, "has no token") }
        for token in tokens {
            if let problem = BearerToken.problem(with: token) { throw failure(key, problem) }
        }
        return tokens
    }

    func seconds(_ key: String, in range: ClosedRange<Double>) throws(ConfigurationError) -> Duration? {
        switch values[key] {
        case nil: return nil
        case .number(let value)?:
            guard range.contains(value) else { throw failure(key, "\(value) is not within \(range.lowerBound)..\(range.upperBound)") }
            return Duration(outsideSeconds: value)
        case let other?: throw failure(key, "expected a number, found \(other.kind)")
        }
    }

    fileprivate func text(_ key: String) throws(ConfigurationError) -> String {
        guard let text = try string(key), !text.isEmpty else { throw failure(key, "is missing") }
        return text
    }
}

extension HookSettings {
    init(json: JSONValue, source: String, path: String) throws(ConfigurationError) {
        let fields = try JSONFields(json, source: source, path: path, known: ["url", "timeout_seconds", "cache_seconds"])
        url = try fields.text("url")
        guard let parsed = URL(string: url), ["http", "https"].contains(parsed.scheme?.lowercased()), parsed.host?.isEmpty == false else {
            throw fields.failure("url", "expected an http or https URL")
        }
        timeout = try fields.seconds("timeout_seconds", in: Self.timeoutSeconds) ?? .seconds(3)
        cacheTime = try fields.seconds("cache_seconds", in: Self.cacheSeconds) ?? .zero
    }
}

extension JWTSettings {
    init(json: JSONValue, source: String, path: String) throws(ConfigurationError) {
        let fields = try JSONFields(json, source: source, path: path, known: ["keys", "issuer", "audience"])
        guard case .array(let list)? = fields.values["keys"], !list.isEmpty else { throw fields.failure("keys", "expected a list of keys") }
        keys = []
        for (index, entry) in list.enumerated() {
            keys.append(try Key(json: entry, source: source, path: fields.field("keys[\(index)]")))
        }
        issuer = try fields.string("issuer")
        audience = try fields.string("audience")
    }
}

extension JWTSettings.Key {
    init(json: JSONValue, source: String, path: String) throws(ConfigurationError) {
        let known: Set<String> = ["algorithm", "key_id", "secret", "secret_file", "public_key", "public_key_file"]
        let fields = try JSONFields(json, source: source, path: path, known: known)
        id = try fields.string("key_id")
        switch try fields.text("algorithm") {
        case "HS256":
            let secret = try Self.material("secret", fields, not: "public_key")
            guard secret.utf8.count >= JWTSettings.secretSizeMin else {
                throw fields.failure("secret", "must have at least \(JWTSettings.secretSizeMin) bytes (RFC 7518 §3.2)")
            }
            material = .hs256(secret: secret)
        case "ES256":
            guard let key = try? ES256PublicKey(pem: try Self.material("public_key", fields, not: "secret")) else {
                throw fields.failure("public_key", "is not a P-256 public key in PEM")
            }
            material = .es256(key)
        // The algorithm is named, since some are missing here on purpose and nobody should look for a typing error.
        case let other: throw fields.failure("algorithm", "expected HS256 or ES256, found \"\(other)\"")
        }
    }

    /// Reads a key that is written in the configuration or in a file of its own.
    private static func material(_ name: String, _ fields: JSONFields, not other: String) throws(ConfigurationError) -> String {
        for stranger in [other, "\(other)_file"] where fields.values[stranger] != nil {
            throw fields.failure(stranger, "is not for this algorithm: use \(name) or \(name)_file")
        }
        switch (try fields.string(name), try fields.string("\(name)_file")) {
        case (let text?, nil): return text
        case (nil, let path?):
            var text = String(decoding: try ConfigurationFile.read(path), as: UTF8.self)
            // A line end that an editor left is not part of the secret.
            while text.last?.isNewline == true { text.removeLast() }
            return text
        case (nil, nil): throw fields.failure(name, "is missing")
        case (_?, _?): throw fields.failure(name, "is also given as \(name)_file: remove one of them")
        }
    }
}
#endif
