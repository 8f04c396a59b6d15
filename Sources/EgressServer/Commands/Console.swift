#if Server
internal import SystemPackage

/// What is said to a person at a terminal, beside the log.
enum Console {
    static func complain(_ text: String) { write("egress: \(text)\n", to: .standardError) }

    static func say(_ text: String) { write(text + "\n", to: .standardOutput) }

    private static func write(_ text: String, to descriptor: FileDescriptor) {
        // A closed terminal is no reason to fail.
        _ = try? descriptor.writeAll(text.utf8)
    }
}
#endif
