import Testing

@testable import Egress

@Suite struct CodecNegotiationTests {
    static let baseline = VideoFormat(profileIDC: 66, constraints: 0xC0, levelIDC: 31, width: 1280, height: 720)

    static func format(_ profileLevelID: String) throws -> VideoFormat {
        let value = try #require(UInt32(profileLevelID, radix: 16))
        return VideoFormat(
            profileIDC: UInt8(value >> 16), constraints: UInt8(value >> 8 & 0xFF), levelIDC: UInt8(value & 0xFF), width: 16, height: 16)
    }

    static func negotiate(_ text: String, audio: Bool = true, video: VideoFormat? = baseline) throws -> CodecNegotiation {
        try CodecNegotiation(offer: SDPParser.parse(Array(text.utf8)), media: .init(hasAudio: audio, video: video))
    }

    @Test func chromiumGetsTheProfileOfTheStream() throws {
        let negotiation = try Self.negotiate(BrowserOffer.chromium)
        #expect(
            negotiation.video
                == .init(
                    section: 0, payloadType: 108, rtxPayloadType: 109,
                    parameters: "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
                    feedback: ["nack", "nack pli", "ccm fir"]))
        #expect(
            negotiation.audio
                == .init(section: 1, payloadType: 111, parameters: "minptime=10;useinbandfec=1;stereo=1;sprop-stereo=1"))
        #expect(try Self.negotiate(BrowserOffer.chromium, video: Self.format("42001e")).video?.payloadType == 102)
        #expect(try Self.negotiate(BrowserOffer.chromium, video: Self.format("4d4028")).video?.payloadType == 116)
        #expect(try Self.negotiate(BrowserOffer.chromium, video: Self.format("640033")).video?.payloadType == 41)
    }

    /// The stream, what is offered, which of it is taken.
    static let choices: [(stream: String, offered: [String], taken: Int?)] = [
        ("42c01f", ["42001f", "42e01f"], 1),
        ("42c01f", ["640c1f", "4d001f", "42001f"], 2),
        ("42c01f", ["640c1f", "4d001f"], 1),
        ("42c01f", ["640c1f"], 0),
        ("42c01f", ["64001f"], 0),
        ("42001f", ["42e01f", "4d001f", "64001f"], nil),
        ("42001f", ["42e01f", "42001f"], 1),
        ("4d401f", ["42e01f", "64001f"], 1),
        ("4d401f", ["42e01f", "640c1f"], 1),
        ("4d401f", ["42e01f", "42001f"], nil),
        ("64001f", ["640c1f", "64001f"], 1),
        ("64001f", ["4d001f", "640c1f"], 1),
        ("64001f", ["4d001f", "42e01f"], nil),
        ("6e001f", ["64001f", "f4001f"], 1),
        ("42c034", ["42e00a"], 0),
    ]

    @Test(arguments: choices.indices) func theClosestProfileThatPlaysTheStreamIsTaken(row: Int) throws {
        let (stream, offered, taken) = Self.choices[row]
        var offer = Offer()
        offer.offerH264(offered)
        guard let taken else {
            #expect(try Self.negotiate(offer.text, video: Self.format(stream)).video == nil)
            #expect(failure { try Self.negotiate(offer.text, audio: false, video: Self.format(stream)) }?.code == .noCommonCodec)
            return
        }
        let video = try #require(try Self.negotiate(offer.text, video: Self.format(stream)).video)
        #expect(video.payloadType == 100 + UInt8(taken))
        #expect(video.parameters == "packetization-mode=1;profile-level-id=\(offered[taken])")
    }

    /// Formats in the order of payload types, which is taken.
    static let parameters: [(offered: [String], taken: Int?)] = [
        (["packetization-mode=0;profile-level-id=42e01f"], 0),
        (["profile-level-id=42e01f"], 0),
        (["profile-level-id=42e01f", "packetization-mode=1;profile-level-id=42e01f"], 1),
        (["packetization-mode=0;profile-level-id=42e01f", "packetization-mode=1;profile-level-id=64001f"], 1),
        (["packetization-mode=2;profile-level-id=42e01f"], nil),
        (["packetization-mode=2;profile-level-id=42e01f", "PROFILE-LEVEL-ID=42E01F"], 1),
        ([""], 0), (["packetization-mode=1"], 0), (["", "packetization-mode=1"], 1), (["", "profile-level-id=64001f"], 0),
    ]

    @Test(arguments: parameters.indices) func h264WithoutAModeIsAnsweredAsOfferedWhenNothingBetterIs(row: Int) throws {
        let (offered, taken) = Self.parameters[row]
        var offer = Offer()
        let types = offered.indices.map { 96 + $0 }
        offer.video = [
            "m=video 9 UDP/TLS/RTP/SAVPF \(types.map(String.init).joined(separator: " "))", "a=mid:0", "a=recvonly", "a=rtcp-mux",
        ]
        for (type, parameters) in zip(types, offered) {
            offer.video?.append("a=rtpmap:\(type) h264/90000")
            if !parameters.isEmpty { offer.video?.append("a=fmtp:\(type) \(parameters)") }
        }
        guard let taken else {
            #expect(try Self.negotiate(offer.text).video == nil)
            let error = failure { try Self.negotiate(offer.text, audio: false) }
            #expect(error?.code == .noCommonCodec && error?.message.contains("H.264 Constrained Baseline (packetization-mode 2)") == true)
            return
        }
        let video = try #require(try Self.negotiate(offer.text).video)
        #expect(video.payloadType == UInt8(96 + taken))
        #expect(video.parameters.lowercased() == offered[taken].lowercased())
        let answer = try SDPAnswerTests.answer(offer.text)
        #expect(answer.contains("\r\na=rtpmap:\(video.payloadType) h264/90000\r\n"))
        #expect(answer.contains("a=fmtp:\(video.payloadType)") == !offered[taken].isEmpty)
    }

    /// RFC 6184 §8.1 would have it mean Baseline; GStreamer's offers have none, and its decoders play all of them.
    @Test(arguments: ["64001f", "4d401f", "42c01f"]) func aFormatWithoutAProfileIsTakenWhenNothingBetterIsOffered(stream: String) throws {
        var offer = Offer()
        offer.video.replace("a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f")
        let video = try #require(try Self.negotiate(offer.text, video: Self.format(stream)).video)
        #expect(video.payloadType == 102 && video.parameters.isEmpty)
    }

    @Test(arguments: ["OPUS/48000", "Opus/48000/2", "opus/48000/1"]) func opusIsTakenHoweverItIsWritten(name: String) throws {
        var offer = Offer()
        offer.audio.replace("a=rtpmap:111 opus/48000/2", with: "a=rtpmap:111 \(name)")
        #expect(try Self.negotiate(offer.text).sections == [0, 1])
        let written = name.split(separator: "/1").joined()
        #expect(try SDPAnswerTests.answer(offer.text).contains("\r\na=rtpmap:111 \(written)\r\n"))
    }

    @Test(arguments: ["opus/16000/2", "opus/48000/6", "multiopus/48000/2"]) func whatIsNotOpusIsNot(name: String) throws {
        var offer = Offer()
        offer.audio.replace("a=rtpmap:111 opus/48000/2", with: "a=rtpmap:111 \(name)")
        #expect(try Self.negotiate(offer.text).sections == [0])
    }

    @Test(arguments: [
        "UDP/TLS/RTP/SAVPF", "UDP/TLS/RTP/SAVP", "TCP/DTLS/RTP/SAVPF", "TCP/DTLS/RTP/SAVP", "RTP/SAVPF", "RTP/SAVP", "RTP/AVPF", "RTP/AVP",
    ])
    func everyNameOfTheProfileIsTakenAndRepeated(name: String) throws {
        var offer = Offer()
        offer.video?[0] = "m=video 9 \(name) 102 103"
        offer.audio?[0] = "m=audio 9 \(name) 111"
        let answer = try SDPAnswerTests.answer(offer.text)
        #expect(answer.contains("\r\nm=video 8189 \(name) 102 103\r\n") && answer.contains("\r\nm=audio 8189 \(name) 111\r\n"))
    }

    @Test(arguments: ["RTP/SAVPF", "RTP/AVP"]) func anOlderNameWithoutAFingerprintIsAnotherTransport(name: String) throws {
        var offer = Offer()
        offer.transport.remove(at: 2)
        offer.video?[0] = "m=video 9 \(name) 102 103"
        offer.audio = nil
        let error = failure { try Self.negotiate(offer.text) }
        #expect(error?.code == .noCommonCodec && error?.message.contains("a section without UDP/TLS/RTP/SAVPF") == true)
    }

    @Test func payloadTypesThatNeedNoNameAreNamedInARefusal() {
        var offer = Offer()
        offer.video = nil
        offer.audio = ["m=audio 9 UDP/TLS/RTP/SAVPF 0 8 9", "a=mid:1", "a=recvonly", "a=rtcp-mux"]
        #expect(failure { try Self.negotiate(offer.text) }?.message.hasSuffix("the offer has PCMU, PCMA, G722") == true)
    }

    @Test func payloadTypesThatLookLikeRTCPAreNotTaken() throws {
        var offer = Offer()
        offer.audio = nil
        offer.video = [
            "m=video 9 UDP/TLS/RTP/SAVPF 64 95 96", "a=mid:0", "a=recvonly", "a=rtcp-mux",
            "a=rtpmap:64 H264/90000", "a=fmtp:64 packetization-mode=1;profile-level-id=42e01f",
            "a=rtpmap:95 H264/90000", "a=fmtp:95 packetization-mode=1;profile-level-id=42e01f",
            "a=rtpmap:96 H264/90000", "a=fmtp:96 packetization-mode=1;profile-level-id=42e01f",
        ]
        #expect(try Self.negotiate(offer.text).video?.payloadType == 96)
    }

    @Test func aRefusalNamesBothSides() {
        let error = failure { try Self.negotiate(BrowserOffer.firefoxWithoutH264, audio: false) }
        #expect(error?.code == .noCommonCodec)
        #expect(
            error?.message == "no codec in common: the stream has H.264 Constrained Baseline (42c01f); "
                + "the offer has VP8 (max-fs 12288), VP9 profile 0 (max-fs 12288), AV1 profile 0, opus, G722, PCMU, PCMA")
    }

    @Test func soundAloneIsTakenWhereNoPictureIsAskedForOrToBeHad() throws {
        var offer = Offer()
        #expect(try Self.negotiate(offer.text, video: nil).sections == [1])
        #expect(try Self.negotiate(BrowserOffer.firefoxWithoutH264, video: nil).audio?.payloadType == 109)
        offer.video = nil
        let negotiation = try Self.negotiate(offer.text)
        #expect(negotiation.video == nil && negotiation.audio?.section == 0)
    }

    @Test func aPictureAloneIsTakenWhereNoSoundIs() throws {
        var offer = Offer()
        #expect(try Self.negotiate(offer.text, audio: false).sections == [0])
        offer.audio = nil
        #expect(try Self.negotiate(offer.text).sections == [0])
        offer = Offer()
        offer.audio.replace("a=rtpmap:111 opus/48000/2", with: "a=rtpmap:111 PCMU/8000")
        #expect(try Self.negotiate(offer.text).sections == [0])
    }

    @Test(arguments: ["a=sendonly", "a=inactive"]) func sectionsThatDoNotReceiveAreNotTaken(direction: String) throws {
        var offer = Offer()
        offer.video.replace("a=recvonly", with: direction)
        #expect(try Self.negotiate(offer.text).sections == [1])
        offer.audio.replace("a=recvonly", with: direction)
        #expect(failure { try Self.negotiate(offer.text) }?.code == .noCommonCodec)
    }

    @Test func sendrecvIsTakenToo() throws {
        var offer = Offer()
        offer.video.replace("a=recvonly", with: "a=sendrecv")
        offer.audio.replace("a=recvonly")
        #expect(try Self.negotiate(offer.text).sections == [0, 1])
    }

    @Test func aSectionThatIsOffIsNotTakenUnlessItIsBundleOnly() throws {
        var offer = Offer()
        offer.audio?[0] = "m=audio 0 UDP/TLS/RTP/SAVPF 111"
        #expect(try Self.negotiate(offer.text).sections == [0])
        offer.audio?.append("a=bundle-only")
        #expect(try Self.negotiate(offer.text).sections == [0, 1])
    }

    @Test func everythingHasToBeMultiplexed() throws {
        var offer = Offer()
        offer.audio.replace("a=rtcp-mux")
        #expect(try Self.negotiate(offer.text).sections == [0])
        offer.video.replace("a=rtcp-mux")
        #expect(failure { try Self.negotiate(offer.text) }?.message.contains("rtcp-mux") == true)
        offer = Offer()
        offer.session.removeLast()
        #expect(failure { try Self.negotiate(offer.text) }?.code == .unsupportedOffer)
        offer.audio = nil
        #expect(try Self.negotiate(offer.text).sections == [0])
    }

    @Test(arguments: [("actpass", true), ("active", true), ("passive", false), ("holdconn", false)])
    func theViewerBeginsTheHandshake(setup: String, isTaken: Bool) {
        var offer = Offer()
        offer.transport[3] = "a=setup:\(setup)"
        #expect(failure { try Self.negotiate(offer.text) }?.code == (isTaken ? nil : .unsupportedOffer))
    }

    @Test func onlyTheFirstSectionOfAKindIsTaken() throws {
        var offer = Offer()
        offer.session[4] = "a=group:BUNDLE 0 1 2"
        offer.audio? +=
            offer.transport + ["m=video 9 UDP/TLS/RTP/SAVPF 102", "a=mid:2", "a=recvonly", "a=rtcp-mux", "a=rtpmap:102 H264/90000"]
        #expect(try Self.negotiate(offer.text).sections == [0, 1])
    }

    @Test func onlyFeedbackThatWasOfferedIsGiven() throws {
        var offer = Offer()
        for line in ["a=rtcp-fb:102 nack", "a=rtcp-fb:102 nack pli", "a=rtcp-fb:102 ccm fir"] { offer.video.replace(line) }
        #expect(try Self.negotiate(offer.text).video?.feedback == [])
        offer.video? += ["a=rtcp-fb:* nack pli"]
        #expect(try Self.negotiate(offer.text).video?.feedback == ["nack pli"])
    }

    @Test func anOfferWithoutRetransmissionGetsNone() throws {
        var offer = Offer()
        offer.video.replace("a=fmtp:103 apt=102", with: "a=fmtp:103 apt=99")
        #expect(try Self.negotiate(offer.text).video?.rtxPayloadType == nil)
    }

    @Test func whatTheViewerSaysOfStereoStays() throws {
        var offer = Offer()
        offer.audio.replace("a=fmtp:111 minptime=10;useinbandfec=1", with: "a=fmtp:111 stereo=0")
        #expect(try Self.negotiate(offer.text).audio?.parameters == "stereo=0;sprop-stereo=1")
        offer.audio.replace("a=fmtp:111 stereo=0")
        #expect(try Self.negotiate(offer.text).audio?.parameters == "stereo=1;sprop-stereo=1")
    }
}
