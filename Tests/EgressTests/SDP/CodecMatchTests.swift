import Testing

@testable import Egress

/// Which formats of an offer stand for what a stream has.
@Suite struct CodecMatchTests {
    static func negotiate(_ text: String, _ media: CodecNegotiation.Media) throws -> CodecNegotiation {
        try CodecNegotiation(offer: SDPParser.parse(Array(text.utf8)), media: media)
    }

    static func negotiate(_ offer: Offer, _ format: VideoFormat) throws -> CodecNegotiation { try negotiate(offer.text, .init([format])) }

    /// A format that is offered alone, and whether it is taken.
    struct Row: Sendable {
        let stream: VideoFormat
        let name: String
        let parameters: String
        let isTaken: Bool

        init(_ stream: VideoFormat, _ name: String, _ parameters: String, _ isTaken: Bool) {
            (self.stream, self.name, self.parameters, self.isTaken) = (stream, name, parameters, isTaken)
        }
    }

    static let rows: [Row] =
        [
            // 1080p has 120 times 68 macroblocks, 1440p 160 times 90.
            Row(.of(.vp8), "VP8", "", true),
            Row(.of(.vp8), "vp8", "", true),
            Row(.of(.vp8, profile: 3), "VP8", "", true),
            Row(.of(.vp8), "VP80", "", false),
            Row(.of(.vp8), "VP9", "", false),
            Row(.of(.vp8), "VP8", "max-fs=12288;max-fr=60", true),
            Row(.of(.vp8), "VP8", "max-fs=8160", true),
            Row(.of(.vp8), "VP8", "max-fr=60; MAX-FS=8159", false),
            Row(.of(.vp8, 2_560, 1_440), "VP8", "max-fs=12288;max-fr=60", false),
            Row(.of(.vp8, 2_560, 1_440), "VP8", "max-fs=14400", true),
            Row(.of(.vp8, 2_560, 1_440), "VP8", "", true),
            Row(.of(.vp8, 641, 481), "VP8", "max-fs=1270", false),
            Row(.of(.vp8, 641, 481), "VP8", "max-fs=1271", true),
            // RFC 7741 §6.1: with 1200 no side has more than 97 macroblocks.
            Row(.of(.vp8, 1_552, 16), "VP8", "max-fs=1200", true),
            Row(.of(.vp8, 1_553, 16), "VP8", "max-fs=1200", false),
            Row(.of(.vp8, 16, 1_553), "VP8", "max-fs=1200", false),
            Row(.of(.vp8), "VP8", "max-fs=many", true),
            Row(.of(.vp8), "VP8", "max-fs=99999999999999999999", true),
            Row(.of(.vp8), "VP8", "max-fs=0", false),
        ] + [
            Row(.of(.vp9), "VP9", "", true),
            Row(.of(.vp9), "vp9", "profile-id=0", true),
            Row(.of(.vp9), "VP9", "profile-id=2", false),
            Row(.of(.vp9), "VP9", "profile-id=x", false),
            Row(.of(.vp9), "VP9", "profile-id=256", false),
            Row(.of(.vp9, profile: 2), "VP9", "profile-id=2", true),
            Row(.of(.vp9, profile: 2), "VP9", "max-fs=12288; Profile-Id = 2", true),
            Row(.of(.vp9, profile: 2), "VP9", "", false),
            Row(.of(.vp9, profile: 2), "VP9", "profile-id=1", false),
            Row(.of(.vp9, profile: 2), "VP9", "profile-id=3", false),
            Row(.of(.vp9), "VP9", "max-fs=8160", true),
            Row(.of(.vp9), "VP9", "max-fs=8159", false),
            Row(.of(.vp9, profile: 2, 2_560, 1_440), "VP9", "profile-id=2;max-fs=12288", false),
            Row(.of(.vp9), "VP8", "", false),
        ] + [
            Row(.of(.av1), "AV1", "", true),
            Row(.of(.av1), "av1", "level-idx=5;profile=0;tier=0", true),
            Row(.of(.av1, level: 13, 3_840, 2_160), "AV1", "level-idx=5;profile=0;tier=0", true),
            Row(.of(.av1, level: 13, 3_840, 2_160), "AV1", "", true),
            Row(.of(.av1), "AV1", "profile=1", false),
            Row(.of(.av1, profile: 1), "AV1", "profile=1", true),
            Row(.of(.av1, profile: 1), "AV1", "", false),
            Row(.of(.av1), "AV1", "profile=x", false),
            Row(.of(.av1), "AV1X", "", false),
        ] + [
            Row(.of(.h265), "H265", "", true),
            Row(.of(.h265), "h265", "level-id=180;profile-id=1;tier-flag=0;tx-mode=SRST", true),
            Row(.of(.h265, level: 180), "H265", "level-id=93;profile-id=1;tier-flag=0;tx-mode=SRST", true),
            Row(.of(.h265), "H265", "profile-id=2", false),
            Row(.of(.h265, profile: 2), "H265", "profile-id=2;tier-flag=0", true),
            Row(.of(.h265, profile: 2), "H265", "", false),
            Row(.of(.h265), "H265", "profile-id=1;tier-flag=1", false),
            Row(.of(.h265, tier: 1), "H265", "profile-id=1;tier-flag=1", true),
            Row(.of(.h265, tier: 1), "H265", "profile-id=1", false),
            Row(.of(.h265), "H265", "tx-mode=srst", true),
            Row(.of(.h265), "H265", "tx-mode=MRST", false),
            Row(.of(.h265), "H265", "tx-mode=MRMT", false),
            Row(.of(.h265), "H264", "", false),
        ] + [
            Row(.h264, "H265", "", false),
            Row(.h264, "VP8", "", false),
        ]

