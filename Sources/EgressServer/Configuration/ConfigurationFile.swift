#if Server
internal import SystemPackage

/// Reads the files that a configuration consists of.
enum ConfigurationFile {
    /// No configuration file comes near this size. Reading a wrong path, for example /dev/zero, ends here.
    static let sizeMax = 1024 * 1024

    /// Reads a regular file. Reading anything else might wait without end, as a FIFO does for a writer.
    ///
    /// - Parameter mayWait: reads a pipe too, and waits for what comes through it. Only for the start, when nothing else is held up.
    /// - Throws: with the path as its source, and the system's reason.
    static func read(_ path: String, mayWait: Bool = false) throws(ConfigurationError) -> [UInt8] {
        do {
            // With this option opening does not wait either. It has no effect on a regular file.
            let file = try FileDescriptor.open(
                FilePath(path), .readOnly, options: mayWait ? [.closeOnExec] : [.nonBlocking, .closeOnExec])
            return try file.closeAfter {
                // A FIFO, a socket or a terminal has no position. A directory can't be read, and an endless device ends at `sizeMax`.
                guard mayWait || (try? file.seek(offset: 0, from: .current)) != nil else { throw NotRegular() }
                var bytes: [UInt8] = []
                var chunk = [UInt8](repeating: 0, count: 16 * 1024)
                while bytes.count <= sizeMax {
                    let count = try chunk.withUnsafeMutableBytes { try file.read(into: $0) }
                    if count == 0 { break }
                    bytes += chunk[..<count]
                }
                guard bytes.count <= sizeMax else { throw Errno.fileTooLarge }
                return bytes
            }
        } catch is NotRegular {
            throw ConfigurationError(source: path, field: nil, problem: "cannot be read: it is not a regular file")
        } catch {
            throw ConfigurationError(source: path, field: nil, problem: "cannot be read: \(error as? Errno ?? .ioError)")
        }
    }

    /// Whether the descriptor is a FIFO, a socket or a terminal.
    private struct NotRegular: Error {}

    /// Reads one token per line. Empty lines and lines that begin with "#" are ignored.
    static func tokens(in path: String) throws(ConfigurationError) -> [String] {
        let lines = String(decoding: try read(path), as: UTF8.self).split(whereSeparator: \.isNewline)
        let tokens = lines.map { $0.filter { $0 != " " && $0 != "\t" } }.filter { !$0.isEmpty && !$0.hasPrefix("#") }
        guard !tokens.isEmpty else { throw ConfigurationError(source: path, field: nil, problem: "has no token") }
        for token in tokens {
            if let problem = BearerToken.problem(with: token) { throw ConfigurationError(source: path, field: nil, problem: problem) }
        }
        return tokens
    }
}

enum BearerToken {
    /// A shorter token could be guessed.
    static let sizeMin = 16

    /// What is wrong with a token of the configuration; nil when nothing is wrong. The text does not contain the token.
    static func problem(with token: String) -> String? {
        // The characters that may follow "Bearer" (RFC 6750 §2.1).
        let isSendable = token.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
            default: "-._~+/=".utf8.contains(byte)
            }
        }
        guard isSendable else { return "a token may have only letters, digits and -._~+/=" }
        guard token.utf8.count >= sizeMin else { return "a token must have at least \(sizeMin) characters; openssl rand -hex 16 makes one" }
        return nil
    }
}
#endif
