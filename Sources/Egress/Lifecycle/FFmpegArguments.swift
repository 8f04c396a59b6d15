/// FFmpeg's side of a stream: one RTP output per leg.
public enum FFmpegArguments {
    /// The size of the datagrams that FFmpeg makes. With the SRTP tag, header extensions, UDP and IPv6 around them they stay under 1,280 bytes,
    /// which every path carries.
    static let packetSize = 1_160

    /// The flat argument list: the first encoding, sound, then further encodings.
    ///
    /// The legs are `udp://` and not `rtp://`, which would send the video's RTCP to the audio's port. All carry the same
    /// `start_time_realtime`: without it each output has its own idea of when the process began, and sound and picture drift apart by that.
    /// - Parameters:
    ///   - config: normalised.
    ///   - videoPort: of the first encoding; audio goes to the port above it.
    ///   - furtherPorts: of the encodings behind the first, in their order; those that have none are left out.
    ///   - startTime: microseconds since 1970.
    public static func build(
        _ config: WebRTCConfig, videoPort: UInt16, furtherPorts: [UInt16] = [], plan: LegPlan? = nil,
        startTime: Int64 = WallClock.microseconds()
    ) -> [String] {
        var config = config
        // One without a port is not made, and nothing is decoded or split for it.
        config.encodings = Array(config.encodings.prefix(1 + furtherPorts.count))
        let video = VideoLegs(config, plan)
        let encodings = config.videoEncodings
        var arguments = video.graph.text.isEmpty ? [] : ["-filter_complex", video.graph.text]
        if let first = encodings.first {
            arguments += video.arguments(of: first)
            arguments += output(payloadType: first.payloadType, port: videoPort, startTime: startTime)
        }
        if config.hasAudio {
            arguments += ["-map", config.audioMap] + audio(config.audioCodec)
            arguments += output(payloadType: config.audioPayloadType, port: videoPort &+ 1, startTime: startTime)
        }
        for (encoding, port) in zip(encodings.dropFirst(), furtherPorts) {
            arguments += video.arguments(of: encoding)
            arguments += output(payloadType: encoding.payloadType, port: port, startTime: startTime)
        }
        return arguments
    }

    /// One output per leg. A list that doesn't hold exactly one `-map` for each is one leg that covers everything: nothing is cut off silently.
    /// - Parameter rids: of the encodings behind the first, whose legs come last and are called `webrtc:RID`.
    public static func splitLegs(_ arguments: [String], rids: [String] = []) -> [ConfigIO] {
        let maps = arguments.indices.filter { arguments[$0] == "-map" }
        guard maps.count > 1, (1...2).contains(maps.count - rids.count) else { return [leg(arguments[...], "webrtc")] }
        // What stands in front of the first -map, as a filter graph for all legs, is the first one's.
        let bounds = [arguments.startIndex] + maps.dropFirst() + [arguments.endIndex]
        let ids = Array(repeating: "webrtc", count: maps.count - rids.count) + rids.map { "webrtc:\($0)" }
        return zip(zip(bounds, bounds.dropFirst()), ids).map { range, id in leg(arguments[range.0..<range.1], id) }
    }

    private static func leg(_ tokens: ArraySlice<String>, _ id: String) -> ConfigIO {
        guard let address = tokens.last else { return ConfigIO() }
        return ConfigIO(id: id, address: address, options: Array(tokens.dropLast()))
    }

    private static func audio(_ codec: AudioCodec) -> [String] {
        // Packets of 20 ms: without the filter FFmpeg cuts them as its decoder does.
        let evenPackets = ["-af", "aresample=8000,asetnsamples=n=160:p=0", "-ac", "1"]
        return switch codec {
        case .opus:
            ["-c:a", "libopus", "-ar", "48000", "-ac", "2", "-b:a", "96k", "-application", "lowdelay", "-frame_duration", "20"]
        case .pcmu: ["-c:a", "pcm_mulaw"] + evenPackets
        case .pcma: ["-c:a", "pcm_alaw"] + evenPackets
        case .g722: ["-c:a", "g722", "-ar", "16000", "-ac", "1"]
        }
    }

    private static func output(payloadType: Int, port: UInt16, startTime: Int64) -> [String] {
        [
            "-payload_type", String(payloadType), "-start_time_realtime", String(startTime), "-rtpflags", "send_bye",
            "-f", "rtp", "udp://127.0.0.1:\(port)?pkt_size=\(packetSize)",
        ]
    }
}
