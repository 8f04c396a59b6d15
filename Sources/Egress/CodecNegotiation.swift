/// Which sections of an offer are accepted, and with which payload types.
struct CodecNegotiation: Sendable, Hashable {
    struct Video: Sendable, Hashable {
        var section: Int
        var payloadType: UInt8
        var rtxPayloadType: UInt8?
        var parameters: String
        /// The kinds of feedback that were offered and that the engine acts on.
        var feedback: [String]
    }

    struct Audio: Sendable, Hashable {
        var section: Int
        var payloadType: UInt8
        var parameters: String
    }

    var video: Video?
    var audio: Audio?

    /// What a stream has to give.
    struct Media: Sendable, Hashable {
        var hasAudio: Bool
        /// `nil`: no video.
        var video: VideoFormat?
    }

    /// Accepts at most one section of each kind, the first that can be played.
    /// - Throws: ``EgressError/Code/noCommonCodec`` also when only the video can't be played: sound without the picture that was asked for is
    ///   not an answer. ``EgressError/Code/unsupportedOffer`` for a transport that isn't served.
    init(offer: SDPOffer, media: Media) throws(EgressError) {
        let sections = offer.sections.indices.filter { offer.sections[$0].isReceivable }
        let videoSections = sections.filter { offer.sections[$0].kind == "video" }
        let audioSections = sections.filter { offer.sections[$0].kind == "audio" }
        if let format = media.video, !videoSections.isEmpty {
            video = videoSections.lazy.compactMap { Self.video(in: offer.sections[$0], at: $0, format) }.first
            guard video != nil else { throw Self.nothingInCommon(offer, media) }
        }
        if media.hasAudio {
            audio = audioSections.lazy.compactMap { Self.audio(in: offer.sections[$0], at: $0) }.first
        }
        guard video != nil || audio != nil else { throw Self.nothingInCommon(offer, media) }
        try checkTransport(offer)
    }

    /// The sections that are accepted, in the offer's order.
    var sections: [Int] { [video?.section, audio?.section].compactMap(\.self).sorted() }

    /// Whether the section has a format for this video or for the sound, whatever else may be wrong with it.
    static func canPlay(_ section: SDPOffer.Section, _ format: VideoFormat) -> Bool { video(in: section, at: 0, format) != nil }
    static func canHear(_ section: SDPOffer.Section) -> Bool { audio(in: section, at: 0) != nil }

    static let feedbackKinds = ["nack", "nack pli", "ccm fir"]

    private static func video(in section: SDPOffer.Section, at index: Int, _ format: VideoFormat) -> Video? {
        // FFmpeg sends fragments and aggregates, which is packetization-mode 1.
        let offered = section.payloadTypes.compactMap { payloadType -> (UInt8, H264Profile)? in
            guard section.parameter("packetization-mode", of: payloadType) == "1" else { return nil }
            return section.h264Profile(of: payloadType).map { (payloadType, $0) }
        }
        let best = format.profile.playableBy.lazy.compactMap { profile in offered.first { $0.1 == profile } }.first
        guard let (payloadType, _) = best else { return nil }
        // The level is not compared: with asymmetry allowed it limits what the viewer sends, and decoders play above theirs as far as they can.
        var parameters = ["packetization-mode=1"]
        if section.parameter("level-asymmetry-allowed", of: payloadType) == "1" { parameters.insert("level-asymmetry-allowed=1", at: 0) }
        if let profileLevelID = section.parameter("profile-level-id", of: payloadType) {
            parameters.append("profile-level-id=\(profileLevelID)")
        }
        let feedback = section.feedback(of: payloadType)
        return Video(
            section: index, payloadType: payloadType, rtxPayloadType: section.retransmission(of: payloadType),
            parameters: parameters.joined(separator: ";"), feedback: feedbackKinds.filter { feedback.contains($0) })
    }

    private static func audio(in section: SDPOffer.Section, at index: Int) -> Audio? {
        let payloadType = section.payloadTypes.first {
            guard let codec = section.codecs[$0] else { return false }
            return codec.isNamed("opus") && codec.clockRate == 48_000 && codec.channels == 2
        }
        guard let payloadType else { return nil }
        // The audio leg is always stereo. `stereo` is for viewers that look at it in an answer, `sprop-stereo` is what it ought to be.
        var parameters = section.parameters[payloadType].map { [$0] } ?? []
        for name in ["stereo", "sprop-stereo"] where section.parameter(name, of: payloadType) == nil { parameters.append("\(name)=1") }
        return Audio(section: index, payloadType: payloadType, parameters: parameters.joined(separator: ";"))
    }

    /// One transport carries everything, and the viewer begins the DTLS handshake.
    private func checkTransport(_ offer: SDPOffer) throws(EgressError) {
        let accepted = sections.map { offer.sections[$0] }
        if accepted.count == 2, !offer.sharesBundle(accepted[0], accepted[1]) {
            throw EgressError(code: .unsupportedOffer, message: "the offer does not bundle its audio and video (a=group:BUNDLE)")
        }
        guard accepted.allSatisfy({ ["actpass", "active", nil].contains($0.transport.setup) }) else {
            throw EgressError(
                code: .unsupportedOffer, message: "the offer wants this side to begin the DTLS handshake (a=setup); actpass is needed")
        }
    }

    private static func nothingInCommon(_ offer: SDPOffer, _ media: Media) -> EgressError {
        var has = media.video.map { [$0.codecName] } ?? []
        if media.hasAudio { has.append("Opus") }
        let offered = offer.sections.flatMap(describe)
        return EgressError(
            code: .noCommonCodec,
            message: "no codec in common: the stream has \(has.joined(separator: ", ")); "
                + "the offer has \(offered.isEmpty ? "nothing to receive" : offered.uniqued.joined(separator: ", "))")
    }

    /// Repair and tones are no codecs anybody would look for.
    private static let auxiliary: Set<String> = ["rtx", "red", "ulpfec", "flexfec-03", "telephone-event", "cn"]

    private static func describe(_ section: SDPOffer.Section) -> [String] {
        guard section.kind == "audio" || section.kind == "video" else { return [] }
        guard section.direction.receives else { return ["a section that is \(section.direction.rawValue)"] }
        guard section.isReceivable else { return ["a section without \(section.hasRTCPMux ? "UDP/TLS/RTP/SAVPF" : "rtcp-mux")"] }
        return section.payloadTypes.compactMap { payloadType in
            guard let codec = section.codecs[payloadType], !auxiliary.contains(codec.name.lowercased()) else { return nil }
            guard let profile = section.h264Profile(of: payloadType) else { return codec.name }
            return "H.264 \(profile.name) (packetization-mode \(section.parameter("packetization-mode", of: payloadType) ?? "0"))"
        }
    }
}

extension [String] {
    /// In order, each once.
    fileprivate var uniqued: [String] {
        var seen: Set<String> = []
        return filter { seen.insert($0).inserted }
    }
}
