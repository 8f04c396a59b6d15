#if Server
/// What is said to a person at a terminal, beside the log.
enum Console {
    static func complain(_ text: String) {
        // A complaint may be several lines of our own; each is kept one.
        for line in "egress: \(text)".split(separator: "\n", omittingEmptySubsequences: false) {
            LineWriter.standardError.write(LogText.escaped(String(line)))
        }
        LineWriter.standardError.flush()
    }

    static func say(_ text: String) {
        LineWriter.standardOutput.write(text)
        LineWriter.standardOutput.flush()
    }
}
#endif
