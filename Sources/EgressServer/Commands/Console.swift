#if Server
/// Writes to the person at the terminal, in addition to the log.
enum Console {
    static func complain(_ text: String) {
        // A complaint may have several lines; each is written as one line.
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
