#if Server
internal import Logging
internal import Synchronization

/// A limit of HTTP connections that was reached. The raw value is its name in `egress_refused_total`.
enum ConnectionLimit: String, Sendable, Hashable, CaseIterable {
    case connections
    case connectionsPerAddress = "connections_per_address"
    case handshakeTime = "tls_handshake_seconds"
    case headTime = "request_head_seconds"
    case headSize = "request_head_bytes"
    case bodyTime = "request_body_seconds"
    case requestSize = "request_bytes"
    case waitingSize = "pipelined_bytes"
    case writeTime = "response_seconds"
    /// The limit of open files: no descriptor was left for a connection, a child or a stream.
    case descriptors
}

/// Counts what the limits of connections refused, and logs it once a minute for each limit, so that a flood of connections does not flood the log.
final class ConnectionRefusals: Sendable {
    private static let lineInterval = Duration.seconds(60)

    private struct Count {
        var value: UInt64 = 0
        var quietUntil: ContinuousClock.Instant?
    }

    private let counts = Mutex<[ConnectionLimit: Count]>([:])
    private let logger: Logger

    init(logger: Logger) { self.logger = logger }

    func count(_ limit: ConnectionLimit, now: ContinuousClock.Instant = .now) {
        let line = counts.withLock { counts -> UInt64? in
            counts[limit, default: Count()].value += 1
            if let quietUntil = counts[limit]?.quietUntil, now < quietUntil { return nil }
            counts[limit]?.quietUntil = now + Self.lineInterval
            return counts[limit]?.value
        }
        guard let line else { return }
        logger.warning("Client limit reached", metadata: ["limit": "\(limit.rawValue)", "refused": "\(line)"])
    }

    /// The counts by the limit's name. Every limit is there, so that a metric exists before its first event.
    var all: [String: UInt64] {
        let counts = counts.withLock { $0 }
        return Dictionary(uniqueKeysWithValues: ConnectionLimit.allCases.map { ($0.rawValue, counts[$0]?.value ?? 0) })
    }
}
#endif
