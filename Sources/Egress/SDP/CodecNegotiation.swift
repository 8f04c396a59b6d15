/// Which sections of an offer are accepted, and with which payload types.
struct CodecNegotiation: Sendable, Hashable {
    struct Video: Sendable, Hashable {
        /// Which of the stream's encodings, by its place in the configuration.
        var encoding = 0
        var section: Int
        var payloadType: UInt8
        var rtxPayloadType: UInt8?
        var parameters: String
        /// The kinds of feedback that were offered and that the engine acts on.
        var feedback: [String]
        /// The encodings that the viewer may be switched among, `encoding` among them, in the operator's order; empty: there are no two of them.
        var ladder: [Int] = []
        /// The header extension for transport-wide numbers; never without a ladder, which alone needs them.
        var transportCC: SDPOffer.HeaderExtension?
    }

    struct Audio: Sendable, Hashable {
        var section: Int
        var payloadType: UInt8
        var parameters: String
    }

    let video: Video?
    let audio: Audio?
    let bundle: AnswerBundle
    /// What the stream's video is, where the viewer asked for video and can play none of it.
    let unplayable: [String]

    /// The media that a stream has.
    struct Media: Sendable, Hashable {
        /// `nil`: no sound.
        var audio: AudioCodec?
        /// What is known of its encodings, the one that the operator prefers first; empty: no video.
        var encodings: [Encoding] = []

        struct Encoding: Sendable, Hashable {
            /// Its place in the configuration.
            var index: Int
            var format: VideoFormat
            /// In bit/s: what it is meant to have, else what was measured; 0: not known.
            var bitRate = 0
            /// Whether its packets arrive.
            var isActive = true
        }

        /// Each once, with what decides whether an offer has it: of VP8 and VP9 the size too, which `max-fs` limits.
        var videoNames: [String] {
            encodings.map(\.format).map { format in
                [.vp8, .vp9].contains(format.codec) ? "\(format.codecName) \(format.width)x\(format.height)" : format.codecName
            }.uniqued
        }

        var names: [String] { videoNames + (audio.map { [$0.name] } ?? []) }
    }

    /// Accepts at most one section of each kind: for video the first encoding that the offer has a format for. Where it has none, sound alone is
    /// the answer, as far as that can be played.
    /// - Parameter bitRateMax: in bit/s; a viewer with a ladder begins with the highest encoding within it where the first one is above.
    /// - Throws: ``EgressError/Code/noCommonCodec`` when nothing can be played. ``EgressError/Code/unsupportedOffer`` for a transport that isn't
    ///   served.
    init(offer: SDPOffer, media: Media, bitRateMax: Int? = nil) throws(EgressError) {
        let sections = offer.sections.indices.filter { offer.sections[$0].isReceivable }
        let videoSections = sections.filter { offer.sections[$0].kind == "video" }
        let audioSections = sections.filter { offer.sections[$0].kind == "audio" }
        let video = media.encodings.lazy.compactMap { encoding in
            videoSections.lazy.compactMap { Self.video(in: offer.sections[$0], at: $0, encoding) }.first
        }.first
        let audio = media.audio.flatMap { codec in
            audioSections.lazy.compactMap { Self.audio(in: offer.sections[$0], at: $0, codec) }.first
        }
        let accepted = [video?.section, audio?.section].compactMap(\.self).sorted()
        guard !accepted.isEmpty else { throw Self.nothingInCommon(offer, media) }
        bundle = try Self.bundle(offer, accepted)
        self.video = video.map { Self.withLadder($0, in: offer.sections[$0.section], media.encodings, bitRateMax) }
        self.audio = audio
        unplayable = video == nil && !videoSections.isEmpty ? media.videoNames : []
    }

    /// The sections that are accepted, in the offer's order.
    var sections: [Int] { [video?.section, audio?.section].compactMap(\.self).sorted() }

    /// The formats that the answer names in a section; empty where the section is left out.
    func formats(of index: Int, in offer: SDPOffer) -> [String] {
        if let video, video.section == index { return [video.payloadType, video.rtxPayloadType].compactMap { $0.map { String($0) } } }
        if let audio, audio.section == index { return [String(audio.payloadType)] }
        return bundle.inactive.contains(index) ? offer.sections[index].inactiveFormats : []
    }

