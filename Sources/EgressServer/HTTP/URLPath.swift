#if Server
/// Paths of URLs, segment by segment.
enum URLPath {
    /// The decoded segments of a request's path, without its query; nil when a segment is not valid percent-encoded UTF-8.
    static func segments(_ target: String) -> [String]? {
        let path = target.prefix { $0 != "?" && $0 != "#" }
        var segments: [String] = []
        for segment in path.split(separator: "/", omittingEmptySubsequences: false).dropFirst() {
            guard let decoded = decode(segment) else { return nil }
            segments.append(decoded)
        }
        return segments
    }

    /// Encodes text for one segment: everything but RFC 3986's unreserved characters is encoded.
    static func encode(_ segment: String) -> String {
        var encoded = ""
        for byte in segment.utf8 {
            let character = Unicode.Scalar(byte)
            switch character {
            case "a"..."z", "A"..."Z", "0"..."9", "-", ".", "_", "~": encoded.unicodeScalars.append(character)
            default:
                encoded += "%" + (byte < 0x10 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }
        return encoded
    }

    static func decode(_ segment: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = Array(segment.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard rest.count >= 2, let high = hexadecimal(rest[rest.startIndex]), let low = hexadecimal(rest[rest.startIndex + 1]) else {
                return nil
            }
            bytes.append(high << 4 | low)
            rest = rest.dropFirst(2)
        }
        return String(validating: bytes, as: UTF8.self)
    }

    /// A request's path for the log. A part of 32 hexadecimal digits, encoded or not, may be the id of a session or of a listener, and anyone who
    /// knows it can end the session. It is replaced by "…".
    static func withoutCapabilities(_ path: String) -> String {
        path.split(separator: "/", omittingEmptySubsequences: false)
            .map { isCapability(decode($0) ?? String($0)) ? "…" : String($0) }
            .joined(separator: "/")
    }

    private static func isCapability(_ segment: String) -> Bool {
        segment.utf8.count == 32 && segment.utf8.allSatisfy { hexadecimal($0) != nil }
    }

    private static func hexadecimal(_ byte: UInt8) -> UInt8? {
        Character(Unicode.Scalar(byte)).hexDigitValue.map { UInt8(clamping: $0) }
    }
}
#endif
