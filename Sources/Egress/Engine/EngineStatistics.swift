/// Counters of an engine since it was made.
public struct EngineStatistics: Sendable, Hashable, Encodable {
    public var streams = 0
    /// In any state.
    public var viewers = 0
    public var viewersConnected = 0
    /// DTLS handshakes that are under way.
    public var handshakes = 0
    public var viewersCreated: UInt64 = 0
    public var handshakesDone: UInt64 = 0
    public var handshakesFailed: UInt64 = 0
    /// Why viewers are gone, by reason: `consent_expired`, `no_check`, …
    public var closed: [String: UInt64] = [:]
    /// From sources.
    public var packetsReceived: UInt64 = 0
    public var bytesReceived: UInt64 = 0
    /// RTP to viewers.
    public var packetsSent: UInt64 = 0
    /// With headers and tags.
    public var bytesSent: UInt64 = 0
    /// What the kernel was handed; with GSO one message carries many packets.
    public var messagesSent: UInt64 = 0
    /// Packets sent again because a viewer missed them, and those that its budget or everybody's did not allow.
    public var repairsSent: UInt64 = 0
    public var repairsRefused: UInt64 = 0
    /// Pictures that a viewer never got whole, counted once for each viewer: the last packets that it asked for again were not sent again, over a
    /// budget or not kept any more, and it asked for none in the next second. More of these than a few: the link of a viewer, or its socket, takes
    /// less than the stream's large pictures. A lower bit rate or a shorter GOP helps.
    public var picturesIncomplete: UInt64 = 0
    /// Joins and requests for a picture that were answered with the GOP so far, and those that had to wait for the next IDR.
    public var burstsBegun: UInt64 = 0
    public var burstsRefused: UInt64 = 0
    public var sendCalls: UInt64 = 0
    public var loopTurns: UInt64 = 0
    /// CPU time of the engine's threads.
    public var threadMicroseconds: UInt64 = 0
    /// Why packets went no further, by reason: `source_stranger`, `slow_viewer`, …
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
        case threadMicroseconds = "thread_cpu_us"
    }
}

/// What an engine settled on when it was made.
public struct EngineInfo: Sendable, Hashable, Encodable {
    public var udpPort: UInt16 = 0
    /// Threads that viewers are spread over.
    public var workers = 0
    /// The back end in use; ``IOBackend/auto`` when there is no engine.
    public var io = IOBackend.auto
    /// Why it is not io_uring although ``IOBackend/auto`` was asked for.
    public var ioFallbackReason: String?
    /// The SRTP implementation: `ipsec-mb` or `openssl`.
    public var crypto = ""
    /// The kernel takes UDP GSO.
    public var gso = false
    /// In bytes, as the kernel granted it to each worker's socket.
    public var viewerSendBufferSize = 0
    public var viewerReceiveBufferSize = 0
    /// Of the DTLS certificate, SHA-256, as SDP has it.
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
