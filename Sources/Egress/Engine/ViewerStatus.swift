/// A viewer at one moment, as an operator sees it. It does not have the session's id: anyone who knows that id can act for the viewer.
public struct ViewerStatus: Sendable, Hashable, Encodable {
    public enum State: String, Sendable, Hashable, Encodable {
        /// No authenticated ICE check has come from the viewer yet.
        case new
        /// The DTLS handshake is under way.
        case connecting
        case connected
    }

    /// Names the viewer for as long as the engine lives; never used twice.
    public var id: String
    public var state: State
    /// The address that the viewer's HTTP request came from; `nil` when the host has not told it.
    public var client: String?
    /// The address and port that media goes to; `nil` before the first check.
    public var remoteAddress: String?
    /// The encoding that it gets; `nil`: no video. A viewer with a ladder is switched among several, as its link takes them.
    public var rid: String?
    public var codec: VideoCodec?
    /// When it was made, in microseconds since 1970.
    public var since: Int64
    public var packetsSent: UInt64 = 0
    /// Bytes sent to the viewer, with headers and tags.
    public var bytesSent: UInt64 = 0
    /// The mean bit rate since the viewer was made, in bit/s.
    public var bitRate = 0
    /// Lost packets, according to the viewer's reports.
    public var packetsLost: UInt64 = 0
    /// Packets that the viewer asked for again.
    public var nacks: UInt64 = 0
    /// Pictures that the viewer asked for (PLI and FIR).
    public var pictureRequests: UInt64 = 0
    /// According to the viewer's reports; `nil` before the first.
    public var roundTripMilliseconds: Double?
    public var jitterMilliseconds: Double = 0
    /// In bit/s of video: what its link takes at least, as far as that was seen. `nil`: not known, and always for a viewer without a ladder.
    public var estimateBitRate: Int?
    /// How often it was switched to an encoding of a higher bit rate, and of a lower.
    public var switchesUp = 0
    public var switchesDown = 0
    /// Of its last switch; `nil`: it never was switched.
    public var switchReason: SwitchReason?
    /// The encoding that it is pinned to (``EgressEngine/pinViewer(_:of:to:)``); `nil`: its link decides.
    public var pinnedRID: String?
    /// It has sound alone at present, because its link does not take the lowest encoding.
    public var isPaused = false
    /// How long it had sound alone, all in all.
    public var pausedSeconds = 0.0
    /// It is connected and sent media, and has not said for 5 s what of it arrives: something on its way lets checks through, and media or its
    /// reports not.
    public var hasNoFeedback = false

    private enum CodingKeys: String, CodingKey {
        case id, state, client, rid, codec, since, nacks
        case remoteAddress = "remote_address"
        case packetsSent = "packets_sent"
        case bytesSent = "bytes_sent"
        case bitRate = "bit_rate"
        case packetsLost = "packets_lost"
        case pictureRequests = "picture_requests"
        case roundTripMilliseconds = "round_trip_ms"
        case jitterMilliseconds = "jitter_ms"
        case estimateBitRate = "estimate_bit_rate"
        case switchesUp = "switches_up"
        case switchesDown = "switches_down"
        case switchReason = "switch_reason"
        case pinnedRID = "pinned_rid"
        case isPaused = "paused"
        case pausedSeconds = "paused_s"
        case hasNoFeedback = "no_feedback"
    }

    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(id, forKey: .id)
        try values.encode(state, forKey: .state)
        try values.encodeIfPresent(client, forKey: .client)
        try values.encodeIfPresent(remoteAddress, forKey: .remoteAddress)
        try values.encodeIfPresent(rid, forKey: .rid)
        try values.encodeIfPresent(codec, forKey: .codec)
        try values.encode(WallClock.timestamp(since), forKey: .since)
        try values.encode(packetsSent, forKey: .packetsSent)
        try values.encode(bytesSent, forKey: .bytesSent)
        try values.encode(bitRate, forKey: .bitRate)
        try values.encode(packetsLost, forKey: .packetsLost)
        try values.encode(nacks, forKey: .nacks)
        try values.encode(pictureRequests, forKey: .pictureRequests)
        try values.encodeIfPresent(roundTripMilliseconds, forKey: .roundTripMilliseconds)
        try values.encode(jitterMilliseconds, forKey: .jitterMilliseconds)
        try values.encodeIfPresent(estimateBitRate, forKey: .estimateBitRate)
        try values.encode(switchesUp, forKey: .switchesUp)
        try values.encode(switchesDown, forKey: .switchesDown)
        try values.encodeIfPresent(switchReason, forKey: .switchReason)
        try values.encodeIfPresent(pinnedRID, forKey: .pinnedRID)
        try values.encode(isPaused, forKey: .isPaused)
        try values.encode(pausedSeconds, forKey: .pausedSeconds)
        try values.encode(hasNoFeedback, forKey: .hasNoFeedback)
    }
}

