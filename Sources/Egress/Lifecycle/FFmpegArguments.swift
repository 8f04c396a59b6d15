/// FFmpeg's side of a stream: one RTP output per leg.
public enum FFmpegArguments {
    /// The size of the datagrams that FFmpeg makes. With the SRTP tag, header extensions, UDP and IPv6 around them they stay under 1,280 bytes,
    /// which every path carries.
    static let packetSize = 1_160

    /// The flat argument list, video before audio.
    ///
    /// The legs are `udp://` and not `rtp://`, which would send the video's RTCP to the audio's port. Both carry the same
    /// `start_time_realtime`: without it each output assumes another time at which the process began, and sound and picture drift apart by that.
    /// - Parameters:
    ///   - config: normalised.
    ///   - videoPort: audio goes to the port above it.
    ///   - startTime: microseconds since 1970.
    public static func build(
        _ config: WebRTCConfig, videoPort: UInt16, plan: LegPlan? = nil, startTime: Int64 = WallClock.microseconds()
    ) -> [String] {
        var arguments: [String] = []
        if config.hasVideo {
            arguments += ["-map", config.videoMap]
            arguments += videoCodec(effective(plan, config))
            arguments += output(payloadType: config.videoPayloadType, port: videoPort, startTime: startTime)
        }
        if config.hasAudio {
            arguments += ["-map", config.audioMap]
            arguments += [
                "-c:a", "libopus", "-ar", "48000", "-ac", "2", "-b:a", "96k", "-application", "lowdelay", "-frame_duration", "20",
            ]
            arguments += output(payloadType: config.audioPayloadType, port: videoPort &+ 1, startTime: startTime)
        }
        return arguments
    }

    /// Makes one output per leg. A list without exactly two `-map`s is one leg with everything, so that nothing is cut off silently.
    public static func splitLegs(_ arguments: [String]) -> [ConfigIO] {
        let maps = arguments.indices.filter { arguments[$0] == "-map" }
        guard maps.count == 2 else { return [leg(arguments[...])] }
        return [leg(arguments[..<maps[1]]), leg(arguments[maps[1]...])]
    }

    private static func leg(_ tokens: ArraySlice<String>) -> ConfigIO {
        guard let address = tokens.last else { return ConfigIO() }
        return ConfigIO(id: "webrtc", address: address, options: Array(tokens.dropLast()))
    }

    /// `force_transcode` overrides a plan to copy: the operator asked for it explicitly.
    private static func effective(_ plan: LegPlan?, _ config: WebRTCConfig) -> LegPlan {
        guard config.forceTranscode else { return plan ?? .copy }
        if let plan, case .transcode = plan.video { return plan }
        return LegPlan(video: .transcode(framesPerSecond: nil))
    }

    private static func videoCodec(_ plan: LegPlan) -> [String] {
        switch plan.video {
        case .copy(let filters):
            return ["-c:v", "copy"] + (filters.isEmpty ? [] : ["-bsf:v", filters])
        case .transcode(let framesPerSecond):
            var arguments = plan.options + ["-c:v", "libx264", "-preset", "veryfast", "-tune", "zerolatency", "-profile:v", "baseline"]
            arguments += ["-pix_fmt", "yuv420p", "-bf", "0"]
            arguments += keyframes(framesPerSecond)
            arguments += ["-sc_threshold", "0"]
            if plan.singleSlice { arguments += ["-x264-params", "sliced-threads=0:threads=1"] }
            return arguments
        }
    }

    /// Asks for an IDR every 2 s by the times of the pictures, whatever their rate is. Where the rate is known, pictures are counted too: times may
    /// jump back, and then stay below the time of the last IDR for long.
    private static func keyframes(_ framesPerSecond: Double?) -> [String] {
        let byTime = ["-force_key_frames", "expr:isnan(prev_forced_t)+gte(t,prev_forced_t+2)"]
        guard let framesPerSecond, framesPerSecond > 0, framesPerSecond <= 1_000 else { return byTime }
        return ["-g", String(max(1, Int(saturating: framesPerSecond * 2)))] + byTime
    }

    private static func output(payloadType: Int, port: UInt16, startTime: Int64) -> [String] {
        [
            "-payload_type", String(payloadType), "-start_time_realtime", String(startTime), "-rtpflags", "send_bye",
            "-f", "rtp", "udp://127.0.0.1:\(port)?pkt_size=\(packetSize)",
        ]
    }
}
