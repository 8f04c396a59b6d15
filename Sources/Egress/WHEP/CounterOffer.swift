/// An offer of this side, for a player whose own offer can't be answered although it may be able to play the stream (WHEP §4.2.2).
///
/// No viewer is made before the player answers. Until then a counter-offer only costs a place in a bounded table, for half a minute.
struct CounterOffer: Sendable {
    static let lifetime = Duration.seconds(30)

    /// The id of the session that it will become.
    let session: String
    let stream: ProcessStream
    let media: CodecNegotiation.Media
    /// The credentials that the viewer will be made with.
    let local: ICECredentials
    /// In bit/s, as it was decided about the player's own offer; `nil`: no bound.
    let bitRateMax: Int?
    let expires: ContinuousClock.Instant

    init(_ stream: ProcessStream, _ media: CodecNegotiation.Media, bitRateMax: Int? = nil, now: ContinuousClock.Instant = .now) {
        var random = SystemRandomNumberGenerator()
        session = random.next().hex + random.next().hex
        self.stream = stream
        self.media = media
        local = .random()
        self.bitRateMax = bitRateMax
        expires = now + Self.lifetime
    }

    /// Whether the player could accept another description: it has a codec for the stream's media, or hasn't said that it has none.
    static func mayHelp(_ offer: SDPOffer, _ media: CodecNegotiation.Media) -> Bool {
        let video = offer.sections.filter { $0.kind == "video" }
        let audio = offer.sections.filter { $0.kind == "audio" }
        if audio.contains(where: { CodecNegotiation.canHear($0, media) }) { return true }
        guard media.encodings.isEmpty else { return video.isEmpty || video.contains { CodecNegotiation.canPlay($0, media) } }
        return media.audio != nil && audio.isEmpty
    }

    func write(_ fingerprint: String, _ candidates: [ICECandidate]) -> String {
        var random = SystemRandomNumberGenerator()
        var lines = ["v=0", "o=- \(random.next() as UInt64 >> 2) 1 IN IP4 127.0.0.1", "s=-", "t=0 0"]
        var kinds: [(kind: String, formats: [CounterOffer.Format])] = []
        if !media.encodings.isEmpty { kinds.append(("video", videoFormats)) }
        if let audio = media.audio { kinds.append(("audio", [audioFormat(audio)])) }
        lines += ["a=group:BUNDLE \(kinds.indices.map(String.init).joined(separator: " "))", "a=ice-lite"]
        for (mid, section) in kinds.enumerated() {
            lines += self.section(section.kind, section.formats, mid, fingerprint)
            if mid == 0 { lines += candidates.map { "a=candidate:\($0.attribute)" } + ["a=end-of-candidates"] }
        }
        return lines.map { $0 + "\r\n" }.joined()
    }

    /// Without SSRCs: the viewer's are chosen when it is made, and payload types tell the two tracks apart (RFC 9143 §9.2).
    private func section(_ kind: String, _ formats: [Format], _ mid: Int, _ fingerprint: String) -> [String] {
        let numbers = formats.map { String($0.number) }.joined(separator: " ")
        var lines = ["m=\(kind) 9 UDP/TLS/RTP/SAVPF \(numbers)", "c=IN IP4 0.0.0.0", "a=mid:\(mid)", "a=sendonly"]
        lines += ["a=ice-ufrag:\(local.ufrag)", "a=ice-pwd:\(local.pwd)", "a=fingerprint:sha-256 \(fingerprint)", "a=setup:actpass"]
        lines += ["a=rtcp-mux", "a=rtcp-mux-only", "a=rtcp-rsize", "a=msid:\(session) \(kind)"]
        if formats.contains(where: \.hasLadder) { lines.append("a=extmap:1 \(SDPOffer.HeaderExtension.transportCC)") }
        for format in formats {
            lines.append("a=rtpmap:\(format.number) \(format.name)")
            if !format.parameters.isEmpty { lines.append("a=fmtp:\(format.number) \(format.parameters)") }
            if kind == "video" { lines += format.feedback.map { "a=rtcp-fb:\(format.number) \($0)" } }
        }
        return lines
    }

    private struct Format: Sendable, Hashable {
        var number: Int
        var name: String
        var parameters: String
        /// A player that takes it can be switched among several encodings.
        var hasLadder = false

