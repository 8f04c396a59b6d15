// The seam to C: with MachineProbe.swift the only file that imports CEgress, so that no C type, pointer or status gets any further.
//
// The hooks' context is an unretained reference to `sink`, which the handle stores. That is enough: eg_engine_destroy, called by deinit,
// returns only when no hook can run again, and the stored properties are released after the body of deinit.
internal import CEgress

/// A C engine and its life. Every call may come from any thread; none may come from inside `receive`.
struct EngineHandle: ~Copyable, @unchecked Sendable {
    private let engine: OpaquePointer
    private let sink: EventSink

    /// `receive` runs on the engine's threads, perhaps on several at once: it must be quick and must not call the handle.
    init(_ configuration: EgressConfiguration, receive: @escaping @Sendable (EngineEvent) -> Void) throws(EgressError) {
        let sink = EventSink(receive)
        var hooks = eg_hooks()
        hooks.context = Unmanaged.passUnretained(sink).toOpaque()
        hooks.viewer = { context, event in EventSink.from(context)?.receive(event.pointee) }
        hooks.stream = { context, event in EventSink.from(context)?.receive(event.pointee) }
        var config = configuration.forC
        var engine: OpaquePointer?
        var error = eg_error()
        let status = configuration.udpAddress.withOptionalCString { address in
            config.udp_address = address
            return eg_engine_create(&config, &hooks, &engine, &error)
        }
        guard status == .EG_STATUS_OK, let engine else { throw EgressError(status, error) }
        self.engine = engine
        self.sink = sink
    }

    deinit { eg_engine_destroy(engine) }

    var info: EngineInfo {
        var info = eg_engine_info()
        eg_engine_info(engine, &info)
        return EngineInfo(info)
    }

    struct StreamPorts: Sendable {
        let stream: UInt64
        let video: UInt16
        let audio: UInt16
    }

    func createStream(_ config: WebRTCConfig) throws(EgressError) -> StreamPorts {
        var request = eg_stream_config()
        request.has_video = config.hasVideo
        request.has_audio = config.hasAudio
        request.video_payload_type = UInt8(clamping: config.videoPayloadType)
        request.audio_payload_type = UInt8(clamping: config.audioPayloadType)
        var info = eg_stream_info()
        var error = eg_error()
        let status = eg_stream_create(engine, &request, &info, &error)
        guard status == .EG_STATUS_OK else { throw EgressError(status, error) }
        return StreamPorts(stream: info.stream, video: info.video_port, audio: info.audio_port)
    }

    /// Closes its viewers, then its ports.
    func destroyStream(_ stream: UInt64) {
        _ = eg_stream_destroy(engine, stream)
    }

    /// `nil` when the stream is gone.
    func stats(of stream: UInt64) -> StreamReading? {
        var stats = eg_stream_stats()
        guard eg_stream_stats(engine, stream, &stats) == .EG_STATUS_OK else { return nil }
        return StreamReading(stats)
    }

    func createViewer(of stream: UInt64, _ peer: ViewerRequest) throws(EgressError) -> ViewerIdentity {
        var info = eg_viewer_info()
        var error = eg_error()
        let status = peer.iceUfrag.withCString { ufrag in
            peer.icePwd.withCString { pwd in
                peer.fingerprint.withCString { fingerprint in
                    var request = eg_viewer_config(
                        stream: stream, ice_ufrag: ufrag, ice_pwd: pwd, fingerprint: fingerprint,
                        has_video: peer.videoPayloadType != nil, has_audio: peer.audioPayloadType != nil,
                        has_video_rtx: peer.videoRTXPayloadType != nil, video_payload_type: peer.videoPayloadType ?? 0,
                        video_rtx_payload_type: peer.videoRTXPayloadType ?? 0, audio_payload_type: peer.audioPayloadType ?? 0,
                        local_ice_ufrag: nil, local_ice_pwd: nil)
                    return peer.local.withOptionalCStrings { ufrag, pwd in
                        request.local_ice_ufrag = ufrag
                        request.local_ice_pwd = pwd
                        return eg_viewer_create(engine, &request, &info, &error)
                    }
                }
            }
        }
        guard status == .EG_STATUS_OK else { throw EgressError(status, error, invalid: .invalidOffer) }
        return ViewerIdentity(info)
    }

