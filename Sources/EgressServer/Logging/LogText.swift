#if Server
/// Text that strangers may have written, made fit for one line of a log.
enum LogText {
    /// The size of a whole line, in bytes.
    static let lineSizeMax = 4 * 1024
    /// The size of one metadata value, so that the message has room too.
    static let valueSizeMax = 2 * 1024

    /// Replaces everything that a terminal or a viewer of logs would act upon: control characters (C0, C1, DEL), ends of lines and paragraphs
    /// (U+2028, U+2029), and invisible characters such as bidirectional controls (the general category Cf). They become `\n`, `\r`, `\t` or `\u{1B}`.
    ///
    /// Text that is longer than `sizeMax` bytes is cut, and says by how much.
    static func escaped(_ text: String, sizeMax: Int = lineSizeMax) -> String {
        let size = text.utf8.count
        guard size > sizeMax || !text.utf8.allSatisfy({ (0x20..<0x7F).contains($0) }) else { return text }
        var escaped = ""
        var read = 0
        for scalar in text.unicodeScalars {
            let piece = shown(scalar)
            guard escaped.utf8.count + piece.utf8.count <= sizeMax else { break }
            escaped += piece
            read += UTF8.width(scalar)
        }
        return read < size ? "\(escaped)… (\(size - read) more bytes)" : escaped
    }

    private static func shown(_ scalar: Unicode.Scalar) -> String {
        switch scalar {
        case "\n": return "\\n"
        case "\r": return "\\r"
        case "\t": return "\\t"
        default: break
        }
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator:
            return "\\u{\(String(scalar.value, radix: 16, uppercase: true))}"
        default: return String(scalar)
        }
    }
}
#endif
