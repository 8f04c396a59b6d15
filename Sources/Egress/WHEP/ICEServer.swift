/// A STUN or TURN server that clients are told about. It has the fields of a browser's `RTCIceServer`, and the shared secret of a TURN server that
/// has no accounts.
public struct ICEServer: Sendable, Hashable, Codable {
    /// `stun:`, `stuns:`, `turn:` or `turns:` URLs.
    public var urls: [String]
    /// The user name. With ``secret`` it is only what follows the time in the user name, for the TURN server's log.
    public var username: String?
    /// A password that stays the same, so anyone who may watch once can use it from then on. Can't be combined with ``secret``.
    public var credential: String?
    /// The secret that the TURN server shares with this one (coturn's `static-auth-secret`). Each response then has a credential of its own that
    /// expires after ``lifetime``. The secret itself is never sent to anyone (draft-uberti-behave-turn-rest-00).
    public var secret: String?
    /// How long a credential made with ``secret`` is valid. After that a TURN server refuses new allocations, and keeps existing ones.
    public var lifetime: Duration

    /// The lifetime that draft-uberti-behave-turn-rest-00 §2.2 recommends.
    public static let standardLifetime = Duration.seconds(86_400)

    public init(
        urls: [String], username: String? = nil, credential: String? = nil, secret: String? = nil, lifetime: Duration = standardLifetime
    ) {
        self.urls = urls
        self.username = username
        self.credential = credential
        self.secret = secret
        self.lifetime = lifetime
    }

    private enum CodingKeys: String, CodingKey {
        case urls, username, credential, secret
        case lifetime = "lifetime_seconds"
    }

    /// `urls` may be one string or a list, as in browsers.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        if let url = try? values.decode(String.self, forKey: .urls) {
            urls = [url]
        } else {
            urls = try values.decode([String].self, forKey: .urls)
        }
        username = try values.decodeIfPresent(String.self, forKey: .username)
        credential = try values.decodeIfPresent(String.self, forKey: .credential)
        secret = try values.decodeIfPresent(String.self, forKey: .secret)
        lifetime =
            try values.decodeIfPresent(Int64.self, forKey: .lifetime).map { Duration(outsideSeconds: $0) ?? .outsideMax }
            ?? Self.standardLifetime
    }

    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(urls, forKey: .urls)
        try values.encodeIfPresent(username, forKey: .username)
        try values.encodeIfPresent(credential, forKey: .credential)
        guard let secret else { return }
        try values.encode(secret, forKey: .secret)
        try values.encode(lifetime.components.seconds, forKey: .lifetime)
    }
}

extension ICEServer {
    private static let schemes = ["stun:", "stuns:", "turn:", "turns:"]
    private static let lifetimes = Duration.seconds(60)...Duration.seconds(2_592_000)

    func validate() throws(EgressError) {
        guard !urls.isEmpty else { throw .invalid("ice_servers", "urls is empty") }
        for url in urls {
            guard Self.schemes.contains(where: { url.hasPrefix($0) && url.utf8.count > $0.utf8.count }) else {
                throw .invalid("ice_servers", "\"\(url)\" does not begin with stun:, stuns:, turn: or turns:")
            }
            // The characters refused here end a link target, a quoted string or a header line.
            guard url.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "<") && $0 != UInt8(ascii: ">") }) else {
                throw .invalid("ice_servers", "\"\(url)\" has a character that a URL can't have")
            }
        }
        for text in [username, credential].compactMap(\.self) where !text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) {
            throw .invalid("ice_servers", "a username or credential has a character that a header can't have")
        }
        guard let secret else { return }
        guard !secret.isEmpty, !secret.utf8.contains(0) else { throw .invalid("ice_servers", "secret is empty or has a zero byte") }
        guard credential == nil else { throw .invalid("ice_servers", "credential and secret can't be used together") }
        guard Self.lifetimes.contains(lifetime) else {
            throw .invalid("ice_servers", "lifetime_seconds: \(lifetime.components.seconds) is not within 60..2592000")
        }
    }

    /// One `Link` header value per URL (WHEP §4.4).
    /// - Parameter now: in seconds since 1970.
    func links(at now: Int64) -> [String] {
        let (username, credential) = credentials(at: now)
        return urls.map { url in
            var link = "<\(url)>; rel=\"ice-server\""
            if let username { link += "; username=\(Self.quoted(username))" }
            if let credential { link += "; credential=\(Self.quoted(credential)); credential-type=\"password\"" }
            return link
        }
    }

    /// The user name and credential for a client: as configured, or made for it.
    private func credentials(at now: Int64) -> (username: String?, credential: String?) {
        guard let secret else { return (username, credential) }
        let end = String(now + lifetime.components.seconds)
        let name = username.map { "\(end):\($0)" } ?? end
        return (name, EngineHandle.turnPassword(secret: secret, username: name))
    }

    /// A quoted-string (RFC 9110 §5.6.4).
    private static func quoted(_ text: String) -> String {
        var result = "\""
        for character in text {
            if character == "\"" || character == "\\" { result.append("\\") }
            result.append(character)
        }
        return result + "\""
    }
}
