#if Server
internal import Egress

/// How one encoding of a stream is made, and why.
struct EncodingDecision: Sendable, Hashable {
    var encoding: Encoding
    var plan: LegPlan.Encoding
    /// Behind "copying video: " or "encoding video: ".
    var reason: String

    var isCopy: Bool { plan.isCopy }

    /// It is copied, and changed a little on the way.
    var isCopyThroughFilter: Bool {
        guard case .copy(let filters) = plan.video else { return false }
        return !filters.isEmpty
    }

    /// What is the same for all encodings of a stream.
    struct Circumstances {
        var input: StreamInput.Kind
        var ffmpeg: FFmpegAbilities
        /// `force_transcode`.
        var isForced = false
        /// The encodings are an ``EncodingLadder``'s.
        var isLadder = false
    }

    /// - Parameter field: its place in the configuration, "encodings[1]"; nil: the stream has no list of them.
    init(
        _ encoding: Encoding, field: String?, of video: MediaProbe.Video, _ circumstances: Circumstances
    ) throws(LegDecision.Impossible) {
        self.encoding = encoding
        let check = CopyCheck(video: video, codec: encoding.codec)
        let ffmpeg = circumstances.ffmpeg
        if let lack = ffmpeg.lack(sending: encoding.codec) { throw .init(field: field.map { "\($0).codec" }, problem: "\(lack)") }
        guard let objection = Self.objection(circumstances, encoding) ?? check.objection else {
            plan = LegPlan.Encoding(video: .copy(bitstreamFilters: Self.bitstreamFilters(for: encoding.codec, circumstances.input)))
            reason = check.praise
            return
        }
        if encoding.copiesOnly { throw Self.cannotCopy(video.codec, field, objection) }
        if let lack = ffmpeg.lack(encoding: encoding.codec) { throw .init(field: field.map { "\($0).codec" }, problem: "\(lack)") }
        plan = LegPlan.Encoding(
            video: .transcode(framesPerSecond: video.framesPerSecond), width: video.width, height: video.height,
            options: Self.encoderOptions(for: video, ffmpeg.version))
        reason = objection
    }

    /// Of pictures that are made here.
    init(
        _ encoding: Encoding, field: String?, generatedAt framesPerSecond: Double, width: Int, height: Int, _ ffmpeg: FFmpegAbilities
    ) throws(LegDecision.Impossible) {
        if let lack = ffmpeg.lack(sending: encoding.codec) ?? ffmpeg.lack(encoding: encoding.codec) {
            throw .init(field: field.map { "\($0).codec" }, problem: "\(lack)")
        }
        self.encoding = encoding
        plan = LegPlan.Encoding(video: .transcode(framesPerSecond: framesPerSecond), width: width, height: height)
        reason = "it is generated here"
    }

    /// The same one, encoded after all. Its rate is not known: that of the header is as doubtful as what was said about the pictures.
    func transcoding(
        because reason: String, field: String?, of video: MediaProbe.Video, _ ffmpeg: FFmpegAbilities
    ) throws(LegDecision.Impossible) -> EncodingDecision {
        if encoding.copiesOnly { throw Self.cannotCopy(video.codec, field, reason) }
        if let lack = ffmpeg.lack(encoding: encoding.codec) { throw .init(field: field.map { "\($0).codec" }, problem: "\(lack)") }
        var other = self
        other.plan = LegPlan.Encoding(
            video: .transcode(framesPerSecond: nil), width: video.width, height: video.height,
            options: Self.encoderOptions(for: video, ffmpeg.version))
        other.reason = reason
        return other
    }

    /// What the operator asks for that copying does not give.
    private static func objection(_ circumstances: Circumstances, _ encoding: Encoding) -> String? {
        if circumstances.isForced { return "force_transcode is set" }
        if circumstances.isLadder { return "the key pictures of a ladder have to come at the same times" }
        return encoding.asksOfAnEncoder.first.map { "its \($0) is set" }
    }

    private static func cannotCopy(_ codec: String, _ field: String?, _ objection: String) -> LegDecision.Impossible {
        .init(
            field: field.map { "\($0).copy" },
            problem: "the input's video, \(codec), cannot be copied: \(objection); leave \"copy\" out to have it encoded")
    }

    /// Pictures keep the times that they came with: at a constant rate, FFmpeg makes up those that a varying one lacks. The filter leaves pictures
    /// that are not interlaced alone.
    private static func encoderOptions(for video: MediaProbe.Video, _ version: FFmpegVersion) -> [String] {
        version.frameTiming("vfr") + (video.isInterlaced ? ["-vf", "yadif=deint=interlaced"] : [])
    }

    private static func bitstreamFilters(for codec: VideoCodec, _ input: StreamInput.Kind) -> String {
        let filters = LegPlan.bitstreamFilters(for: codec)
        switch input {
        // The demuxer that loops does it, for this codec.
        case .file(loops: true) where codec == .h264: return ""
        case .file, .generated: return filters
        // Cameras and other live inputs may have their parameter sets in the session description only.
        case .rtsp, .live: return filters.isEmpty ? "" : filters + ",dump_extra=freq=keyframe"
        }
    }
}

extension EncodingDecision: Encodable {
    private enum CodingKeys: String, CodingKey {
        case rid, codec, reason
        case isCopy = "copy"
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(encoding.rid, forKey: .rid)
        try container.encode(encoding.codec, forKey: .codec)
        try container.encode(isCopy, forKey: .isCopy)
        try container.encode(reason, forKey: .reason)
    }
}
#endif
