#if Server
internal import Egress

/// Which legs a stream gets and how they are made, with a sentence for each that says why.
struct LegDecision: Sendable, Hashable {
    /// What was configured cannot be had: not of this input, or not with this FFmpeg.
    struct Impossible: Error, Sendable, Hashable, CustomStringConvertible {
        /// Of the block, "encodings[1].copy"; nil when it is the whole.
        var field: String?
        var problem: String

        var description: String { field.map { "webrtc.\($0): \(problem)" } ?? problem }

        static let nothingToSend = Impossible(field: nil, problem: "the input has neither video nor audio that could be sent")
    }

    /// The operator's block, with the list that a word stands for.
    private(set) var configured: WebRTCConfig
    /// The same, with the maps of missing streams set to "none".
    private(set) var config: WebRTCConfig
    /// What is read, as it was found; nil: as it was given.
    var input: StreamInput?
    /// How it is read.
    var reading = InputReading()
    /// The first is what the engine's numbers of video are about.
    private(set) var encodings: [EncodingDecision] = []
    private(set) var audioReason: String
    /// Why there is no video leg, if there is none.
    private var absenceReason: String
    /// What each encoding is made of.
    private var videos: [MediaProbe.Video] = []
    private let ffmpeg: FFmpegAbilities

    /// - Parameters:
    ///   - automatic: how the list of encodings is made, unless the configuration has one.
    ///   - ffmpeg: that will make the legs.
    init(
        probe: MediaProbe, input: StreamInput.Kind, config: WebRTCConfig, automatic: AutomaticEncodings? = nil,
        ffmpeg: FFmpegAbilities = .init()
    ) throws(Impossible) {
        self.ffmpeg = ffmpeg
        configured = config
        if let automatic, config.encodings.isEmpty { configured.encodings = try automatic.list(for: probe.videos.first, ffmpeg) }
        self.config = configured
        absenceReason = config.hasVideo ? "no video leg: the input has no video" : "no video leg: video_map says so"
        audioReason = config.hasAudio ? "no audio leg: the input has no audio" : "no audio leg: audio_map says so"
        try decideVideo(probe, input, isLadder: automatic == .ladder)
        try decideAudio(probe)
        guard self.config.hasVideo || self.config.hasAudio else { throw .nothingToSend }
    }

    /// For an input of our own making, which needs no probe.
    init(
        generatedAt framesPerSecond: Double, width: Int, height: Int, config: WebRTCConfig, ffmpeg: FFmpegAbilities = .init()
    ) throws(Impossible) {
        self.ffmpeg = ffmpeg
        configured = config
        self.config = config
        absenceReason = ""
        audioReason = "encoding audio: it is generated here"
        for (index, encoding) in config.videoEncodings.enumerated() {
            encodings.append(
                try EncodingDecision(
                    encoding, field: field(index), generatedAt: framesPerSecond, width: width, height: height, ffmpeg))
        }
    }

    // MARK: What follows

    /// How the legs are made; nil: there is no video.
    var plan: LegPlan? {
        guard let first = encodings.first else { return nil }
        let further = encodings.dropFirst().map { ($0.encoding.rid, $0.plan) }
        return LegPlan(first: first.plan, further: Dictionary(further) { first, _ in first })
    }

    /// For the engine: what is configured and the input lacks is missing at present, and may come.
    var planOfConfigured: LegPlan {
        var plan = plan ?? .copy
        if configured.hasVideo, !config.hasVideo { plan.missing.insert(.video) }
        if configured.hasAudio, !config.hasAudio { plan.missing.insert(.audio) }
        return plan
    }

    /// Of the first encoding.
    var isCopy: Bool { encodings.first?.isCopy ?? false }

    /// What is copied goes through a bitstream filter, which an end of the input would end.
    var copiesThroughFilter: Bool { encodings.contains(where: \.isCopyThroughFilter) }

    /// Of the first encoding, or of there being none.
    var videoReason: String { encodings.first.map(sentence) ?? absenceReason }

    /// A sentence for each leg.
    var reasons: [String] { [videoReason] + encodings.dropFirst().map(sentence) + [audioReason] }

    private func sentence(_ decision: EncodingDecision) -> String {
        let name = config.encodings.isEmpty ? "" : " for \(decision.encoding.rid)"
        let codec = config.encodings.isEmpty || decision.isCopy ? "" : " to \(decision.encoding.codec.name)"
        return "\(decision.isCopy ? "copying" : "encoding") video\(codec)\(name): \(decision.reason)"
    }

    /// The same legs, with what is copied of the first encoding's video encoded after all.
    func transcoding(because reason: String) throws(Impossible) -> LegDecision {
        var other = self
        for index in encodings.indices where encodings[index].isCopy && videos[index].index == videos[0].index {
            other.encodings[index] = try encodings[index].transcoding(
                because: reason, field: field(index), of: videos[index], ffmpeg)
        }
        return other
    }

    // MARK: Deciding

    private mutating func decideVideo(_ probe: MediaProbe, _ input: StreamInput.Kind, isLadder: Bool) throws(Impossible) {
        let all = configured.videoEncodings
        let found = all.map { StreamMap($0.map, standard: "0:v:0").video(in: probe) }
        guard found.contains(where: { $0 != nil }) else {
            config.videoMap = WebRTCConfig.noMap
            config.encodings = []
            return
        }
        let circumstances = EncodingDecision.Circumstances(
            input: input, ffmpeg: ffmpeg, isForced: configured.forceTranscode, isLadder: isLadder)
        for (index, encoding) in all.enumerated() {
            guard let video = found[index] else {
                throw Impossible(field: field(index).map { "\($0).map" }, problem: "the input has no video at \"\(encoding.map)\"")
            }
            videos.append(video)
            encodings.append(try EncodingDecision(encoding, field: field(index), of: video, circumstances))
        }
    }

    private mutating func decideAudio(_ probe: MediaProbe) throws(Impossible) {
        guard config.hasAudio else { return }
        guard let audio = StreamMap(config.audioMap, standard: "0:a:0").audio(in: probe) else {
            config.audioMap = WebRTCConfig.noMap
            return
        }
        if let lack = ffmpeg.lack(encoding: config.audioCodec) { throw Impossible(field: "audio_codec", problem: "\(lack)") }
        audioReason = "encoding audio from \(audio.codec) to \(config.audioCodec.name)"
    }

    private func field(_ index: Int) -> String? { configured.encodings.isEmpty ? nil : "encodings[\(index)]" }
}
#endif
