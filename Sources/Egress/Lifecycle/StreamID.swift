/// The rule for a stream's id, which is its process' id. Ids appear in URLs, in the log, in metrics and in error messages. An id that follows the
/// rule can be written there as it is, or percent-encoded in a URL.
public enum StreamID {
    /// The longest id, in bytes of UTF-8.
    public static let sizeMax = 200

    /// Says what is wrong with an id, for the person who chose it; `nil` when nothing is wrong. The text does not contain the id.
    ///
    /// Not allowed are: an empty id; `.` and `..`, which clients remove from a URL before they send it (RFC 3986 §5.2.4); a slash; characters that
    /// break or rearrange a line of text (controls, line and paragraph separators, bidirectional controls).
    public static func problem(with id: String) -> String? {
        guard !id.isEmpty, id.utf8.count <= sizeMax else { return "an id must have 1 to \(sizeMax) bytes" }
        guard id != ".", id != ".." else { return "an id must not be \".\" or \"..\", which clients remove from a URL" }
        // Scalars are compared, not Characters: a slash with a combining mark is another Character, but still a slash.
        for scalar in id.unicodeScalars {
            if scalar == "/" { return "an id must not contain a slash" }
            if breaksLines(scalar) { return "an id must not contain a control character or a line break" }
        }
        return nil
    }

    /// C0, DEL, C1, U+2028, U+2029, and characters that change the direction of the text around them.
    private static func breaksLines(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator: true
        default: scalar.properties.isBidiControl
        }
    }
}
