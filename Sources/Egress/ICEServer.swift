/// A STUN or TURN server that clients are told about, with the fields of a browser's `RTCIceServer`.
public struct ICEServer: Sendable, Hashable, Codable {
    /// `stun:`, `stuns:`, `turn:` or `turns:` URLs.
    public var urls: [String]
    public var username: String?
    public var credential: String?

    public init(urls: [String], username: String? = nil, credential: String? = nil) {
        self.urls = urls
        self.username = username
        self.credential = credential
    }

    private enum CodingKeys: String, CodingKey { case urls, username, credential }

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
    }
}

extension ICEServer {
    private static let schemes = ["stun:", "stuns:", "turn:", "turns:"]

    func validate() throws(EgressError) {
        guard !urls.isEmpty else { throw .invalid("ice_servers", "urls is empty") }
        for url in urls {
            guard Self.schemes.contains(where: { url.hasPrefix($0) && url.utf8.count > $0.utf8.count }) else {
                throw .invalid("ice_servers", "\"\(url)\" does not begin with stun:, stuns:, turn: or turns:")
            }
            // These end a link target, a quoted string or a header line.
            guard url.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "<") && $0 != UInt8(ascii: ">") }) else {
                throw .invalid("ice_servers", "\"\(url)\" holds a character that a URL can't have")
            }
        }
        for text in [username, credential].compactMap(\.self) where !text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) {
            throw .invalid("ice_servers", "a username or credential holds a character that a header can't carry")
        }
    }

    /// One `Link` header value per URL (WHEP §4.4).
    var links: [String] {
        urls.map { url in
            var link = "<\(url)>; rel=\"ice-server\""
            if let username { link += "; username=\(Self.quoted(username))" }
            if let credential { link += "; credential=\(Self.quoted(credential)); credential-type=\"password\"" }
            return link
        }
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