    @Test(arguments: rows.indices) func aFormatIsTakenWhenItPlaysTheStream(row: Int) throws {
        let row = Self.rows[row]
        var offer = Offer()
        offer.offerVideo(row.name, row.parameters, payloadType: 100)
        let comment = Comment(rawValue: "\(row)")
        guard row.isTaken else {
            #expect(try Self.negotiate(offer, row.stream).video == nil, comment)
            return
        }
        let expected = CodecNegotiation.Video(
            section: 0, payloadType: 100, rtxPayloadType: 101, parameters: row.parameters, feedback: ["nack", "nack pli", "ccm fir"])
        #expect(try Self.negotiate(offer, row.stream).video == expected, comment)
    }

    @Test(arguments: rows.indices) func theAnswerEchoesTheFormatThatIsTaken(row: Int) throws {
        let row = Self.rows[row]
        guard row.isTaken else { return }
        var offer = Offer()
        offer.offerVideo(row.name, row.parameters, payloadType: 100)
        let format = [
            "m=video 8189 UDP/TLS/RTP/SAVPF 100 101", "a=rtpmap:100 \(row.name)/90000", "a=rtpmap:101 rtx/90000", "a=fmtp:101 apt=100",
        ]
        let feedback = ["a=rtcp-fb:100 nack", "a=rtcp-fb:100 nack pli", "a=rtcp-fb:100 ccm fir"]
        let lines = try SDPAnswerTests.answer(offer.text, video: row.stream).split(separator: "\r\n").map(String.init)
        for line in format + feedback { #expect(lines.contains(line), "\(line)") }
        #expect(lines.filter { $0.hasPrefix("a=fmtp:100") } == (row.parameters.isEmpty ? [] : ["a=fmtp:100 \(row.parameters)"]))
        #expect(!lines.contains { $0.contains("goog-remb") })
    }

    @Test func ofSeveralFormatsOfACodecTheFirstThatPlaysTheStreamIsTaken() throws {
        var offer = Offer()
        offer.offerVideo([("VP9", "profile-id=2"), ("VP9", "profile-id=0"), ("VP8", "max-fs=3600"), ("VP8", ""), ("VP8", "max-fs=12288")])
        #expect(try Self.negotiate(offer, .of(.vp9)).video?.payloadType == 98)
        #expect(try Self.negotiate(offer, .of(.vp9, profile: 2)).video?.payloadType == 96)
        #expect(try Self.negotiate(offer, .of(.vp8)).video?.payloadType == 102)
        #expect(try Self.negotiate(offer, .of(.vp8, 1_280, 720)).video?.payloadType == 100)
    }

    @Test func retransmissionBelongsToItsFormat() throws {
        var offer = Offer()
        offer.offerVideo([("VP8", ""), ("VP9", ""), ("AV1", ""), ("H265", "")])
        offer.video.replace("a=fmtp:99 apt=98", with: "a=fmtp:99 apt=96")
        let media = [VideoFormat.of(.vp8), .of(.vp9), .of(.av1), .of(.h265)]
        #expect(try media.map { try Self.negotiate(offer, $0).video?.rtxPayloadType } == [97, nil, 101, 103])
    }

    // MARK: Sound

    /// What is offered, of which the sound is taken; the payload type, `nil`: none.
    static let sounds: [(codec: AudioCodec, types: String, names: [String], taken: UInt8?)] = [
        (.opus, "111", ["111 opus/48000/2"], 111), (.opus, "0 8 9", [], nil),
        (.pcmu, "0", [], 0), (.pcmu, "0", ["0 PCMU/8000"], 0), (.pcmu, "111 0 8", ["111 opus/48000/2"], 0), (.pcmu, "8 9", [], nil),
        (.pcmu, "96", ["96 pcmu/8000/1"], 96), (.pcmu, "96", ["96 PCMU/16000"], nil), (.pcmu, "96", ["96 PCMU/8000/2"], nil),
        (.pcmu, "0", ["0 PCMA/8000"], nil), (.pcmu, "96", [], nil),
        (.pcma, "8", [], 8), (.pcma, "0 8", ["0 PCMU/8000", "8 PCMA/8000"], 8), (.pcma, "0", [], nil),
        (.pcma, "100", ["100 PCMA/8000"], 100),
        (.g722, "9", [], 9), (.g722, "9", ["9 G722/8000"], 9), (.g722, "9", ["9 G722/8000/1"], 9), (.g722, "0 8", [], nil),
        (.g722, "9", ["9 G722/16000"], nil), (.g722, "100 9", ["100 G722/8000"], 100),
    ]

    @Test(arguments: sounds.indices) func soundIsTakenByItsNameOrByThePayloadTypeThatNeedsNone(row: Int) throws {
        let (codec, types, names, taken) = Self.sounds[row]
        var offer = Offer()
        offer.offerAudio(types, names)
        let negotiation = try Self.negotiate(offer.text, .init(audio: codec, [.h264]))
        #expect(negotiation.audio?.payloadType == taken && negotiation.video != nil)
    }

    @Test(arguments: [
        (AudioCodec.pcmu, 0, "PCMU/8000"), (.pcma, 8, "PCMA/8000"), (.g722, 9, "G722/8000"),
    ]) func soundIsAnsweredAsItWasOffered(codec: AudioCodec, type: Int, name: String) throws {
        func lines(_ names: [String]) throws -> [String] {
            var offer = Offer()
            offer.offerAudio("\(type)", names)
            let parsed = try SDPParser.parse(Array(offer.text.utf8))
            return try SDPAnswerTests.answer(parsed, .init(audio: codec, [.h264])).split(separator: "\r\n").map(String.init)
        }
        for names in [["\(type) \(name)"], ["\(type) \(name)/1"], []] {
            let answer = try lines(names)
            #expect(answer.contains("m=audio 8189 UDP/TLS/RTP/SAVPF \(type)"))
            #expect(answer.filter { $0.hasPrefix("a=rtpmap:\(type) ") } == (names.isEmpty ? [] : ["a=rtpmap:\(type) \(name)"]))
            #expect(!answer.contains { $0.contains("stereo") }, "that is said of Opus")
        }
    }

    // MARK: Encodings

    /// What the encodings are, and the payload types that Chromium and Firefox are answered with; `nil`: no video.
    static let streams: [(encodings: [VideoFormat], chromium: (Int, UInt8)?, firefox: (Int, UInt8)?)] = [
        ([.h264, .of(.vp8)], (0, 108), (1, 120)),
        ([.of(.vp8), .h264], (0, 96), (0, 120)),
        ([.of(.vp9, profile: 2), .of(.av1), .of(.h265), .of(.vp8)], (0, 100), (1, 99)),
        ([.of(.h265), .of(.vp9), .of(.vp8)], (1, 98), (1, 121)),
        ([.of(.h265), .of(.vp9, profile: 2)], (1, 100), nil),
        ([.of(.h265)], nil, nil),
        ([.of(.av1, profile: 1), .of(.av1)], (0, 47), (1, 99)),
        ([.of(.vp9, profile: 3), .of(.vp9, profile: 1), .of(.vp8)], (0, 37), (2, 120)),
        // Firefox's limit is 12,288 macroblocks.
        ([.of(.vp8, 2_560, 1_440), .of(.vp8, 1_280, 720)], (0, 96), (1, 120)),
        ([.of(.vp8, 1_280, 720), .of(.vp8, 640, 360)], (0, 96), (0, 120)),
        ([.of(.vp8, 2_560, 1_440), .of(.h265)], (0, 96), nil),
        ([.of(.vp8, 2_560, 1_440), .of(.vp9, 2_560, 1_440), .of(.av1, 2_560, 1_440)], (0, 96), (2, 99)),
    ]

    @Test(arguments: streams.indices) func aBrowserGetsTheFirstEncodingThatItPlays(row: Int) throws {
        let (encodings, chromium, firefox) = Self.streams[row]
        for (offer, expected) in [(BrowserOffer.chromium, chromium), (BrowserOffer.firefoxWithoutH264, firefox)] {
            let negotiation = try Self.negotiate(offer, .init(encodings))
            #expect(negotiation.video?.encoding == expected?.0 && negotiation.video?.payloadType == expected?.1)
            #expect(negotiation.video == nil || negotiation.video?.rtxPayloadType != nil)
            #expect(negotiation.audio != nil)
        }
    }

    @Test func theAnswerHasOneFormatOfVideo() throws {
        let offer = try SDPParser.parse(Array(BrowserOffer.firefoxWithoutH264.utf8))
        let lines = try SDPAnswerTests.answer(offer, .init([.h264, .of(.vp8)])).split(separator: "\r\n").map(String.init)
        #expect(lines.contains("m=video 8189 UDP/TLS/RTP/SAVPF 120 124"))
        #expect(
            lines.filter { $0.hasPrefix("a=rtpmap:") || $0.hasPrefix("a=fmtp:") } == [
                "a=rtpmap:120 VP8/90000", "a=fmtp:120 max-fs=12288;max-fr=60", "a=rtpmap:124 rtx/90000", "a=fmtp:124 apt=120",
                "a=rtpmap:109 opus/48000/2", "a=fmtp:109 maxplaybackrate=48000;stereo=1;useinbandfec=1;sprop-stereo=1",
            ])
    }

