import Testing

@testable import Egress

/// Viewers that can play none of a stream's encodings, but its sound.
@Suite struct SoundAloneTests {
    static let media = CodecNegotiation.Media([.h264, .of(.av1)])
    static let unplayable = "a=egress-unplayable:H.264 Constrained Baseline (42c01f), AV1 profile 0"

    static func answer(_ text: String) throws -> (sections: [[String]], negotiation: CodecNegotiation, offer: SDPOffer) {
        let offer = try SDPParser.parse(Array(text.utf8))
        let lines = try SDPAnswerTests.answer(offer, media).split(separator: "\r\n").map(String.init)
        var sections: [[String]] = [[]]
        for line in lines {
            if line.hasPrefix("m=") { sections.append([]) }
            sections[sections.count - 1].append(line)
        }
        return (sections, try CodecNegotiation(offer: offer, media: media), offer)
    }

    /// Sections in this order, the video in VP8 alone.
    static func offer(_ order: String, _ policy: AnswerBundleTests.Policy) -> String {
        AnswerBundleTests.offer(order, policy).replacing("H264/90000", with: "VP8/90000")
    }

    @Test(arguments: [AnswerBundleTests.Policy.maxBundle, .balanced])
    func videoFirstIsInactiveAndCarriesTheTransport(policy: AnswerBundleTests.Policy) throws {
        let (sections, negotiation, _) = try Self.answer(Self.offer("va", policy))
        #expect(negotiation.video == nil && negotiation.sections == [1])
        #expect(negotiation.bundle.tagged == 0 && negotiation.bundle.inactive == [0])
        #expect(sections[0].contains("a=group:BUNDLE 0 1"))
        let video = sections[1]
        #expect(video[0] == "m=video 8189 UDP/TLS/RTP/SAVPF 102" && video.contains("a=inactive"))
        for line in ["a=ice-ufrag:UFRAG678", "a=setup:passive", "a=rtcp-mux", "a=end-of-candidates", "a=rtpmap:102 VP8/90000"] {
            #expect(video.contains(line), "\(line)")
        }
        #expect(video.contains { $0.hasPrefix("a=candidate:1 1 udp") })
        #expect(!video.contains { $0.hasPrefix("a=msid") || $0.hasPrefix("a=ssrc") })
        #expect(sections[2][0] == "m=audio 8189 UDP/TLS/RTP/SAVPF 111" && sections[2].contains("a=sendonly"))
    }

    @Test func audioFirstCarriesTheTransportItself() throws {
        let (sections, negotiation, _) = try Self.answer(Self.offer("av", .maxBundle))
        #expect(negotiation.bundle.tagged == 0 && negotiation.bundle.inactive == [1] && negotiation.sections == [0])
        #expect(sections[0].contains("a=group:BUNDLE 0 1"))
        #expect(sections[1][0] == "m=audio 8189 UDP/TLS/RTP/SAVPF 111" && sections[1].contains("a=sendonly"))
        #expect(sections[2].contains("a=inactive"))
    }

    @Test func withoutABundleTheVideoIsRejected() throws {
        let (sections, negotiation, _) = try Self.answer(Self.offer("va", .unbundled))
        #expect(negotiation.bundle.tagged == 1)
        #expect(sections[1][0].hasPrefix("m=video 0 ") && sections[1].contains(Self.unplayable))
        #expect(sections[2][0] == "m=audio 8189 UDP/TLS/RTP/SAVPF 111")
    }

    @Test(arguments: ["va", "av"]) func theVideosSectionSaysWhatTheStreamHas(order: String) throws {
        let (sections, _, _) = try Self.answer(Self.offer(order, .maxBundle))
        let video = try #require(sections.first { $0[0].hasPrefix("m=video") })
        #expect(video.filter { $0.hasPrefix("a=egress-") } == [Self.unplayable])
        #expect(!sections.filter { $0 != video }.joined().contains { $0.hasPrefix("a=egress-") })
    }

    /// Nothing that the player could play would be there for it, or it has asked for nothing.
    @Test func itIsNotSaidWhereTheBrowserIsNotTheReason() throws {
        #expect(try !SDPAnswerTests.answer(Offer().text, video: nil).contains("egress-"))
        #expect(try !SDPAnswerTests.answer(Offer().text).contains("egress-"))
        var offer = Offer()
        offer.offerVideo("VP8")
        offer.video.replace("a=recvonly", with: "a=inactive")
        #expect(try !SDPAnswerTests.answer(offer.text).contains("egress-"))
        // One of two sections with video goes without since the other has it.
        #expect(try !SDPAnswerTests.answer(AnswerBundleTests.offer("vva", .balanced)).contains("egress-"))
    }

    @Test func theLogSaysWhyTheVideoIsMissing() throws {
        let (_, negotiation, offer) = try Self.answer(BrowserOffer.firefoxWithoutH264.replacing("AV1/90000", with: "AV2/90000"))
        #expect(
            negotiation.sectionsWithoutMedia(of: offer, Self.media) == [
                "Section 1 of the offer (video) is inactive in the answer: no codec in common: the stream has "
                    + "H.264 Constrained Baseline (42c01f), AV1 profile 0; "
                    + "the section has VP8 (max-fs 12288), VP9 profile 0 (max-fs 12288), AV2"
            ])
    }

    @Test func whatCannotBeHeardEitherIsRefusedNamingBothSides() {
        var offer = Offer()
        offer.offerVideo("VP8")
        offer.offerAudio("0 8")
        let error = failure { try CodecMatchTests.negotiate(offer.text, Self.media) }
        #expect(error?.code == .noCommonCodec)
        #expect(
            error?.message == "no codec in common: the stream has H.264 Constrained Baseline (42c01f), AV1 profile 0, Opus; "
                + "the offer has VP8, PCMU, PCMA")
        offer.audio.replace("a=recvonly", with: "a=sendonly")
        #expect(
            failure { try CodecMatchTests.negotiate(offer.text, Self.media) }?.message.hasSuffix(
                "the offer has VP8, a section that is sendonly") == true)
    }

    /// The sound that is there has to be what the viewer takes: a stream without any has nothing left for it.
    @Test func aStreamWithoutSoundHasNothingForIt() {
        let error = failure { try CodecMatchTests.negotiate(Self.offer("va", .balanced), .init(audio: nil, [.h264])) }
        #expect(error?.message == "no codec in common: the stream has H.264 Constrained Baseline (42c01f); the offer has VP8, opus")
    }
}