    /// Whether the section has a format for one of the encodings, whatever else may be wrong with it.
    static func canPlay(_ section: SDPOffer.Section, _ media: Media) -> Bool {
        media.encodings.contains { section.payloadType(for: $0.format) != nil }
    }

    /// Likewise, for the sound.
    static func canHear(_ section: SDPOffer.Section, _ media: Media) -> Bool {
        media.audio.map { section.payloadType(for: $0) != nil } ?? false
    }

    static let feedbackKinds = ["nack", "nack pli", "ccm fir"]

    private static func video(in section: SDPOffer.Section, at index: Int, _ encoding: Media.Encoding) -> Video? {
        guard let payloadType = section.payloadType(for: encoding.format) else { return nil }
        let feedback = section.feedback(of: payloadType)
        return Video(
            encoding: encoding.index, section: index, payloadType: payloadType, rtxPayloadType: section.retransmission(of: payloadType),
            parameters: section.answerParameters(of: payloadType, encoding.format.codec),
            feedback: feedbackKinds.filter { feedback.contains($0) })
    }

    /// All rungs have one payload type, so the ladder is what can be decoded as the encoding that was chosen.
    private static func withLadder(
        _ video: Video, in section: SDPOffer.Section, _ encodings: [Media.Encoding], _ bitRateMax: Int?
    ) -> Video {
        let codec = encodings.first { $0.index == video.encoding }?.format.codec
        let rungs = encodings.filter { $0.format.codec == codec && section.plays($0.format, as: video.payloadType) }
        guard rungs.count > 1 else { return video }
        var result = video
        result.ladder = rungs.map(\.index).sorted()
        result.encoding = rungs.start(within: bitRateMax) ?? video.encoding
        let feedback = section.feedback(of: video.payloadType)
        if feedback.contains("transport-cc"), let transportCC = section.transportCC {
            result.transportCC = transportCC
            result.feedback.append("transport-cc")
        } else if feedback.contains("goog-remb") {
            result.feedback.append("goog-remb")
        }
        return result
    }

    private static func audio(in section: SDPOffer.Section, at index: Int, _ codec: AudioCodec) -> Audio? {
        guard let payloadType = section.payloadType(for: codec) else { return nil }
        var parameters = section.parameters[payloadType].map { [$0] } ?? []
        // The leg of Opus is always stereo. `stereo` is for viewers that look at it in an answer, `sprop-stereo` is what it ought to be.
        if codec == .opus {
            for name in ["stereo", "sprop-stereo"] where section.parameter(name, of: payloadType) == nil { parameters.append("\(name)=1") }
        }
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
        let offered = offer.sections.flatMap(describe)
        return EgressError(
            code: .noCommonCodec,
            message: "no codec in common: the stream has \(media.names.joined(separator: ", ")); "
                + "the offer has \(offered.isEmpty ? "nothing to receive" : offered.uniqued.joined(separator: ", "))")
    }

    /// What is offered in a section, or what keeps it from being served.
    static func describe(_ section: SDPOffer.Section) -> [String] {
        guard section.kind == "audio" || section.kind == "video" else { return [] }
        if let obstacle = section.obstacle { return ["a section \(obstacle)"] }
        return section.payloadTypes.compactMap { payloadType in
            guard let codec = section.codecs[payloadType] else { return staticNames[payloadType] }
            guard !codec.isAuxiliary else { return nil }
            return section.describe(codec, payloadType)
        }
    }

    /// Payload types that need no `a=rtpmap` (RFC 3551 §6), as far as anybody offers them.
    private static let staticNames: [UInt8: String] = [
        0: "PCMU", 3: "GSM", 4: "G723", 8: "PCMA", 9: "G722", 14: "MPA", 15: "G728", 18: "G729", 26: "JPEG", 31: "H261", 33: "MP2T",
        34: "H263",
    ]
}

extension [CodecNegotiation.Media.Encoding] {
    /// The rung that a viewer begins with: the first, else the highest within the bound of those that send. The lowest is within any bound.
    fileprivate func start(within bitRateMax: Int?) -> Int? {
        let allowed = within(bitRateMax, bitRate: \.bitRate)
        if allowed.first?.index == first?.index { return first?.index }
        let active = allowed.filter(\.isActive)
        return (active.isEmpty ? allowed : active).max { $0.bitRate < $1.bitRate }?.index
    }
}

extension [String] {
    /// In order, each once.
    var uniqued: [String] {
        var seen: Set<String> = []
        return filter { seen.insert($0).inserted }
    }
}