    @Test func placesAreThoseOfTheConfigurationThoughAnEncodingIsMissing() throws {
        let media = CodecNegotiation.Media(encodings: [.init(index: 2, format: .of(.h265)), .init(index: 5, format: .of(.vp8))])
        #expect(try Self.negotiate(BrowserOffer.chromium, media).video?.encoding == 5)
    }

    @Test func theOrderIsTheOperatorsAndNotThatOfTheOffersSections() throws {
        var offer = Offer()
        offer.offerVideo("VP8")
        let second = ["m=video 9 UDP/TLS/RTP/SAVPF 102", "a=mid:2", "a=recvonly", "a=rtcp-mux", "a=rtpmap:102 VP9/90000"]
        offer.session[4] = "a=group:BUNDLE 0 1 2"
        offer.audio? += offer.transport + second
        #expect(try Self.negotiate(offer.text, .init([.of(.vp9), .of(.vp8)])).sections == [1, 2])
        #expect(try Self.negotiate(offer.text, .init([.of(.vp8), .of(.vp9)])).sections == [0, 1])
    }

    // MARK: Refusals

    @Test func aRefusalNamesEveryEncodingAndEveryFormatWithWhatDecides() {
        var offer = Offer()
        offer.offerVideo([
            ("H265", "profile-id=2;tier-flag=1"), ("h265", "tx-mode=MRST"), ("VP8", "max-fs=3600"), ("VP9", "profile-id=1;max-fs=99"),
            ("AV1", "profile=1"), ("AV1", "profile=1"), ("H264", "profile-level-id=640c1f"),
        ])
        offer.offerAudio("0 9", ["0 PCMU/8000"])
        let stream = [
            VideoFormat.of(.h265), .of(.h265, tier: 1), .of(.vp8), .of(.vp9), .of(.vp9, profile: 2, 1_280, 720), .of(.av1), .of(.av1),
            VideoFormat(profileIDC: 244, constraints: 0, levelIDC: 40, width: 1_920, height: 1_080),
        ]
        let error = failure { try Self.negotiate(offer.text, .init(stream)) }
        #expect(error?.code == .noCommonCodec)
        #expect(
            error?.message == "no codec in common: the stream has H.265 Main, H.265 Main (High tier), VP8 1920x1080, "
                + "VP9 profile 0 1920x1080, VP9 profile 2 1280x720, AV1 profile 0, H.264 High 4:4:4 (f40028), Opus; "
                + "the offer has H.265 Main 10 (High tier), H.265 Main (tx-mode MRST), VP8 (max-fs 3600), "
                + "VP9 profile 1 (max-fs 99), AV1 profile 1, H.264 Constrained High (packetization-mode 0), PCMU, G722")
    }
}
