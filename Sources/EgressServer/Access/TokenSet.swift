#if Server
internal import Crypto
internal import Egress

/// Bearer tokens that are good, any of them: while one replaces another, both are.
///
/// They are kept and compared as their SHA-256. All that is compared has one length then, and is nothing that a client can choose byte by
/// byte: the time it takes says nothing about how much of a guess was right. The library's comparison of digests is constant-time besides.
struct TokenSet: Sendable, Hashable {
    private let digests: [SHA256.Digest]

    init(_ tokens: [String]) { digests = tokens.map(Self.digest) }

    var isEmpty: Bool { digests.isEmpty }

    func contains(_ token: String) -> Bool { contains(Self.digest(of: token)) }

    func contains(_ digest: SHA256.Digest) -> Bool {
        // Without a way out in the middle: which one it was stays unknown too.
        digests.reduce(false) { found, each in (each == digest) || found }
    }

    static func digest(of token: String) -> SHA256.Digest { SHA256.hash(data: Array(token.utf8)) }
}

/// The tokens of "auth": for every stream, and for single ones.
struct StreamTokens: Sendable, Hashable {
    var everywhere = TokenSet([])
    var ofStream: [String: TokenSet] = [:]

    var isEmpty: Bool { everywhere.isEmpty && ofStream.isEmpty }

    /// nil: it is none of these.
    func decision(for token: String, on stream: String) -> WHEPDecision? {
        let digest = TokenSet.digest(of: token)
        if everywhere.contains(digest) || ofStream[stream]?.contains(digest) == true { return .allowed }
        let isOfAnother = ofStream.values.reduce(false) { found, tokens in tokens.contains(digest) || found }
        return isOfAnother ? .forbidden("the token is not for this stream") : nil
    }
}
#endif
