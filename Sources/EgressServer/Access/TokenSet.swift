#if Server
internal import Crypto
internal import Egress

/// The bearer tokens that are valid. Any of them is: while a new token replaces an old one, both are.
///
/// They are kept and compared as their SHA-256. So everything that is compared has the same length, and a client can't choose it byte by byte:
/// the time a comparison takes says nothing about how much of a guess was right. In addition, the library compares digests in constant time.
struct TokenSet: Sendable, Hashable {
    private let digests: [SHA256.Digest]

    init(_ tokens: [String]) { digests = tokens.map(Self.digest) }

    var isEmpty: Bool { digests.isEmpty }

    func contains(_ token: String) -> Bool { contains(Self.digest(of: token)) }

    func contains(_ digest: SHA256.Digest) -> Bool {
        // The loop always runs to its end, so that the time does not show which token it was.
        digests.reduce(false) { found, each in (each == digest) || found }
    }

    static func digest(of token: String) -> SHA256.Digest { SHA256.hash(data: Array(token.utf8)) }
}

/// The tokens of "auth": for every stream, and for single ones.
struct StreamTokens: Sendable, Hashable {
    var everywhere = TokenSet([])
    var ofStream: [String: TokenSet] = [:]

    var isEmpty: Bool { everywhere.isEmpty && ofStream.isEmpty }

    /// nil: the token is none of these.
    func decision(for token: String, on stream: String) -> WHEPDecision? {
        let digest = TokenSet.digest(of: token)
        if everywhere.contains(digest) || ofStream[stream]?.contains(digest) == true { return .allowed }
        let isOfAnother = ofStream.values.reduce(false) { found, tokens in tokens.contains(digest) || found }
        return isOfAnother ? .forbidden("the token is not for this stream") : nil
    }
}
#endif
