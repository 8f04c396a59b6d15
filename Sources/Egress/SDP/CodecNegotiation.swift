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

    let video: Video?
    let audio: Audio?
    let bundle: AnswerBundle

    /// The media that a stream has.
    struct Media: Sendable, Hashable {
        var hasAudio: Bool
        /// `nil`: no video.
        var video: VideoFormat?
    }

    /// Accepts at most one section of each kind, the first that can be played.
    /// - Throws: ``EgressError/Code/noCommonCodec``, also when only the video can't be played: a viewer that asked for the picture is not
    ///   answered with sound alone. ``EgressError/Code/unsupportedOffer`` for a transport that isn't served.
    init(offer: SDPOffer, media: Media) throws(EgressError) {
        let sections = offer.sections.indices.filter { offer.sections[$0].isReceivable }
        let videoSections = sections.filter { offer.sections[$0].kind == "video" }
        let audioSections = sections.filter { offer.sections[$0].kind == "audio" }
        var video: Video?
        if let format = media.video, !videoSections.isEmpty {
            video = videoSections.lazy.compactMap { Self.video(in: offer.sections[$0], at: $0, format) }.first
            guard video != nil else { throw Self.nothingInCommon(offer, media) }
        }
        let audio = media.hasAudio ? audioSections.lazy.compactMap { Self.audio(in: offer.sections[$0], at: $0) }.first : nil
        let accepted = [video?.section, audio?.section].compactMap(\.self).sorted()
        guard !accepted.isEmpty else { throw Self.nothingInCommon(offer, media) }
        bundle = try Self.bundle(offer, accepted)
        self.video = video
        self.audio = audio
    }

    /// The sections that are accepted, in the offer's order.
    var sections: [Int] { [video?.section, audio?.section].compactMap(\.self).sorted() }

    /// The formats that the answer names in a section; empty where the section is left out.
    func formats(of index: Int, in offer: SDPOffer) -> [String] {
        if let video, video.section == index { return [video.payloadType, video.rtxPayloadType].compactMap { $0.map { String($0) } } }
        if let audio, audio.section == index { return [String(audio.payloadType)] }
        return bundle.inactive.contains(index) ? offer.sections[index].inactiveFormats : []
    }

    /// Whether the section has a format for this video or for the sound, even if something else is wrong with the section.
    static func canPlay(_ section: SDPOffer.Section, _ format: VideoFormat) -> Bool { video(in: section, at: 0, format) != nil }
    static func canHear(_ section: SDPOffer.Section) -> Bool { audio(in: section, at: 0) != nil }

    static let feedbackKinds = ["nack", "nack pli", "ccm fir"]

    private static func video(in section: SDPOffer.Section, at index: Int, _ format: VideoFormat) -> Video? {
        guard let payloadType = h264(in: section, format) else { return nil }
        // The level is not compared: with asymmetry allowed it limits what the viewer sends, and decoders play higher levels as far as they can.
        let parameters = ["level-asymmetry-allowed", "packetization-mode", "profile-level-id"].compactMap { name in
            section.parameter(name, of: payloadType).map { "\(name)=\($0)" }
        }
        let feedback = section.feedback(of: payloadType)
        return Video(
            section: index, payloadType: payloadType, rtxPayloadType: section.retransmission(of: payloadType),
            parameters: parameters.joined(separator: ";"), feedback: feedbackKinds.filter { feedback.contains($0) })
    }

    /// The closest profile in packetization-mode 1, which FFmpeg's fragments and aggregates are. Where none is offered, the closest in mode 0, or
    /// without a mode, which is the same (RFC 6184 §8.1): code that unpacks RTP takes all kinds. The last choice is a format without a profile.
    /// It would mean Baseline, but decoders that name no profile, like GStreamer's, play any.
    private static func h264(in section: SDPOffer.Section, _ format: VideoFormat) -> UInt8? {
        let offered = section.payloadTypes.filter { section.h264Profile(of: $0) != nil }
        let modes = ["1", "0"].map { mode in offered.filter { section.parameter("packetization-mode", of: $0) ?? "0" == mode } }
        for mode in modes {
            let closest = format.profile.playableBy.lazy.compactMap { profile in mode.first { section.h264Profile(of: $0) == profile } }
                .first
            if let closest { return closest }
        }
        return modes.joined().first { section.parameter("profile-level-id", of: $0) == nil }
    }

    private static func audio(in section: SDPOffer.Section, at index: Int) -> Audio? {
        let payloadType = section.payloadTypes.first {
            guard let codec = section.codecs[$0] else { return false }
            // RFC 7587 §7 always has two channels there; clients that leave them out mean the same codec.
            return codec.isNamed("opus") && codec.clockRate == 48_000 && codec.channels <= 2
        }
        guard let payloadType else { return nil }
        // The audio leg is always stereo. `stereo` is for viewers that look at it in an answer, `sprop-stereo` is what it ought to be.
        var parameters = section.parameters[payloadType].map { [$0] } ?? []
        for name in ["stereo", "sprop-stereo"] where section.parameter(name, of: payloadType) == nil { parameters.append("\(name)=1") }
        return Audio(section: index, payloadType: payloadType, parameters: parameters.joined(separator: ";"))
    }

    /// One transport carries everything, and the viewer begins the DTLS handshake.
    private static func bundle(_ offer: SDPOffer, _ accepted: [Int]) throws(EgressError) -> AnswerBundle {
        if accepted.count == 2, !offer.sharesBundle(offer.sections[accepted[0]], offer.sections[accepted[1]]) {
            throw EgressError(code: .unsupportedOffer, message: "the offer does not bundle its audio and video (a=group:BUNDLE)")
        }
        let bundle = AnswerBundle(offer, accepted: accepted)
        guard ["actpass", "active", nil].contains(offer.sections[bundle.tagged].transport.setup) else {
            throw EgressError(
                code: .unsupportedOffer, message: "the offer wants this side to begin the DTLS handshake (a=setup); actpass is needed")
        }
        return bundle
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

    private static func describe(_ section: SDPOffer.Section) -> [String] {
        guard section.kind == "audio" || section.kind == "video" else { return [] }
        if let obstacle = section.obstacle { return ["a section \(obstacle)"] }
        return section.payloadTypes.compactMap { payloadType in
            guard let codec = section.codecs[payloadType] else { return staticNames[payloadType] }
            guard !codec.isAuxiliary else { return nil }
            guard let profile = section.h264Profile(of: payloadType) else { return codec.name }
            return "H.264 \(profile.name) (packetization-mode \(section.parameter("packetization-mode", of: payloadType) ?? "0"))"
        }
    }

    /// Payload types that need no `a=rtpmap` (RFC 3551 §6), as far as anybody offers them.
    private static let staticNames: [UInt8: String] = [
        0: "PCMU", 3: "GSM", 4: "G723", 8: "PCMA", 9: "G722", 14: "MPA", 15: "G728", 18: "G729", 26: "JPEG", 31: "H261", 33: "MP2T",
        34: "H263",
    ]
}

extension [String] {
    /// In order, each once.
    fileprivate var uniqued: [String] {
        var seen: Set<String> = []
        return filter { seen.insert($0).inserted }
    }
}