    /// New credentials of the viewer's; gives new ones of the engine's. On failure the old ones stay.
    func restartICE(_ viewer: UInt64, _ remote: ICECredentials) throws(EgressError) -> ViewerIdentity {
        var info = eg_viewer_info()
        var error = eg_error()
        let status = remote.ufrag.withCString { ufrag in
            remote.pwd.withCString { pwd in eg_viewer_restart_ice(engine, viewer, ufrag, pwd, &info, &error) }
        }
        guard status == .EG_STATUS_OK else { throw EgressError(status, error, invalid: .invalidOffer) }
        return ViewerIdentity(info)
    }

    /// `nil` when the viewer is gone.
    func stats(ofViewer viewer: UInt64) -> ViewerReading? {
        var stats = eg_viewer_stats()
        guard eg_viewer_stats(engine, viewer, &stats) == .EG_STATUS_OK else { return nil }
        return ViewerReading(stats)
    }

    func closeViewer(_ viewer: UInt64) {
        _ = eg_viewer_close(engine, viewer)
    }

    static func turnPassword(secret: String, username: String) -> String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(clamping: EG_TURN_PASSWORD_SIZE)) { password in
            guard let base = password.baseAddress else { return "" }
            eg_turn_password(secret, username, base)
            return String(cString: base)
        }
    }

    var statistics: EngineStatistics {
        var stats = eg_engine_stats()
        let status = eg_engine_stats(engine, &stats)
        assert(status == .EG_STATUS_OK, "asked from inside `receive`")
        return EngineStatistics(stats)
    }
}

/// Stands at the end of the C hooks.
private final class EventSink: Sendable {
    private let handler: @Sendable (EngineEvent) -> Void

    init(_ handler: @escaping @Sendable (EngineEvent) -> Void) { self.handler = handler }

    static func from(_ context: UnsafeMutableRawPointer?) -> EventSink? {
        context.map { Unmanaged<EventSink>.fromOpaque($0).takeUnretainedValue() }
    }

    func receive(_ event: eg_viewer_event) {
        let address = String(terminated: event.remote_address)
        switch event.state {
        case .EG_VIEWER_CONNECTED: handler(.viewerConnected(viewer: event.viewer, remoteAddress: address))
        case .EG_VIEWER_CLOSED: handler(.viewerClosed(viewer: event.viewer, reason: CloseReason(event.reason), remoteAddress: address))
        default: break
        }
    }

    func receive(_ event: eg_stream_event) {
        switch event.kind {
        case .EG_STREAM_VIDEO_FORMAT:
            if let format = VideoFormat(event.video) { handler(.videoFormat(stream: event.stream, format)) }
        case .EG_STREAM_ACTIVE: handler(.streamActive(stream: event.stream))
        case .EG_STREAM_INACTIVE: handler(.streamInactive(stream: event.stream))
        case .EG_STREAM_RESTARTED: handler(.streamRestarted(stream: event.stream))
        case .EG_STREAM_B_FRAMES: handler(.streamHasBFrames(stream: event.stream))
        default: break
        }
    }
}

extension EgressConfiguration {
    /// Everything but the address, whose bytes the caller has to keep. Zero would mean the default there, and the port's default is not ours.
    fileprivate var forC: eg_config {
        var config = eg_config()
        config.udp_port = udpPort
        config.source_port_min = sourcePorts?.lowerBound ?? 0
        config.source_port_max = sourcePorts?.upperBound ?? 0
        config.io =
            switch io {
            case .auto: .EG_IO_AUTO
            case .uring: .EG_IO_URING
            case .epoll: .EG_IO_EPOLL
            }
        config.workers = workers.map { UInt32(clamping: $0) } ?? eg_cores()
        config.streams_max = UInt32(clamping: streamsMax)
        config.viewers_max = UInt32(clamping: viewersMax)
        config.burst_bit_rate_max = UInt32(clamping: burstBitRateMax)
        config.burst_bit_rate_all_max_kbit = UInt32(clamping: burstBitRateAllMax / 1000)
        config.source_grace_ms = UInt32(saturating: max(1, sourceGrace / .milliseconds(1)))
        config.handshakes_max = UInt32(clamping: limits.handshakesMax)
        config.handshakes_per_address_max = UInt32(clamping: limits.handshakesPerAddressMax)
        config.handshake_timeout_ms = UInt32(saturating: limits.handshakeTimeout / .milliseconds(1))
        config.handshake_size_max = UInt32(clamping: limits.handshakeSizeMax)
        return config
    }
}

