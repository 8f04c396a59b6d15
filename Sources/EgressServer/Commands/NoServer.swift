#if !Server
#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#else
internal import Darwin
#endif

/// The executable without the trait `Server`. SwiftPM builds the target even then, since a target can't be conditional.
@main
enum NoServer {
    static func main() {
        let text = "egress was built without the trait Server; build it with the default traits.\n"
        _ = text.withCString { write(STDERR_FILENO, $0, text.utf8.count) }
        exit(1)
    }
}
#endif
