// The seam to C: every call of the engine is here. With EngineConversions.swift the only file that imports CEgress, so that no C type, pointer or
// status gets any further.
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
        hooks.encoding = { context, event in EventSink.from(context)?.receive(event.pointee) }
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
        /// Those of the encodings behind the first, in their order.
        var further: [UInt16] = []
    }

    func createStream(_ config: WebRTCConfig) throws(EgressError) -> StreamPorts {
        var request = eg_stream_config()
        request.has_video = config.hasVideo
        request.has_audio = config.hasAudio
        request.audio_payload_type = UInt8(clamping: config.audioPayloadType)
        request.audio_codec = config.audioCodec.forC
        let encodings = config.videoEncodings
        if let first = encodings.first {
            request.video_payload_type = UInt8(clamping: first.payloadType)
            request.video_codec = first.codec.forC
        }
        let further = encodings.dropFirst()
        request.further_count = UInt32(clamping: further.count)
        withUnsafeMutableBytes(of: &request.further) { bytes in
            let configs = bytes.bindMemory(to: eg_encoding_config.self)
            for (place, encoding) in zip(configs.indices, further) {
                configs[place] = eg_encoding_config(codec: encoding.codec.forC, payload_type: UInt32(clamping: encoding.payloadType))
            }
        }
        withUnsafeMutableBytes(of: &request.bit_rates) { bytes in
            let bitRates = bytes.bindMemory(to: UInt32.self)
            for (place, encoding) in zip(bitRates.indices, encodings) { bitRates[place] = UInt32(clamping: encoding.bitRate) }
        }
        var info = eg_stream_info()
        var error = eg_error()
        let status = eg_stream_create(engine, &request, &info, &error)
        guard status == .EG_STATUS_OK else { throw EgressError(status, error) }
        let furtherPorts = withUnsafeBytes(of: info.further_ports) { Array($0.bindMemory(to: UInt16.self).prefix(further.count)) }
        return StreamPorts(stream: info.stream, video: info.video_port, audio: info.audio_port, further: furtherPorts)
    }

    /// Closes a stream: its viewers, then its ports.
    func destroyStream(_ stream: UInt64) {
        _ = eg_stream_destroy(engine, stream)
    }

    /// `nil` when the stream is gone.
    /// - Parameter codec: of the first encoding.
    func stats(of stream: UInt64, _ codec: VideoCodec) -> StreamReading? {
        var stats = eg_stream_stats()
        guard eg_stream_stats(engine, stream, &stats) == .EG_STATUS_OK else { return nil }
        return StreamReading(stats, codec)
    }

    /// `nil` when the stream, or the encoding, is gone.
    /// - Parameter encoding: its place among the stream's.
    func stats(of stream: UInt64, encoding: Int, _ codec: VideoCodec) -> EncodingReading? {
        var stats = eg_encoding_stats()
        guard eg_encoding_stats(engine, stream, UInt32(clamping: encoding), &stats) == .EG_STATUS_OK else { return nil }
        return EncodingReading(stats, codec)
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
                        local_ice_ufrag: nil, local_ice_pwd: nil,
                        encoding: UInt64(clamping: peer.videoEncoding), ladder: peer.ladder.reduce(0) { $0 | 1 << UInt32(clamping: $1) },
                        transport_cc_id: UInt32(clamping: peer.transportCCID ?? 0), bit_rate_max: UInt64(clamping: peer.bitRateMax ?? 0))
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

    /// Takes the viewer's new credentials and returns new ones of the engine's. On failure the old ones stay.
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

    /// - Parameter encoding: by its place among the stream's; `nil`: the viewer's link decides.
    /// - Throws: ``EgressError/Code/notFound``, ``EgressError/Code/unavailableEncoding``; nothing has changed then.
    func pin(_ viewer: UInt64, to encoding: Int?) throws(EgressError) {
        var error = eg_error()
        let status = eg_viewer_pin(engine, viewer, encoding.map { Int32(clamping: $0) } ?? Int32(clamping: EG_ENCODING_AUTO), &error)
        guard status == .EG_STATUS_OK else { throw EgressError(status, error, invalid: .unavailableEncoding) }
    }

    func closeViewer(_ viewer: UInt64) {
        _ = eg_viewer_close(engine, viewer)
    }

    /// What the machine offers, found by trying: without an engine.
    static func probe() -> MachineProbe {
        var probe = eg_probe()
        eg_probe(&probe)
        return MachineProbe(probe, cores: eg_cores())
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
        assert(status == .EG_STATUS_OK, "called from inside `receive`")
        return EngineStatistics(stats)
    }
}

/// Receives what the C hooks report.
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
        case .EG_VIEWER_CLOSED:
            let alert = TLSAlert(number: event.alert, isOurs: event.alert_is_ours != 0)
            handler(.viewerClosed(viewer: event.viewer, reason: CloseReason(event.reason), remoteAddress: address, alert: alert))
        default: break
        }
    }

    func receive(_ event: eg_stream_event) {
        switch event.kind {
        case .EG_STREAM_VIDEO_FORMAT:
            if let format = VideoFormat(event.video) {
                handler(.videoFormat(stream: event.stream, encoding: Int(clamping: event.encoding), format))
            }
        case .EG_STREAM_ACTIVE: handler(.streamActive(stream: event.stream))
        case .EG_STREAM_INACTIVE: handler(.streamInactive(stream: event.stream))
        case .EG_STREAM_RESTARTED: handler(.streamRestarted(stream: event.stream))
        case .EG_STREAM_B_FRAMES: handler(.streamHasBFrames(stream: event.stream))
        case .EG_STREAM_OTHER_CODEC: handler(.streamHasOtherCodec(stream: event.stream, encoding: Int(clamping: event.encoding)))
        default: break
        }
    }

    func receive(_ event: eg_switch_event) {
        handler(
            .viewerSwitched(
                viewer: event.viewer, stream: event.stream, encoding: Int(exactly: event.encoding).flatMap { $0 >= 0 ? $0 : nil },
                reason: SwitchReason(event.reason)))
    }
}

extension ICECredentials? {
    fileprivate func withOptionalCStrings<Result>(_ body: (UnsafePointer<CChar>?, UnsafePointer<CChar>?) -> Result) -> Result {
        guard let self else { return body(nil, nil) }
        return self.ufrag.withCString { ufrag in self.pwd.withCString { pwd in body(ufrag, pwd) } }
    }
}