extension EgressError {
    /// `invalid` is what an argument that the engine refuses comes down to for the caller.
    fileprivate init(_ status: eg_status, _ error: eg_error, invalid: Code = .invalidConfiguration) {
        let text = String(terminated: error.message)
        let code: Code
        switch status {
        case .EG_STATUS_NO_PORTS:
            // Hosts know this sentence. The engine counts the attempts too, so only what follows is taken from it.
            let cause = text.split(separator: "the last: ", maxSplits: 1).last ?? "unknown"
            self.init(code: .portsExhausted, message: "webrtc: allocate adjacent UDP port pair after 10 attempts: \(cause)")
            return
        case .EG_STATUS_INVALID_ARGUMENT: code = invalid
        case .EG_STATUS_ADDRESS_IN_USE: code = .addressInUse
        case .EG_STATUS_LIMIT_REACHED: code = .limitReached
        case .EG_STATUS_NOT_FOUND: code = .notFound
        case .EG_STATUS_INACTIVE: code = .notActive
        default: code = .engine
        }
        self.init(code: code, message: "webrtc: \(text.isEmpty ? "engine status \(status.rawValue)" : text)")
    }
}

extension CloseReason {
    fileprivate init(_ reason: eg_close_reason) {
        self =
            switch reason {
            case .EG_CLOSE_REQUESTED: .requested
            case .EG_CLOSE_STREAM_STOPPED: .streamStopped
            case .EG_CLOSE_PEER: .peer
            case .EG_CLOSE_NO_CHECK: .noCheck
            case .EG_CLOSE_CONSENT_EXPIRED: .consentExpired
            case .EG_CLOSE_HANDSHAKE_TIMEOUT: .handshakeTimeout
            case .EG_CLOSE_HANDSHAKE_FAILED: .handshakeFailed
            case .EG_CLOSE_FINGERPRINT: .fingerprint
            case .EG_CLOSE_SOURCE_LOST: .sourceLost
            case .EG_CLOSE_CONGESTION: .congestion
            default: .other(reason.rawValue)
            }
    }
}

extension EngineInfo {
    fileprivate init(_ info: eg_engine_info) {
        self.init()
        udpPort = info.udp_port
        workers = Int(clamping: info.workers)
        io = info.io == .EG_IO_URING ? .uring : .epoll
        let reason = String(terminated: info.io_reason)
        ioFallbackReason = reason.isEmpty ? nil : reason
        crypto = String(terminated: info.crypto)
        gso = info.gso
        viewerSendBufferSize = Int(clamping: info.viewer_send_buffer_size)
        viewerReceiveBufferSize = Int(clamping: info.viewer_receive_buffer_size)
        fingerprint = String(terminated: info.fingerprint)
    }
}

extension ViewerIdentity {
    fileprivate init(_ info: eg_viewer_info) {
        self.init(
            viewer: info.viewer, iceUfrag: String(terminated: info.ice_ufrag), icePwd: String(terminated: info.ice_pwd),
            cname: String(terminated: info.cname), videoSSRC: info.video_ssrc, videoRTXSSRC: info.video_rtx_ssrc, audioSSRC: info.audio_ssrc
        )
    }
}

extension VideoFormat {
    /// `nil` when no IDR was seen with its sequence parameter set.
    fileprivate init?(_ format: eg_video_format) {
        guard format.profile_idc != 0 else { return nil }
        self.init(
            profileIDC: format.profile_idc, constraints: format.constraints, levelIDC: format.level_idc,
            chromaFormatIDC: format.chroma_format_idc, width: Int(clamping: format.width), height: Int(clamping: format.height))
    }
}

extension StreamReading {
    fileprivate init(_ stats: eg_stream_stats) {
        var statistics = StreamStatistics()
        statistics.video = SourceStatistics(stats.video)
        statistics.audio = SourceStatistics(stats.audio)
        statistics.pictures = stats.pictures
        statistics.idrs = stats.idrs
        statistics.gopMilliseconds = Int(clamping: stats.gop_ms)
        statistics.packetsSent = stats.packets_sent
        statistics.bytesSent = stats.bytes_sent
        statistics.dropped = .drops(stats.dropped).filter { $0.key.hasPrefix("source_") }  // the others happen at the viewers' port
        self.init(
            viewers: Int(clamping: stats.viewers), viewersConnected: Int(clamping: stats.viewers_connected),
            format: VideoFormat(stats.format),
            hasBFrames: stats.has_b_frames, statistics: statistics)
    }
}

