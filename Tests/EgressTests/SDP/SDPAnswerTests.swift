import Testing

@testable import Egress

@Suite struct SDPAnswerTests {
    static let identity = ViewerIdentity(
        viewer: 1, iceUfrag: "UFRAG678", icePwd: "PWD456789012345678901234", cname: "0123456789abcdef", videoSSRC: 11, videoRTXSSRC: 12,
        audioSSRC: 13)

    static func answer(_ text: String, audio: Bool = true, video: VideoFormat? = CodecNegotiationTests.baseline) throws -> String {
        try answer(SDPParser.parse(Array(text.utf8)), .init(hasAudio: audio, video: video))
    }

    static func answer(_ offer: SDPOffer, _ media: CodecNegotiation.Media) throws -> String {
        SDPAnswer(
            offer: offer, negotiation: try CodecNegotiation(offer: offer, media: media), identity: identity,
            fingerprint: "AB:CD", candidates: ICECandidate.list(["192.0.2.1", "2001:db8::1"], port: 8_189), sessionID: 5
        ).write()
    }

    @Test func theWholeAnswerToChromium() throws {
        let lines = [
            "v=0", "o=- 5 1 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=group:BUNDLE 0 1", "a=ice-lite",
            "m=video 8189 UDP/TLS/RTP/SAVPF 108 109", "c=IN IP4 192.0.2.1", "a=mid:0", "a=sendonly",
            "a=ice-ufrag:UFRAG678", "a=ice-pwd:PWD456789012345678901234", "a=fingerprint:sha-256 AB:CD", "a=setup:passive",
            "a=rtcp-mux", "a=rtcp-mux-only", "a=rtcp-rsize", "a=msid:0123456789abcdef video",
            "a=rtpmap:108 H264/90000", "a=fmtp:108 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
            "a=rtcp-fb:108 nack", "a=rtcp-fb:108 nack pli", "a=rtcp-fb:108 ccm fir",
            "a=rtpmap:109 rtx/90000", "a=fmtp:109 apt=108", "a=ssrc-group:FID 11 12",
            "a=ssrc:11 cname:0123456789abcdef", "a=ssrc:12 cname:0123456789abcdef",
            "a=candidate:1 1 udp 2130706431 192.0.2.1 8189 typ host", "a=candidate:2 1 udp 2130706175 2001:db8::1 8189 typ host",
            "a=end-of-candidates",
            "m=audio 8189 UDP/TLS/RTP/SAVPF 111", "c=IN IP4 192.0.2.1", "a=mid:1", "a=sendonly",
            "a=ice-ufrag:UFRAG678", "a=ice-pwd:PWD456789012345678901234", "a=fingerprint:sha-256 AB:CD", "a=setup:passive",
            "a=rtcp-mux", "a=rtcp-mux-only", "a=rtcp-rsize", "a=msid:0123456789abcdef audio",
            "a=rtpmap:111 opus/48000/2", "a=fmtp:111 minptime=10;useinbandfec=1;stereo=1;sprop-stereo=1",
            "a=ssrc:13 cname:0123456789abcdef",
            "a=candidate:1 1 udp 2130706431 192.0.2.1 8189 typ host", "a=candidate:2 1 udp 2130706175 2001:db8::1 8189 typ host",
            "a=end-of-candidates",
        ]
        #expect(try Self.answer(BrowserOffer.chromium) == lines.map { $0 + "\r\n" }.joined())
    }

    @Test func rejectedSectionsKeepTheirPlace() throws {
        var offer = Offer()
        offer.session[4] = "a=group:BUNDLE 1"
        let lines = try Self.answer(offer.text, video: nil).split(separator: "\r\n").map(String.init)
        #expect(lines.contains("a=group:BUNDLE 1"))
        let video = try #require(lines.firstIndex(of: "m=video 0 UDP/TLS/RTP/SAVPF 102 103"))
        #expect(Array(lines[(video + 1)...(video + 3)]) == ["c=IN IP4 0.0.0.0", "a=mid:0", "a=inactive"])
        #expect(lines[video + 4].hasPrefix("a=ice-ufrag:") && lines[video + 5].hasPrefix("a=ice-pwd:"))
        #expect(lines[video + 6].hasPrefix("a=fingerprint:") && lines[video + 7] == "a=setup:passive")
        #expect(lines[video + 8] == "m=audio 8189 UDP/TLS/RTP/SAVPF 111")
        #expect(lines.last == "a=end-of-candidates")
    }

    @Test func nothingIsPromisedThatIsNotUsed() throws {
        let text = try Self.answer(BrowserOffer.chromium)
        for word in ["transport-cc", "goog-remb", "extmap", "red/", "ulpfec", "trickle"] { #expect(!text.contains(word)) }
    }

    @Test func anOfferWithoutMidsIsAnsweredWithoutThem() throws {
        var offer = Offer()
        offer.session.removeLast()
        offer.audio = nil
        offer.video.replace("a=mid:0")
        let text = try Self.answer(offer.text)
        #expect(!text.contains("a=mid") && !text.contains("a=group"))
    }

    @Test func anAnswerIsAnSDPThatCanBeRead() throws {
        let readable = try Self.answer(Offer().text).split(separator: "\r\n").map { line in
            line == "a=fingerprint:sha-256 AB:CD" ? "a=fingerprint:sha-256 \(Offer.fingerprint(32))" : String(line)
        }
        let answer = try SDPParser.parse(Array(readable.joined(separator: "\r\n").utf8))
        #expect(answer.sections.map(\.direction) == [.sendOnly, .sendOnly])
        #expect(answer.bundles == [["0", "1"]])
    }
}
