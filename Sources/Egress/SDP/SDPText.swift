/// The text of an SDP: lines that end with CRLF, or LF alone (RFC 8866 §5).
enum SDPText {
    private static let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]

    /// `nil` when the bytes are not text. Removes a byte order mark before the first line and blanks at the end of any line: editors and scripts
    /// leave them, no value ends with a blank, and a blank would change the value.
    static func lines(of bytes: some Collection<UInt8>) -> [Substring]? {
        let bytes = bytes.starts(with: byteOrderMark) ? bytes.dropFirst(byteOrderMark.count) : bytes[...]
        guard !bytes.contains(0), let text = String(validating: bytes, as: UTF8.self) else { return nil }
        return text.split(omittingEmptySubsequences: false, whereSeparator: { $0 == "\n" || $0 == "\r\n" }).map(\.withoutBlanksBehind)
    }
}

extension Substring {
    fileprivate var withoutBlanksBehind: Substring {
        let blanks = utf8.reversed().prefix { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }.count
        return self[..<utf8.index(endIndex, offsetBy: -blanks)]
    }
}