extension ViewerReading {
    /// `nil` for one that is closed.
    fileprivate init?(_ stats: eg_viewer_stats) {
        let state: ViewerStatus.State
        switch stats.state {
        case .EG_VIEWER_NEW: state = .new
        case .EG_VIEWER_CONNECTING: state = .connecting
        case .EG_VIEWER_CONNECTED: state = .connected
        default: return nil
        }
        let address = String(terminated: stats.remote_address)
        self.init(
            state: state, remoteAddress: address.isEmpty ? nil : address, age: .milliseconds(1) * Int(clamping: stats.age_ms),
            packetsSent: stats.packets_sent,
            bytesSent: stats.bytes_sent, packetsLost: stats.lost, nacks: stats.nacks, pictureRequests: stats.plis,
            roundTripMicroseconds: stats.round_trip_us, jitterMicroseconds: stats.jitter_us)
    }
}

extension SourceStatistics {
    fileprivate init(_ stats: eg_source_stats) {
        self.init()
        isActive = stats.active
        packets = stats.packets
        bytes = stats.bytes
        lost = stats.lost
        restarts = stats.restarts
        bytesStored = stats.bytes_stored
        bitRate = Int(clamping: stats.bit_rate)
    }
}

extension EngineStatistics {
    fileprivate init(_ stats: eg_engine_stats) {
        self.init()
        streams = Int(clamping: stats.streams)
        viewers = Int(clamping: stats.viewers)
        viewersConnected = Int(clamping: stats.viewers_connected)
        handshakes = Int(clamping: stats.handshakes)
        viewersCreated = stats.viewers_created
        handshakesDone = stats.handshakes_done
        handshakesFailed = stats.handshakes_failed
        closed = .closings(stats.closed)
        packetsReceived = stats.packets_received
        bytesReceived = stats.bytes_received
        packetsSent = stats.packets_sent
        bytesSent = stats.bytes_sent
        repairsSent = stats.repairs_sent
        repairsRefused = stats.repairs_refused
        picturesIncomplete = stats.pictures_incomplete
        burstsBegun = stats.bursts_begun
        burstsRefused = stats.bursts_refused
        messagesSent = stats.messages_sent
        sendCalls = stats.send_calls
        loopTurns = stats.loop_turns
        threadMicroseconds = stats.thread_cpu_us
        dropped = .drops(stats.dropped)
    }
}

extension [String: UInt64] {
    /// Every reason is there, also those that never happened, so that a metric exists before its first event.
    fileprivate static func drops<Counters>(_ counters: Counters) -> Self {
        named(counters, 0..<eg_drop.EG_DROP_COUNT.rawValue) { eg_drop(rawValue: $0).map(eg_drop_name) }
    }

    fileprivate static func closings<Counters>(_ counters: Counters) -> Self {
        let reasons = eg_close_reason.EG_CLOSE_REQUESTED.rawValue...eg_close_reason.EG_CLOSE_CONGESTION.rawValue
        return named(counters, Range(reasons)) { eg_close_reason(rawValue: $0).map(eg_close_reason_name) }
    }

    /// A C array is a tuple here, so its elements are read through its bytes.
    private static func named<Counters>(_ counters: Counters, _ codes: Range<Int32>, name: (Int32) -> UnsafePointer<CChar>?) -> Self {
        withUnsafeBytes(of: counters) { bytes in
            var result: Self = [:]
            for code in codes {
                guard let name = name(code) else { continue }
                result[String(cString: name)] = bytes.loadUnaligned(
                    fromByteOffset: Int(clamping: code) * MemoryLayout<UInt64>.size, as: UInt64.self)
            }
            return result
        }
    }
}

extension String {
    /// A C character array, which is a tuple here, up to its terminator.
    init<Characters>(terminated characters: Characters) {
        self = withUnsafeBytes(of: characters) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
}

extension ICECredentials? {
    fileprivate func withOptionalCStrings<Result>(_ body: (UnsafePointer<CChar>?, UnsafePointer<CChar>?) -> Result) -> Result {
        guard let self else { return body(nil, nil) }
        return self.ufrag.withCString { ufrag in self.pwd.withCString { pwd in body(ufrag, pwd) } }
    }
}

extension String? {
    fileprivate func withOptionalCString<Result>(_ body: (UnsafePointer<CChar>?) -> Result) -> Result {
        guard let self else { return body(nil) }
        return self.withCString(body)
    }
}
