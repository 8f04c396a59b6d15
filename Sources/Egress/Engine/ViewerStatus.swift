/// A viewer at one moment, as an operator sees it. Its session's id is not there: whoever knows that may act for the viewer.
public struct ViewerStatus: Sendable, Hashable, Encodable {
    public enum State: String, Sendable, Hashable, Encodable {
        /// Nothing has come from it yet: no authenticated ICE check.
        case new
        /// DTLS handshake.
        case connecting
        case connected
    }

    /// Names it for as long as the engine lives; never given twice.
    public var id: String
    public var state: State
    /// The address that its HTTP request came from, when the host has told.
    public var client: String?
    /// Address and port that media goes to; `nil` before the first check.
    public var remoteAddress: String?
    /// When it was made, in microseconds since 1970.
    public var since: Int64
    public var packetsSent: UInt64 = 0
    /// With headers and tags.
    public var bytesSent: UInt64 = 0
    /// In bit/s, the mean since it was made.
    public var bitRate = 0
    /// As its reports say.
    public var packetsLost: UInt64 = 0
    /// Packets that it asked for again.
    public var nacks: UInt64 = 0
    /// Pictures that it asked for, PLI and FIR.
    public var pictureRequests: UInt64 = 0
    /// As its reports say; `nil` before the first.
    public var roundTripMilliseconds: Double?
    public var jitterMilliseconds: Double = 0

    private enum CodingKeys: String, CodingKey {
        case id, state, client, since, nacks
        case remoteAddress = "remote_address"
        case packetsSent = "packets_sent"
        case bytesSent = "bytes_sent"
        case bitRate = "bit_rate"
        case packetsLost = "packets_lost"
        case pictureRequests = "picture_requests"
        case roundTripMilliseconds = "round_trip_ms"
        case jitterMilliseconds = "jitter_ms"
    }

    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(id, forKey: .id)
        try values.encode(state, forKey: .state)
        try values.encodeIfPresent(client, forKey: .client)
        try values.encodeIfPresent(remoteAddress, forKey: .remoteAddress)
        try values.encode(WallClock.timestamp(since), forKey: .since)
        try values.encode(packetsSent, forKey: .packetsSent)
        try values.encode(bytesSent, forKey: .bytesSent)
        try values.encode(bitRate, forKey: .bitRate)
        try values.encode(packetsLost, forKey: .packetsLost)
        try values.encode(nacks, forKey: .nacks)
        try values.encode(pictureRequests, forKey: .pictureRequests)
        try values.encodeIfPresent(roundTripMilliseconds, forKey: .roundTripMilliseconds)
        try values.encode(jitterMilliseconds, forKey: .jitterMilliseconds)
    }
}

extension EgressEngine {
    /// The viewers of a stream, in the order of their ids; none when there is no such stream.
    ///
    /// The engine is asked for each of them, so a crowd is had in pages.
    /// - Parameters:
    ///   - id: those after this one; `nil`: from the first on.
    ///   - max: how many at most.
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

    /// Closes a viewer that ``viewers(of:after:max:)`` has named. Its client is told: DTLS close_notify, and the end of its events.
    /// - Returns: false when the stream has no such viewer, or not any more.
    @discardableResult
    public func closeViewer(_ id: String, of stream: String) -> Bool {
        guard let session = registry.session(ofViewer: id, of: stream) else { return false }
        return closeViewer(session: session.id, of: stream)
    }

    /// Closes the viewers of all streams, which go on.
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
        since = now - reading.age.microseconds
        packetsSent = reading.packetsSent
        bytesSent = reading.bytesSent
        bitRate = Int(saturating: Double(reading.bytesSent) * 8_000_000 / Double(Swift.max(1, reading.age.microseconds)))
        packetsLost = reading.packetsLost
        nacks = reading.nacks
        pictureRequests = reading.pictureRequests
        roundTripMilliseconds = reading.roundTripMicroseconds > 0 ? Double(reading.roundTripMicroseconds) / 1000 : nil
        jitterMilliseconds = Double(reading.jitterMicroseconds) / 1000
    }
}

extension Duration {
    fileprivate var microseconds: Int64 { Int64(saturating: self / .microseconds(1)) }
}
