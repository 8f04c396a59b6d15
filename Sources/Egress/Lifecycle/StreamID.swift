/// The rule for a stream's id, which is its process' id: it stands in URLs, in the log, in metrics and in error messages, and nothing else
/// needs to be done for any of them than to percent-encode it.
public enum StreamID {
    /// The longest id, in bytes of UTF-8.
    public static let sizeMax = 200

    /// Says what is wrong with an id, for the person who chose it; `nil` when nothing is. The id itself is not shown.
    ///
    /// Not allowed are: an empty id; `.` and `..`, which clients take out of a URL before they send it (RFC 3986 §5.2.4); a slash; characters that
    /// break or rearrange a line of text (controls, line and paragraph separators, bidirectional controls).
    public static func problem(with id: String) -> String? {
        guard !id.isEmpty, id.utf8.count <= sizeMax else { return "an id has 1 to \(sizeMax) bytes" }
        guard id != ".", id != ".." else { return "an id is not \".\" or \"..\", which clients take out of a URL" }
        // By scalars: a slash that carries a combining mark is another Character, and a slash all the same.
        for scalar in id.unicodeScalars {
            if scalar == "/" { return "an id has no slash" }
            if breaksLines(scalar) { return "an id has no control character and no line break" }
        }
        return nil
    }

    /// C0, DEL, C1, U+2028, U+2029, and what turns the direction of the text around it.
    private static func breaksLines(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator: true
        default: scalar.properties.isBidiControl
        }
    }
}