        var feedback: [String] { CodecNegotiation.feedbackKinds + (hasLadder ? ["transport-cc", "goog-remb"] : []) }
    }

    /// One of each codec and profile, since renditions of one look the same to a player, in the operator's order. Their payload types are those of
    /// the legs where these differ, else others.
    private var videoFormats: [Format] {
        var formats: [Format] = []
        var decoders: Set<VideoFormat.DecoderKind> = []
        var free = Array(96...127).filter { $0 != stream.config.audioPayloadType }
        for encoding in media.encodings where decoders.insert(encoding.format.decoder).inserted {
            let own = stream.config.videoEncodings[encoding.index].payloadType
            let isTaken = formats.contains { $0.number == own }
            // There are fewer encodings than dynamic payload types.
            let number = isTaken ? free[0] : own
            free.removeAll { $0 == number }
            formats.append(
                Format(
                    number: number, name: "\(encoding.format.codec.sdpName)/90000", parameters: encoding.format.offerParameters,
                    hasLadder: media.encodings.count { $0.format.isPlayable(by: encoding.format.decoder) } > 1))
        }
        return formats
    }

    private func audioFormat(_ codec: AudioCodec) -> Format {
        let number = stream.config.audioPayloadType
        return switch codec {
        case .opus: Format(number: number, name: "opus/48000/2", parameters: "minptime=10;useinbandfec=1;stereo=1;sprop-stereo=1")
        case .pcmu: Format(number: number, name: "PCMU/8000", parameters: "")
        case .pcma: Format(number: number, name: "PCMA/8000", parameters: "")
        case .g722: Format(number: number, name: "G722/8000", parameters: "")
        }
    }
}

extension VideoFormat {
    /// What tells decoders apart, besides how large a picture they take.
    fileprivate struct DecoderKind: Hashable {
        var codec: VideoCodec
        var h264: H264Profile?
        var profileIDC: UInt8
        var tier: UInt8
    }

    /// H.264's profile is made of more than its number.
    fileprivate var decoder: DecoderKind {
        let isH264 = codec == .h264
        return DecoderKind(codec: codec, h264: isH264 ? profile : nil, profileIDC: isH264 ? 0 : profileIDC, tier: tier)
    }

    /// Of H.264 decoders play lower profiles too.
    fileprivate func isPlayable(by kind: DecoderKind) -> Bool {
        guard codec == .h264, let h264 = kind.h264 else { return decoder == kind }
        return profile.playableBy.contains(h264)
    }

    /// What an offer of this side says of it.
    fileprivate var offerParameters: String {
        switch codec {
        case .h264: "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=\(profileLevelID)"
        case .h265: "level-id=\(levelIDC);profile-id=\(profileIDC);tier-flag=\(tier);tx-mode=SRST"
        case .vp8: ""
        case .vp9: "profile-id=\(profileIDC)"
        case .av1: "level-idx=\(levelIDC);profile=\(profileIDC);tier=\(tier)"
        }
    }
}

extension EgressEngine {
    /// Makes the viewer that a counter-offer was for.
    /// - Parameter client: what was decided about its answer; the bound that was decided about its offer holds too.
    /// - Throws: ``EgressError``; the counter-offer then still waits for another answer.
    func takeAnswer(_ text: [UInt8], to offer: CounterOffer, for client: ViewerClient) throws(EgressError) -> ViewerAnswer {
        var client = client
        client.bitRateMax = [client.bitRateMax, offer.bitRateMax].compactMap(\.self).min()
        let answer = try SDPParser.parse(text, limits: configuration.limits.offer)
        // An answer has to choose a role, and this side is the DTLS server (RFC 5763 §5).
        guard answer.sections.allSatisfy({ !$0.isReceivable || $0.transport.setup == "active" }) else {
            throw EgressError(code: .unsupportedOffer, message: "the answer has to begin the DTLS handshake (a=setup:active)")
        }
        let negotiation = try CodecNegotiation(offer: answer, media: offer.media, bitRateMax: client.bitRateMax)
        guard registry.takeCounterOffer(offer.session) else { throw .sessionNotFound }
        do {
            return try makeViewer(of: offer.stream, answer, negotiation, for: client, counterOffer: offer)
        } catch {
            _ = registry.keep(offer)
            throw error
        }
    }
}
