#if Server
internal import Egress

/// Which legs a stream gets and how its video is made, with a sentence for each leg that says why.
struct LegDecision: Sendable, Hashable {
    /// Nothing in the input can be sent.
    struct NothingToSend: Error, CustomStringConvertible {
        var description = "the input has neither video nor audio that could be sent"
    }

    /// The operator's block, with the maps of missing streams set to "none".
    var config: WebRTCConfig
    var plan: LegPlan?
    /// The input as the probe found it; nil: the input as the operator gave it.
    var input: StreamInput?
    /// How the input is read.
    var reading = InputReading()
    /// The options for the video leg, in case it is encoded after all.
    private var encoderOptions: [String]
    var videoReason: String
    var audioReason: String

    var isCopy: Bool {
        guard case .copy? = plan?.video else { return false }
        return true
    }

    /// The longest GOP that is copied: a viewer that has to resynchronise waits that long.
    static let gopMax = Duration.seconds(2)

    /// - Parameter version: the version of the FFmpeg that will make the legs.
    init(
        probe: MediaProbe, input: StreamInput.Kind, config: WebRTCConfig, version: FFmpegVersion = .newest
    ) throws(NothingToSend) {
        self.config = config
        encoderOptions = Self.encoderOptions(isInterlaced: false, version)
        let video = StreamMap(config.videoMap, standard: "0:v:0").video(in: probe)
        let audio = StreamMap(config.audioMap, standard: "0:a:0").audio(in: probe)

        if let video, config.hasVideo {
            let objection = Self.objection(to: video, config: config)
            encoderOptions = Self.encoderOptions(isInterlaced: video.isInterlaced, version)
            plan = Self.plan(for: video, input: input, isCopy: objection == nil, encoderOptions)
            videoReason = objection.map { "encoding video: \($0)" } ?? "copying video: \(Self.praise(of: video))"
        } else {
            videoReason = config.hasVideo ? "no video leg: the input has no video" : "no video leg: video_map says so"
            self.config.videoMap = WebRTCConfig.noMap
        }

        if let audio, config.hasAudio {
            audioReason = "encoding audio from \(audio.codec) to Opus"
        } else {
            audioReason = config.hasAudio ? "no audio leg: the input has no audio" : "no audio leg: audio_map says so"
            self.config.audioMap = WebRTCConfig.noMap
        }
        guard self.config.hasVideo || self.config.hasAudio else { throw NothingToSend() }
    }

    /// The decision for an input that the server generates, which needs no probe.
    init(generatedAt framesPerSecond: Double, width: Int, height: Int, config: WebRTCConfig) {
        self.config = config
        encoderOptions = []
        plan = LegPlan(video: .transcode(framesPerSecond: framesPerSecond), width: width, height: height)
        videoReason = "encoding video: it is generated here"
        audioReason = "encoding audio: it is generated here"
    }

    /// The plan for the engine. A leg that `configured` asks for and the input lacks is missing at present, and may come later.
    func plan(of configured: WebRTCConfig) -> LegPlan {
        var plan = plan ?? .copy
        if configured.hasVideo, !config.hasVideo { plan.missing.insert(.video) }
        if configured.hasAudio, !config.hasAudio { plan.missing.insert(.audio) }
        return plan
    }

    /// The same legs, with video encoded after all.
    func transcoding(because reason: String) -> LegDecision {
        var other = self
        other.plan = LegPlan(video: .transcode(framesPerSecond: nil), options: encoderOptions)
        other.videoReason = "encoding video: \(reason)"
        return other
    }

    /// Pictures keep the times that they came with: with a constant rate FFmpeg would invent pictures that an input with a varying rate lacks. The
    /// filter leaves pictures alone that are not interlaced.
    private static func encoderOptions(isInterlaced: Bool, _ version: FFmpegVersion) -> [String] {
        version.frameTiming("vfr") + (isInterlaced ? ["-vf", "yadif=deint=interlaced"] : [])
    }

