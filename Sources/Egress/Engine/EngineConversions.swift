// C's values as Swift's, and back. With EngineHandle.swift, which calls the engine, the only file that imports CEgress.
internal import CEgress

extension EgressConfiguration {
    /// Everything but the address, whose bytes the caller has to keep. Every field is set: zero means C's default, and C's default port is not ours.
    var forC: eg_config {
        var config = eg_config()
        config.udp_port = udpPort
        config.source_port_min = sourcePorts?.lowerBound ?? 0
        config.source_port_max = sourcePorts?.upperBound ?? 0
        config.io = io.forC
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

extension IOBackend {
    var forC: eg_io {
        switch self {
        case .auto: .EG_IO_AUTO
        case .uring: .EG_IO_URING
        case .epoll: .EG_IO_EPOLL
        }
    }

    init(_ io: eg_io) { self = Self.allCases.first { $0.forC == io } ?? .auto }
}

extension EgressError {
    /// - Parameter invalid: what it means for the caller that the engine refuses an argument.
    init(_ status: eg_status, _ error: eg_error, invalid: Code = .invalidConfiguration) {
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
    init(_ reason: eg_close_reason) {
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
            case .EG_CLOSE_WRONG_PASSWORD: .wrongPassword
            case .EG_CLOSE_NO_HANDSHAKE: .noHandshake
            case .EG_CLOSE_NO_SRTP_PROFILE: .noSRTPProfile
            default: .other(reason.rawValue)
            }
    }
}

extension SwitchReason {
    /// `nil` for none, and for one that is not known here.
    init?(_ reason: eg_switch_reason) {
        switch reason {
        case .EG_SWITCH_CONGESTION: self = .congestion
        case .EG_SWITCH_NO_FEEDBACK: self = .noFeedback
        case .EG_SWITCH_BOUND: self = .bound
        case .EG_SWITCH_ROOM: self = .room
        case .EG_SWITCH_PINNED: self = .pinned
        case .EG_SWITCH_ENCODING_LOST: self = .encodingLost
        default: return nil
        }
    }
}

extension EngineInfo {
    init(_ info: eg_engine_info) {
        self.init()
        udpPort = info.udp_port
        workers = Int(clamping: info.workers)
        io = IOBackend(info.io)
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
    init(_ info: eg_viewer_info) {
        self.init(
            viewer: info.viewer, iceUfrag: String(terminated: info.ice_ufrag), icePwd: String(terminated: info.ice_pwd),
            cname: String(terminated: info.cname), videoSSRC: info.video_ssrc, videoRTXSSRC: info.video_rtx_ssrc, audioSSRC: info.audio_ssrc
        )
    }
}

extension VideoFormat {
    /// `nil` when no key picture was seen that says how large it is.
    init?(_ format: eg_video_format, _ codec: VideoCodec = .h264) {
        guard format.width > 0 else { return nil }
        self.init(
            codec: codec, profileIDC: format.profile_idc, constraints: format.constraints, levelIDC: format.level_idc,
            chromaFormatIDC: format.chroma_format_idc, width: Int(clamping: format.width), height: Int(clamping: format.height))
    }
}

extension VideoCodec {
    var forC: eg_codec {
        switch self {
        case .h264: .EG_CODEC_H264
        case .h265: .EG_CODEC_H265
        case .vp8: .EG_CODEC_VP8
        case .vp9: .EG_CODEC_VP9
        case .av1: .EG_CODEC_AV1
        }
    }
}

extension AudioCodec {
    var forC: eg_codec {
        switch self {
        case .opus: .EG_CODEC_OPUS
        case .pcmu: .EG_CODEC_PCMU
        case .pcma: .EG_CODEC_PCMA
        case .g722: .EG_CODEC_G722
        }
    }
}

extension EncodingReading {
    init(_ stats: eg_encoding_stats, _ codec: VideoCodec) {
        self.init(
            isActive: stats.source.active, format: VideoFormat(stats.format, codec), hasBFrames: stats.has_b_frames,
            hasOtherCodec: stats.has_other_codec,
            bitRate: Int(clamping: stats.source.bit_rate), gopMilliseconds: Int(clamping: stats.gop_ms),
            viewers: Int(clamping: stats.viewers))
    }
}

extension StreamReading {
    /// - Parameter codec: of the first encoding.
    init(_ stats: eg_stream_stats, _ codec: VideoCodec) {
        var statistics = StreamStatistics()
        statistics.video = SourceStatistics(stats.video)
        statistics.audio = SourceStatistics(stats.audio)
        statistics.pictures = stats.pictures
        statistics.idrs = stats.idrs
        statistics.gopMilliseconds = Int(clamping: stats.gop_ms)
        statistics.packetsSent = stats.packets_sent
        statistics.bytesSent = stats.bytes_sent
        statistics.switchesUp = stats.switches_up
        statistics.switchesDown = stats.switches_down
        statistics.pausedSeconds = Double(stats.paused_ms) / 1000
        statistics.dropped = .drops(stats.dropped).filter { $0.key.hasPrefix("source_") }  // the others happen at the viewers' port
        self.init(
            viewers: Int(clamping: stats.viewers), viewersConnected: Int(clamping: stats.viewers_connected),
            format: VideoFormat(stats.format, codec),
            hasBFrames: stats.has_b_frames, statistics: statistics)
    }
}

extension ViewerReading {
    /// `nil` for a viewer that is closed.
    init?(_ stats: eg_viewer_stats) {
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
            roundTripMicroseconds: stats.round_trip_us, jitterMicroseconds: stats.jitter_us, encoding: Int(clamping: stats.encoding),
            estimateBitRate: Int(clamping: stats.estimate_bit_rate), switchesUp: Int(clamping: stats.switches_up),
            switchesDown: Int(clamping: stats.switches_down), switchReason: SwitchReason(stats.switch_reason),
            pinned: stats.pinned >= 0 ? Int(clamping: stats.pinned) : nil, isPaused: stats.is_paused != 0,
            pausedMilliseconds: stats.paused_ms, hasNoFeedback: stats.has_no_feedback != 0)
    }
}

extension SourceStatistics {
    init(_ stats: eg_source_stats) {
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
    init(_ stats: eg_engine_stats) {
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
        probesBegun = stats.probes_begun
        probesFailed = stats.probes_failed
        probePacketsSent = stats.probe_packets_sent
        switchesUp = stats.switches_up
        switchesDown = stats.switches_down
        pausedSeconds = Double(stats.paused_ms) / 1000
        threadMicroseconds = stats.thread_cpu_us
        dropped = .drops(stats.dropped)
    }
}

extension MachineProbe {
    init(_ probe: eg_probe, cores: UInt32) {
        self.init(
            ioUringProblem: probe.io_uring ? nil : String(terminated: probe.io_uring_reason),
            gsoProblem: probe.gso ? nil : String(terminated: probe.gso_reason),
            receiveBufferSize: Int(clamping: probe.receive_buffer_size),
            receiveBufferAsked: Int(clamping: probe.receive_buffer_asked),
            crypto: String(terminated: probe.crypto),
            openSSLVersion: String(terminated: probe.openssl),
            cores: Int(clamping: cores))
    }
}

extension [String: UInt64] {
    /// Has every reason, also those that never happened, so that a metric exists before its first event.
    static func drops<Counters>(_ counters: Counters) -> Self {
        named(counters, 0..<eg_drop.EG_DROP_COUNT.rawValue) { eg_drop(rawValue: $0).map(eg_drop_name) }
    }

    static func closings<Counters>(_ counters: Counters) -> Self {
        let reasons = eg_close_reason.EG_CLOSE_REQUESTED.rawValue...eg_close_reason.EG_CLOSE_NO_SRTP_PROFILE.rawValue
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
