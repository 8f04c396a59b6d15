#if Server
internal import NIOCore

/// What one HTTP connection may take, and how many there may be. An operator sets the numbers of connections (`egress.limits`). The other
/// limits are fixed, and generous for a browser on a poor link.
struct ConnectionLimits: Sendable, Hashable {
    static let fieldNames: Set<String> = ["connections", "connections_per_address"]

    /// Connections at a time, from all clients together. Fewer where the limit of open files leaves fewer.
    var countMax = 32_768
    /// Connections of one IPv4 address or IPv6 /64. The limit does not apply to trusted proxies, since they connect for many clients.
    var countPerAddressMax = 1_024

    /// The time for the TLS handshake.
    var handshakeTimeout = TimeAmount.seconds(10)
    /// The time between requests. It is short because viewers and streams need the descriptors that idle connections hold.
    var idleTimeout = TimeAmount.seconds(30)
    /// The time from the first byte of a request's head to its last.
    var headTimeout = TimeAmount.seconds(10)
    /// The time from the end of the head to the end of the body: the longest offer in that time means 26 kbit/s.
    var bodyTimeout = TimeAmount.seconds(20)
    /// Within this time the client has to read everything that waits for it, or at least ``writeProgress``.
    var writeTimeout = TimeAmount.seconds(15)
    /// In bytes.
    var writeProgress = 64 * 1024
    /// The time for the client to close its side, after this side has closed.
    var lingerTimeout = TimeAmount.seconds(2)

    /// The size of a request's head in bytes. A token in it has at most 8 KiB.
    var headSizeMax = 32 * 1024
    /// The size of a whole request in bytes. The body of a refused request (413) is read up to here, so that the client can read why.
    var requestSizeMax = 1024 * 1024
    /// The size in bytes of the requests that wait for the answer to the one before. Twice what the kernel may keep of them.
    var waitingSizeMax = 256 * 1024

    /// The size in bytes of the kernel's buffers for one connection. What a client doesn't read costs no more than this outside of the process.
    static let receiveBufferSize = 64 * 1024
    static let sendBufferSize = 128 * 1024
    /// The size of one read in bytes.
    static let readSize = 16 * 1024

    init() {}

    /// Reads the block `egress.limits`. Other fields there are ignored.
    init(json: JSONValue, source: String, path: String) throws(ConfigurationError) {
        guard case .object(let values) = json else { return }
        let own = values.filter { Self.fieldNames.contains($0.key) }
        let fields = try JSONFields(.object(own), source: source, path: path, known: Self.fieldNames)
        countMax = try Self.count(fields, "connections") ?? countMax
        countPerAddressMax = try Self.count(fields, "connections_per_address") ?? countPerAddressMax
    }

    private static func count(_ fields: JSONFields, _ key: String) throws(ConfigurationError) -> Int? {
        guard let value = fields.values[key] else { return nil }
        guard case .number(let number) = value else { throw fields.failure(key, "expected a number, found \(value.kind)") }
        let range = 16.0...1_048_576.0
        guard range.contains(number), let count = Int(exactly: number) else {
            throw fields.failure(key, "is not a whole number within 16..1048576")
        }
        return count
    }
}
#endif
