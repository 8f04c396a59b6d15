#if Server
internal import SystemPackage

/// Files that a configuration is made of.
enum ConfigurationFile {
    /// None is anywhere near it: a path that was mistaken, /dev/zero say, ends here.
    static let sizeMax = 1024 * 1024

    /// Reads a regular file. Anything else might wait for as long as it likes, a FIFO for somebody who writes to it.
    ///
    /// - Parameter mayWait: takes a pipe too, and waits for what comes through it; for the start, when nobody else is held up.
    /// - Throws: with the path as its source, and the system's reason.
    static func read(_ path: String, mayWait: Bool = false) throws(ConfigurationError) -> [UInt8] {
        do {
            // Opening waits for nothing either; to a regular file the option means nothing.
            let file = try FileDescriptor.open(
                FilePath(path), .readOnly, options: mayWait ? [.closeOnExec] : [.nonBlocking, .closeOnExec])
            return try file.closeAfter {
                // What has no position is a FIFO, a socket or a terminal; a directory refuses to be read, a device without end ends at `sizeMax`.
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
            throw ConfigurationError(source: path, field: nil, problem: "cannot be read: it is no regular file")
        } catch {
            throw ConfigurationError(source: path, field: nil, problem: "cannot be read: \(error as? Errno ?? .ioError)")
        }
    }

    /// A FIFO, a socket or a terminal.
    private struct NotRegular: Error {}

    /// One token a line; empty lines and those that begin with "#" are passed over.
    static func tokens(in path: String) throws(ConfigurationError) -> [String] {
        let lines = String(decoding: try read(path), as: UTF8.self).split(whereSeparator: \.isNewline)
        let tokens = lines.map { $0.filter { $0 != " " && $0 != "\t" } }.filter { !$0.isEmpty && !$0.hasPrefix("#") }
        guard !tokens.isEmpty else { throw ConfigurationError(source: path, field: nil, problem: "holds no token") }
        for token in tokens {
            if let problem = BearerToken.problem(with: token) { throw ConfigurationError(source: path, field: nil, problem: problem) }
        }
        return tokens
    }
}

enum BearerToken {
    /// Fewer can be guessed.
    static let sizeMin = 16

    /// What is wrong with a token as a secret of the configuration; nil when nothing is. The token itself is not shown.
    static func problem(with token: String) -> String? {
        // What can stand behind "Bearer" (RFC 6750 §2.1).
        let isSendable = token.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
            default: "-._~+/=".utf8.contains(byte)
            }
        }
        guard isSendable else { return "a token has letters, digits and -._~+/= only" }
        guard token.utf8.count >= sizeMin else { return "a token has at least \(sizeMin) characters; openssl rand -hex 16 makes one" }
        return nil
    }
}
#endif
