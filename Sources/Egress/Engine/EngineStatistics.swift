/// Counters of an engine since it was made.
public struct EngineStatistics: Sendable, Hashable, Encodable {
    public var streams = 0
    /// Viewers in any state.
    public var viewers = 0
    public var viewersConnected = 0
    /// DTLS handshakes that are under way.
    public var handshakes = 0
    public var viewersCreated: UInt64 = 0
    public var handshakesDone: UInt64 = 0
    public var handshakesFailed: UInt64 = 0
    /// Viewers that are gone, by reason: `consent_expired`, `no_check`, …
    public var closed: [String: UInt64] = [:]
    /// Received from sources.
    public var packetsReceived: UInt64 = 0
    public var bytesReceived: UInt64 = 0
    /// RTP sent to viewers.
    public var packetsSent: UInt64 = 0
    /// Bytes sent to viewers, with headers and tags.
    public var bytesSent: UInt64 = 0
    /// Messages handed to the kernel; with GSO one message carries many packets.
    public var messagesSent: UInt64 = 0
    /// Packets sent again because a viewer missed them, and packets not sent again because of its budget or the budget of all viewers.
    public var repairsSent: UInt64 = 0
    public var repairsRefused: UInt64 = 0
    /// Pictures that a viewer never got whole, counted once for each viewer. The packets that the viewer last asked for again were not sent again,
    /// because of a budget or because they are not kept any more, and it asked for none in the next second. More than a few of these mean that the
    /// link of a viewer, or its socket, can't take the stream's large pictures. A lower bit rate or a shorter GOP helps.
    public var picturesIncomplete: UInt64 = 0
    /// Joins and picture requests that were answered with the GOP so far, and those that had to wait for the next IDR.
    public var burstsBegun: UInt64 = 0
    public var burstsRefused: UInt64 = 0
    public var sendCalls: UInt64 = 0
    public var loopTurns: UInt64 = 0
    /// Of viewers with a ladder. A probe sends old packets again, to see whether a viewer's link takes the next encoding.
    public var probesBegun: UInt64 = 0
    /// Probes that the viewer's link did not take.
    public var probesFailed: UInt64 = 0
    public var probePacketsSent: UInt64 = 0
    /// Switches of viewers to an encoding of a higher bit rate, and to one of a lower.
    public var switchesUp: UInt64 = 0
    public var switchesDown: UInt64 = 0
    /// How long viewers had sound alone because their link did not take the lowest encoding: of all viewers together.
    public var pausedSeconds = 0.0
    /// CPU time of the engine's threads.
    public var threadMicroseconds: UInt64 = 0
    /// Dropped packets, by reason: `source_stranger`, `slow_viewer`, …
    public var dropped: [String: UInt64] = [:]

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case streams, viewers, handshakes, closed, dropped
        case viewersConnected = "viewers_connected"
        case viewersCreated = "viewers_created"
        case handshakesDone = "handshakes_done"
        case handshakesFailed = "handshakes_failed"
        case packetsReceived = "packets_received"
        case bytesReceived = "bytes_received"
        case packetsSent = "packets_sent"
        case bytesSent = "bytes_sent"
        case messagesSent = "messages_sent"
        case repairsSent = "repairs_sent"
        case repairsRefused = "repairs_refused"
        case picturesIncomplete = "pictures_incomplete"
        case burstsBegun = "bursts_begun"
        case burstsRefused = "bursts_refused"
        case sendCalls = "send_calls"
        case loopTurns = "loop_turns"
        case probesBegun = "probes_begun"
        case probesFailed = "probes_failed"
        case probePacketsSent = "probe_packets_sent"
        case switchesUp = "switches_up"
        case switchesDown = "switches_down"
        case pausedSeconds = "paused_s"
        case threadMicroseconds = "thread_cpu_us"
    }
}

/// What an engine settled on when it was made.
public struct EngineInfo: Sendable, Hashable, Encodable {
    public var udpPort: UInt16 = 0
    /// How many threads share the viewers.
    public var workers = 0
    /// The back end in use; ``IOBackend/auto`` when there is no engine.
    public var io = IOBackend.auto
    /// Why ``IOBackend/auto`` fell back from io_uring; `nil` when it did not.
    public var ioFallbackReason: String?
    /// The SRTP implementation: `ipsec-mb` or `openssl`.
    public var crypto = ""
    /// The kernel supports UDP GSO.
    public var gso = false
    /// Buffer sizes in bytes, as the kernel granted them to each worker's socket.
    public var viewerSendBufferSize = 0
    public var viewerReceiveBufferSize = 0
    /// The SHA-256 fingerprint of the DTLS certificate, as SDP writes it.
    public var fingerprint = ""

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case workers, io, crypto, gso, fingerprint
        case udpPort = "udp_port"
        case ioFallbackReason = "io_fallback_reason"
        case viewerSendBufferSize = "viewer_send_buffer_size"
        case viewerReceiveBufferSize = "viewer_receive_buffer_size"
    }
}