extension EgressEngine {
    /// The viewers of a stream, in the order of their ids; empty when the stream does not exist.
    ///
    /// The engine is asked about each viewer, so read many viewers in pages.
    /// - Parameters:
    ///   - id: returns viewers after this one; `nil`: from the first viewer on.
    ///   - max: how many viewers to return at most.
    public func viewers(of stream: String, after id: String? = nil, max: Int = 100) -> [ViewerStatus] {
        guard let engine else { return [] }
        let now = WallClock.microseconds()
        var result: [ViewerStatus] = []
        for session in registry.sessions(of: stream, after: id.flatMap { UInt64($0, radix: 16) } ?? 0) {
            guard result.count < max else { break }
            guard let reading = engine.handle.stats(ofViewer: session.viewer) else { continue }
            result.append(ViewerStatus(session, reading, now: now))
        }
        return result
    }

    /// One viewer of a stream; `nil` when the stream does not have it, or not any more.
    public func viewer(_ id: String, of stream: String) -> ViewerStatus? {
        guard let engine, let session = registry.session(ofViewer: id, of: stream) else { return nil }
        return engine.handle.stats(ofViewer: session.viewer).map { ViewerStatus(session, $0, now: WallClock.microseconds()) }
    }

    /// Why a viewer is gone, for five minutes after its end; `nil` when it is not gone, or longer. `reason` is for programs, `detail` for people.
    public func endedViewer(_ id: String, of stream: String) -> (reason: String, detail: String)? {
        registry.ending(ofViewer: id, of: stream).map { ($0.reason.name, $0.words(udpPort: info.udpPort)) }
    }

    /// Closes a viewer that ``viewers(of:after:max:)`` has named. Its client is told by DTLS close_notify and by the end of its events.
    /// - Returns: false when the stream does not have this viewer, or not any more.
    @discardableResult
    public func closeViewer(_ id: String, of stream: String) -> Bool {
        guard let session = registry.session(ofViewer: id, of: stream) else { return false }
        return closeViewer(session: session.id, of: stream)
    }

    /// Closes the viewers of all streams. The streams stay.
    public func closeViewers() {
        for session in registry.sessionIDs() { closeViewer(session: session) }
    }
}

extension ViewerStatus {
    fileprivate init(_ session: ViewerSession, _ reading: ViewerReading, now: Int64) {
        id = session.viewerID
        state = reading.state
        client = session.client
        remoteAddress = reading.remoteAddress
        let encoding = session.ladder?.rung(at: reading.encoding)?.encoding ?? session.encoding
        rid = encoding?.rid
        codec = encoding?.codec
        since = now - reading.age.microseconds
        packetsSent = reading.packetsSent
        bytesSent = reading.bytesSent
        bitRate = Int(saturating: Double(reading.bytesSent) * 8_000_000 / Double(Swift.max(1, reading.age.microseconds)))
        packetsLost = reading.packetsLost
        nacks = reading.nacks
        pictureRequests = reading.pictureRequests
        roundTripMilliseconds = reading.roundTripMicroseconds > 0 ? Double(reading.roundTripMicroseconds) / 1000 : nil
        jitterMilliseconds = Double(reading.jitterMicroseconds) / 1000
        estimateBitRate = reading.estimateBitRate > 0 ? reading.estimateBitRate : nil
        switchesUp = reading.switchesUp
        switchesDown = reading.switchesDown
        switchReason = reading.switchReason
        pinnedRID = reading.pinned.flatMap { session.ladder?.rung(at: $0)?.encoding.rid }
        isPaused = reading.isPaused
        pausedSeconds = Double(reading.pausedMilliseconds) / 1000
        hasNoFeedback = reading.hasNoFeedback
    }
}

extension Duration {
    fileprivate var microseconds: Int64 { Int64(saturating: self / .microseconds(1)) }
}
