#if Server
internal import Egress
internal import FoundationEssentials
internal import JWTKit

/// How JSON Web Tokens are judged, as "auth.jwt" says it.
struct JWTSettings: Sendable {
    struct Key: Sendable {
        enum Material: Sendable {
            case hs256(secret: String)
            case es256(ES256PublicKey)
        }

        /// `kid`; nil: tokens that name any key are tried with this one too.
        var id: String?
        var material: Material

        var algorithm: String {
            switch material {
            case .hs256: "HS256"
            case .es256: "ES256"
            }
        }
    }

    /// RFC 7518 §3.2: as long as the hash.
    static let secretSizeMin = 32

    var keys: [Key]
    /// nil: whoever has a key may issue.
    var issuer: String?
    /// nil: a token that names an audience is for somebody else (RFC 7519 §4.1.3).
    var audience: String?
}

/// Judges JSON Web Tokens (RFC 7519): HS256 and ES256, `exp` required, `nbf`, `iss` and `aud` as configured, and `egress:streams`, the ids of
/// the streams that its bearer may watch, as a list or a single text; "*" is every stream.
///
/// It decides when a viewer comes and does something: who is watching goes on watching when the token expires.
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
            // A collection for each: a token is never tried with a key that it does not name.
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
            return .unauthenticated("the token is not known, and no JSON Web Token that can be read")
        }
        // The algorithm is the key's, never the token's (RFC 8725 §3.1). Extensions that are not understood must not be passed over
        // (RFC 7515 §4.1.11).
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
        let streams = claims.streams?.values ?? []
        guard streams.contains("*") || streams.contains(stream) else { return .forbidden("the token is not for this stream") }
        return .allowed
    }

    private func isAudience(_ claimed: OneOrMore?) -> Bool {
        guard let audience else { return claimed == nil }
        return claimed?.values.contains(audience) == true
    }

    /// What they mean is judged above, in one place and by a clock that is handed in.
    private struct Claims: JWTPayload {
        var expiry: Double?
        var notBefore: Double?
        var issuer: String?
        var audience: OneOrMore?
        var streams: OneOrMore?

        func verify(using algorithm: some JWTAlgorithm) {}

        private enum CodingKeys: String, CodingKey {
            case expiry = "exp"
            case notBefore = "nbf"
            case issuer = "iss"
            case audience = "aud"
            case streams = "egress:streams"
        }
    }

    /// A text, or a list of texts (RFC 7519 §4.1.3).
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