    /// Why the video cannot be copied; nil when it can.
    private static func objection(to video: MediaProbe.Video, config: WebRTCConfig) -> String? {
        if config.forceTranscode { return "force_transcode is set" }
        guard video.codec == "h264" else { return "it is \(video.codec), not H.264" }
        if let format = video.pixelFormat, format != "yuv420p", format != "yuvj420p" { return "it is \(format), not 8-bit 4:2:0" }
        if video.hasBFrames { return "it has B-frames, which WebRTC cannot reorder" }
        if let objection = objectionToPictures(video) { return objection }
        if let gop = video.gop, gop > gopMax { return "a keyframe comes only every \(seconds(gop)), and \(seconds(gopMax)) is the most" }
        return nil
    }

    /// Why the picture needs an encoder, or why a viewer that joins would have to wait; nil when neither is so.
    private static func objectionToPictures(_ video: MediaProbe.Video) -> String? {
        if video.pixelFormat == nil, video.width ?? 0 == 0 {
            return "its parameter sets are neither in its header nor in its first pictures"
        }
        if video.rotation != 0 { return "it has to be rotated by \(video.rotation)°, which browsers can't be told" }
        if video.isInterlaced { return "it is interlaced, and browsers would show its two fields as a comb" }
        if video.hasOtherKeyframes { return "some of its keyframes are not IDR pictures, and a viewer that joins can't begin with those" }
        return nil
    }

    private static func praise(of video: MediaProbe.Video) -> String {
        let gop = video.gop.map { "a keyframe at least every \(seconds($0))" } ?? "keyframe distance not known"
        return "H.264, 8-bit 4:2:0, no B-frames, \(gop)"
    }

    private static func plan(for video: MediaProbe.Video, input: StreamInput.Kind, isCopy: Bool, _ options: [String]) -> LegPlan {
        guard isCopy else {
            return LegPlan(
                video: .transcode(framesPerSecond: video.framesPerSecond), width: video.width, height: video.height, options: options)
        }
        return LegPlan(video: .copy(bitstreamFilters: bitstreamFilters(for: input)))
    }

    private static func bitstreamFilters(for input: StreamInput.Kind) -> String {
        switch input {
        // The demuxer that loops does it.
        case .file(loops: true): ""
        case .file(loops: false), .generated: LegPlan.defaultBitstreamFilters
        // Cameras and other live inputs may send their parameter sets only in the session description.
        case .rtsp, .live: LegPlan.defaultBitstreamFilters + ",dump_extra=freq=keyframe"
        }
    }

    private static func seconds(_ duration: Duration) -> String {
        let tenths = Int(saturating: duration / .milliseconds(100))
        return tenths % 10 == 0 ? "\(tenths / 10) s" : "\(tenths / 10).\(tenths % 10) s"
    }
}

/// FFmpeg's `-map`, parsed only to find out which track it takes: `0:v:1`, `0:a:0?`, `0:2`.
private struct StreamMap {
    private let kind: Substring?
    private let number: Int?

    init(_ text: String, standard: String) {
        let map = text.isEmpty ? standard : text
        let parts = map.prefix { $0 != "?" }.split(separator: ":").dropFirst()
        if let only = parts.first, let index = Int(only, radix: 10) {
            kind = nil
            number = index
        } else {
            kind = parts.first
            number = parts.dropFirst().first.flatMap { Int($0, radix: 10) }
        }
    }

    func video(in probe: MediaProbe) -> MediaProbe.Video? {
        guard kind == nil else { return Self.element(number ?? 0, of: probe.videos) }
        return probe.videos.first { $0.index == number } ?? probe.videos.first
    }

    func audio(in probe: MediaProbe) -> MediaProbe.Audio? {
        guard kind == nil else { return Self.element(number ?? 0, of: probe.audios) }
        return probe.audios.first { $0.index == number } ?? probe.audios.first
    }

    private static func element<Element>(_ position: Int, of list: [Element]) -> Element? {
        list.indices.contains(position) ? list[position] : nil
    }
}
#endif
