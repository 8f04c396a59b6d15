import HTTPTypes

/// What a request's path names.
enum WHEPTarget: Sendable, Hashable {
    /// `{base}/{stream}`
    case endpoint(stream: String)
    /// `{base}/{stream}/{session}`
    case session(stream: String, session: String)
    /// `{base}/{stream}/{session}/events`, where listeners are made
    case events(stream: String, session: String)
    /// `{base}/{stream}/{session}/events/{listener}`
    case listener(stream: String, session: String, listener: String)

    /// `{base}/{stream}/{session}/layer`, where an encoding is chosen
    case layer(stream: String, session: String)

    /// `nil` for a path outside of `base`, a path with more parts, or one that isn't percent-encoded UTF-8. A slash at the end makes no difference:
    /// scripts that put addresses together leave one.
    /// - Parameter base: a path that ``normalized(base:)`` returned.
    init?(path: String, base: String) {
        let path = path.utf8.prefix { $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "#") }
        let encoded = Substring(path).utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).map(Substring.init)
        let all = encoded.dropFirst().compactMap(Self.decoded)
        // A client may encode the base as it likes: it is the same path (RFC 3986 §6.2.2.2).
        let before = base.split(separator: "/").compactMap(Self.decoded)
        guard encoded.first == "", all.count == encoded.count - 1, all.starts(with: before) else { return nil }
        var parts = Array(all.dropFirst(before.count))
        // People type the endpoint's URL into players, so it may end with a slash. A session's URL is made by this side, and has to match exactly.
        if parts.count == 2, parts[1].isEmpty { parts.removeLast() }
        guard !parts.contains("") else { return nil }
        switch parts.count {
        case 1: self = .endpoint(stream: parts[0])
        case 2: self = .session(stream: parts[0], session: parts[1])
        case 3 where parts[2] == "events": self = .events(stream: parts[0], session: parts[1])
        case 3 where parts[2] == "layer": self = .layer(stream: parts[0], session: parts[1])
        case 4 where parts[2] == "events": self = .listener(stream: parts[0], session: parts[1], listener: parts[3])
        default: return nil
        }
    }

    /// The base with a slash in front and none at the end, percent-encoded; the root is empty. What is encoded already stays as it is.
    static func normalized(base: String) -> String {
        base.split(separator: "/").map { "/" + encoded(decoded($0) ?? String($0)) }.joined()
    }

    /// Percent-encodes everything that isn't unreserved (RFC 3986 §2.3), also a slash.
    static func encoded(_ part: String) -> String {
        part.utf8.map { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"):
                String(UnicodeScalar(byte))
            default: "%" + byte.hex.uppercased()
            }
        }.joined()
    }

    private static func decoded(_ part: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = part.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(hexValue), let low = rest.popFirst().flatMap(hexValue) else { return nil }
            bytes.append(high << 4 | low)
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func hexValue(_ digit: UInt8) -> UInt8? {
        Character(UnicodeScalar(digit)).hexDigitValue.map { UInt8(clamping: $0) }
    }
}

extension WHEPTarget {
    var stream: String {
        switch self {
        case .endpoint(let stream), .session(let stream, _), .events(let stream, _), .listener(let stream, _, _), .layer(let stream, _):
            stream
        }
    }

    var session: String? {
        switch self {
        case .endpoint: nil
        case .session(_, let session), .events(_, let session), .listener(_, let session, _), .layer(_, let session): session
        }
    }

    var methods: [HTTPRequest.Method] {
        switch self {
        case .endpoint: [.get, .head, .post, .options]
        case .session: [.get, .head, .patch, .delete, .options]
        case .events, .layer: [.post, .options]
        case .listener: [.get, .head, .delete, .options]
        }
    }

    /// As `Allow` has them.
    var methodList: String { methods.map(\.rawValue).joined(separator: ", ") }
}
