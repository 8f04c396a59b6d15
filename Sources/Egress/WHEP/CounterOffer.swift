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
    let expires: ContinuousClock.Instant

    init(_ stream: ProcessStream, _ media: CodecNegotiation.Media, now: ContinuousClock.Instant = .now) {
        var random = SystemRandomNumberGenerator()
        session = random.next().hex + random.next().hex
        self.stream = stream
        self.media = media
        local = .random()
        expires = now + Self.lifetime
    }

    /// Whether the player could accept another description: it has a codec for the stream's media, or hasn't said that it has none.
    static func mayHelp(_ offer: SDPOffer, _ media: CodecNegotiation.Media) -> Bool {
        let video = offer.sections.filter { $0.kind == "video" }
        let audio = offer.sections.filter { $0.kind == "audio" }
        if let format = media.video {
            // A player that asked for the picture is not offered sound alone.
            return video.isEmpty || video.contains { CodecNegotiation.canPlay($0, format) }
        }
        return media.hasAudio && (audio.isEmpty || audio.contains(where: CodecNegotiation.canHear))
    }

    func write(_ fingerprint: String, _ candidates: [ICECandidate]) -> String {
        var random = SystemRandomNumberGenerator()
        var lines = ["v=0", "o=- \(random.next() as UInt64 >> 2) 1 IN IP4 127.0.0.1", "s=-", "t=0 0"]
        let kinds = (media.video == nil ? [] : ["video"]) + (media.hasAudio ? ["audio"] : [])
        lines += ["a=group:BUNDLE \(kinds.indices.map(String.init).joined(separator: " "))", "a=ice-lite"]
        for (mid, kind) in kinds.enumerated() {
            lines += section(kind, mid, fingerprint)
            if mid == 0 { lines += candidates.map { "a=candidate:\($0.attribute)" } + ["a=end-of-candidates"] }
        }
        return lines.map { $0 + "\r\n" }.joined()
    }

    /// The section has no SSRCs: they are chosen when the viewer is made, and payload types tell the two tracks apart (RFC 9143 §9.2).
    private func section(_ kind: String, _ mid: Int, _ fingerprint: String) -> [String] {
        let number = kind == "video" ? stream.config.videoPayloadType : stream.config.audioPayloadType
        var lines = ["m=\(kind) 9 UDP/TLS/RTP/SAVPF \(number)", "c=IN IP4 0.0.0.0", "a=mid:\(mid)", "a=sendonly"]
        lines += ["a=ice-ufrag:\(local.ufrag)", "a=ice-pwd:\(local.pwd)", "a=fingerprint:sha-256 \(fingerprint)", "a=setup:actpass"]
        lines += ["a=rtcp-mux", "a=rtcp-mux-only", "a=rtcp-rsize", "a=msid:\(session) \(kind)"]
        if kind == "video", let format = media.video {
            let parameters = "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=\(format.profileLevelID)"
            lines += ["a=rtpmap:\(number) H264/90000", "a=fmtp:\(number) \(parameters)"]
            lines += CodecNegotiation.feedbackKinds.map { "a=rtcp-fb:\(number) \($0)" }
        } else {
            lines += ["a=rtpmap:\(number) opus/48000/2", "a=fmtp:\(number) minptime=10;useinbandfec=1;stereo=1;sprop-stereo=1"]
        }
        return lines
    }
}

extension EgressEngine {
    /// Makes the viewer that a counter-offer was for.
    /// - Throws: ``EgressError``; the counter-offer then still waits for another answer.
    func takeAnswer(_ text: [UInt8], to offer: CounterOffer, from client: String?) throws(EgressError) -> ViewerAnswer {
        let answer = try SDPParser.parse(text, limits: configuration.limits.offer)
        // An answer has to choose a role, and this side is the DTLS server (RFC 5763 §5).
        guard answer.sections.allSatisfy({ !$0.isReceivable || $0.transport.setup == "active" }) else {
            throw EgressError(code: .unsupportedOffer, message: "the answer has to begin the DTLS handshake (a=setup:active)")
        }
        let negotiation = try CodecNegotiation(offer: answer, media: offer.media)
        guard registry.takeCounterOffer(offer.session) else { throw .sessionNotFound }
        do {
            return try makeViewer(of: offer.stream, answer, negotiation, from: client, counterOffer: offer)
        } catch {
            _ = registry.keep(offer)
            throw error
        }
    }
}
