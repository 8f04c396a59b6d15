#if Server
internal import Egress
internal import FoundationEssentials
internal import JWTKit

/// How JSON Web Tokens are checked, as "auth.jwt" configures it.
struct JWTSettings: Sendable {
    struct Key: Sendable {
        enum Material: Sendable {
            case hs256(secret: String)
            case es256(ES256PublicKey)
        }

        /// The key's `kid`; nil: tokens with any `kid` are tried with this key too.
        var id: String?
        var material: Material

        var algorithm: String {
            switch material {
            case .hs256: "HS256"
            case .es256: "ES256"
            }
        }
    }

    /// A secret is at least as long as the hash (RFC 7518 §3.2).
    static let secretSizeMin = 32

    var keys: [Key]
    /// The issuer that tokens have to name; nil: any holder of a key may issue tokens.
    var issuer: String?
    /// The audience that tokens have to name; nil: a token that names any audience is refused (RFC 7519 §4.1.3).
    var audience: String?
}

/// Checks JSON Web Tokens (RFC 7519): HS256 and ES256, `exp` required, `nbf`, `iss` and `aud` as configured, and `egress:streams`, the ids of
/// the streams that its bearer may watch, as a list or a single text; "*" is every stream. `max_bit_rate`, in bit/s, bounds what its bearer gets of
/// a stream that has several encodings.
///
/// A token is checked when a viewer sends a request. A viewer that is watching keeps watching when the token expires.
struct JWTVerifier: Sendable {
    /// Clocks of issuer and server differ a little.
    static let leewaySeconds = 30.0

    private struct Key: Sendable {
        let id: String?
        let algorithm: String
        let collection: JWTKeyCollection
    }

    private let keys: [Key]
    private let issuer: String?
    private let audience: String?
    private let now: @Sendable () -> Double

    /// - Parameter now: Seconds since 1970.
    init(_ settings: JWTSettings, now: @escaping @Sendable () -> Double = { Date().timeIntervalSince1970 }) async {
        var keys: [Key] = []
        for key in settings.keys {
            // Each key has a collection of its own, so that a token is never tried with a key that it does not name.
            let collection = JWTKeyCollection()
            switch key.material {
            case .hs256(let secret): await collection.add(hmac: HMACKey(from: secret), digestAlgorithm: .sha256)
            case .es256(let publicKey): await collection.add(ecdsa: publicKey)
            }
            keys.append(Key(id: key.id, algorithm: key.algorithm, collection: collection))
        }
        self.keys = keys
        issuer = settings.issuer
        audience = settings.audience
        self.now = now
    }

    func decision(for token: String, on stream: String) async -> WHEPDecision {
        guard let header = try? DefaultJWTParser().parse(Array(token.utf8), as: Claims.self).header, let algorithm = header.alg else {
            return .unauthenticated("the token is not known, and is not a readable JSON Web Token")
        }
        // The algorithm is the key's, never the token's (RFC 8725 §3.1). A token with extensions that are not understood has to be
        // refused (RFC 7515 §4.1.11).
        let candidates = keys.filter { $0.algorithm == algorithm && ($0.id == nil || header.kid == nil || $0.id == header.kid) }
        guard !candidates.isEmpty, header.fields["crit"] == nil else {
            return .unauthenticated("no key is configured for the algorithm and key that the token names")
        }
        for key in candidates {
            if let claims = try? await key.collection.verify(token, as: Claims.self) { return decision(claims, stream) }
        }
        return .unauthenticated("the signature of the token is wrong")
    }

    private func decision(_ claims: Claims, _ stream: String) -> WHEPDecision {
        let now = now()
        guard let expiry = claims.expiry else { return .unauthenticated("the token has no exp") }
        guard now < expiry + Self.leewaySeconds else { return .unauthenticated("the token has expired") }
        if let begin = claims.notBefore, now < begin - Self.leewaySeconds { return .unauthenticated("the token is not valid yet") }
        if let issuer, claims.issuer != issuer { return .unauthenticated("the token is of another issuer") }
        guard isAudience(claims.audience) else { return .unauthenticated("the token is for another audience") }
        let permission = claims.hasBound ? WHEPDecision.allowed(within: claims.bitRateMax) : .allowed
        guard let permission else {
            return .unauthenticated("the token's \(WHEPDecision.boundName) is not a number of bit/s, at least 1")
        }
        let streams = claims.streams?.values ?? []
        guard streams.contains("*") || streams.contains(stream) else { return .forbidden("the token is not for this stream") }
        return permission
    }

    private func isAudience(_ claimed: OneOrMore?) -> Bool {
        guard let audience else { return claimed == nil }
        return claimed?.values.contains(audience) == true
    }

    /// The claims are only decoded here. What they mean is decided above, in one place and by a clock that is handed in.
    private struct Claims: JWTPayload {
        var expiry: Double?
        var notBefore: Double?
        var issuer: String?
        var audience: OneOrMore?
        var streams: OneOrMore?
        /// nil although it has the bound: that is not a number.
        var bitRateMax: Double?
        var hasBound = false

        init(from decoder: any Decoder) throws {
            let values = try decoder.container(keyedBy: CodingKeys.self)
            expiry = try values.decodeIfPresent(Double.self, forKey: .expiry)
            notBefore = try values.decodeIfPresent(Double.self, forKey: .notBefore)
            issuer = try values.decodeIfPresent(String.self, forKey: .issuer)
            audience = try values.decodeIfPresent(OneOrMore.self, forKey: .audience)
            streams = try values.decodeIfPresent(OneOrMore.self, forKey: .streams)
            // The token is refused with a reason of its own, not as one that can't be read.
            hasBound = values.contains(.bitRateMax)
            bitRateMax = try? values.decode(Double.self, forKey: .bitRateMax)
        }

        func verify(using algorithm: some JWTAlgorithm) {}

        private enum CodingKeys: String, CodingKey {
            case expiry = "exp"
            case notBefore = "nbf"
            case issuer = "iss"
            case audience = "aud"
            case streams = "egress:streams"
            case bitRateMax = "max_bit_rate"
        }
    }

    /// A string or a list of strings (RFC 7519 §4.1.3).
    private struct OneOrMore: Codable, Sendable, Hashable {
        var values: [String]

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            values = if let one = try? container.decode(String.self) { [one] } else { try container.decode([String].self) }
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            try container.encode(values)
        }
    }
}
#endif
