import Testing

@testable import Egress

/// What a viewer may be switched among, and what its SDP says of that.
@Suite struct LadderTests {
    static let high = VideoFormat(profileIDC: 100, constraints: 0, levelIDC: 40, width: 1_920, height: 1_080)
    static let main = VideoFormat(profileIDC: 77, constraints: 0x40, levelIDC: 31, width: 1_280, height: 720)
    static let small = VideoFormat(profileIDC: 66, constraints: 0xE0, levelIDC: 13, width: 320, height: 180)
    static let transportCC = SDPOffer.HeaderExtension.transportCC

    static func media(_ formats: [VideoFormat], bitRates: [Int] = []) -> CodecNegotiation.Media {
        var media = CodecNegotiation.Media(formats)
        for (index, bitRate) in bitRates.enumerated() { media.encodings[index].bitRate = bitRate }
        return media
    }

    static func video(_ text: String, _ media: CodecNegotiation.Media, bitRateMax: Int? = nil) throws -> CodecNegotiation.Video {
        let negotiation = try CodecNegotiation(offer: SDPParser.parse(Array(text.utf8)), media: media, bitRateMax: bitRateMax)
        return try #require(negotiation.video)
    }

    /// Of a stream: the encoding that a viewer begins with, and those that it is switched among.
    typealias Expected = (start: Int, ladder: [Int])

    static let streams: [(encodings: [VideoFormat], chromium: Expected, firefox: Expected?)] = [
        ([.of(.vp8), .of(.vp8, 1_280, 720), .of(.vp8, 640, 360)], (0, [0, 1, 2]), (0, [0, 1, 2])),
        // Firefox's limit is 12,288 macroblocks.
        ([.of(.vp8, 2_560, 1_440), .of(.vp8, 1_280, 720), .of(.vp8, 640, 360)], (0, [0, 1, 2]), (1, [1, 2])),
        ([.of(.vp8, 2_560, 1_440), .of(.vp8, 1_280, 720)], (0, [0, 1]), (1, [])),
        ([.of(.vp8, 640, 360), .of(.vp8, 2_560, 1_440), .of(.vp8, 1_280, 720)], (0, [0, 1, 2]), (0, [0, 2])),
        ([.of(.vp8), .h264, .of(.vp8, 640, 360), small], (0, [0, 2]), (0, [0, 2])),
        ([.h264, .of(.vp8), small, .of(.vp8, 640, 360)], (0, [0, 2]), (1, [1, 3])),
        ([.of(.vp9), .of(.vp9, profile: 2, 640, 360), .of(.vp9, 320, 180)], (0, [0, 2]), (0, [0, 2])),
        ([.of(.vp9), .of(.vp9, profile: 2, 640, 360)], (0, []), (0, [])),
        ([.of(.av1), .of(.av1, level: 4, 640, 360), .of(.av1, profile: 1)], (0, [0, 1]), (0, [0, 1])),
        // One payload type decodes all rungs. Chromium's for High is High 4:4:4, which decodes all below; its for Constrained Baseline nothing else.
        ([high, main, small], (0, [0, 1, 2]), nil), ([main, small, high], (0, [0, 1]), nil), ([small, main, high], (0, []), nil),
        ([small, .h264, high], (0, [0, 1]), nil),
        ([.h264], (0, []), nil), ([.of(.vp8)], (0, []), (0, [])),
    ]

    @Test(arguments: streams.indices) func aLadderIsWhatThePayloadTypeDecodes(row: Int) throws {
        let (encodings, chromium, firefox) = Self.streams[row]
        let viewers = [(BrowserOffer.chromium, chromium, 4), (BrowserOffer.firefoxWithoutH264, firefox, 7)]
        for case (let offer, let expected?, let id) in viewers {
            let video = try Self.video(offer, Self.media(encodings))
            #expect(video.encoding == expected.start && video.ladder == expected.ladder)
            #expect(video.transportCC?.id == (expected.ladder.isEmpty ? nil : id))
            #expect(video.feedback == CodecNegotiation.feedbackKinds + (expected.ladder.isEmpty ? [] : ["transport-cc"]))
        }
    }

    @Test func anH265RungOfAnotherProfileOrTierIsNotInTheLadder() throws {
        var offer = Offer()
        offer.offerVideo([("H265", "profile-id=2"), ("H265", "profile-id=1;level-id=93")])
        let media = Self.media([.of(.h265), .of(.h265, profile: 2), .of(.h265, tier: 1), .of(.h265, level: 63, 640, 360)])
        let video = try Self.video(offer.text, media)
        #expect(video.payloadType == 98 && video.ladder == [0, 3])
    }

    @Test func aFormatWithoutAProfileDecodesEveryRung() throws {
        var offer = Offer()
        offer.video.replace("a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f")
        #expect(try Self.video(offer.text, Self.media([Self.high, Self.small])).ladder == [0, 1])
    }

    // MARK: SDP

    /// The lines of an answer that are not in another one, and the other way round.
    static func difference(_ text: String, _ encodings: [VideoFormat]) throws -> (more: [String], less: [String]) {
        let offer = try SDPParser.parse(Array(text.utf8))
        let lines = try [encodings, [encodings[0]]].map { encodings in
            try SDPAnswerTests.answer(offer, media(encodings)).split(separator: "\r\n").map(String.init)
        }
        return (lines[0].filter { !lines[1].contains($0) }, lines[1].filter { !lines[0].contains($0) })
    }

    @Test func aLadderAddsTwoLinesToTheAnswerAndNothingElse() throws {
        let chromium = try Self.difference(BrowserOffer.chromium, [.h264, Self.small])
        #expect(chromium.more == ["a=extmap:4 \(Self.transportCC)", "a=rtcp-fb:108 transport-cc"] && chromium.less.isEmpty)
        let firefox = try Self.difference(BrowserOffer.firefoxWithoutH264, [.of(.vp8), .of(.vp8, 640, 360)])
        #expect(firefox.more == ["a=extmap:7 \(Self.transportCC)", "a=rtcp-fb:120 transport-cc"] && firefox.less.isEmpty)
        for (text, formats) in [
            (BrowserOffer.chromium, [VideoFormat.h264, .of(.vp8)]), (BrowserOffer.firefoxWithoutH264, [.of(.vp8), .h264]),
        ] {
            let none = try Self.difference(text, formats)
            #expect(none.more.isEmpty && none.less.isEmpty, "of another codec is no rung")
        }
    }

    @Test func theExtensionIsAnsweredInTheVideoSectionOnly() throws {
        let offer = try SDPParser.parse(Array(BrowserOffer.chromium.utf8))
        let sections = try SDPAnswerTests.answer(offer, Self.media([.h264, Self.small])).split(separator: "\r\nm=")
        #expect(sections.dropFirst().map { $0.contains("a=extmap:") } == [true, false])
        #expect(sections.dropFirst().map { $0.contains("transport-cc") } == [true, false])
    }

    /// What is offered of it, and what is answered.
    static let offers: [(extensions: [String], feedback: [String], answer: [String])] = [
        (["4 "], ["102 transport-cc"], ["a=extmap:4 \(transportCC)", "a=rtcp-fb:102 transport-cc"]),
        (["1 "], ["* transport-cc"], ["a=extmap:1 \(transportCC)", "a=rtcp-fb:102 transport-cc"]),
        (["14/sendrecv "], ["* transport-cc"], ["a=extmap:14/sendonly \(transportCC)", "a=rtcp-fb:102 transport-cc"]),
        (["5/recvonly "], ["102 transport-cc"], ["a=extmap:5/sendonly \(transportCC)", "a=rtcp-fb:102 transport-cc"]),
        (["5/sendonly "], ["102 transport-cc"], []), (["5/inactive "], ["102 transport-cc"], []), (["5/other "], ["102 transport-cc"], []),
        (["0 "], ["102 transport-cc"], []), (["15 "], ["102 transport-cc"], []), (["256 "], ["102 transport-cc"], []),
        (["65536 "], ["102 transport-cc"], []), (["-4 "], ["102 transport-cc"], []), (["+4 "], ["102 transport-cc"], []),
        ([" "], ["102 transport-cc"], []),
        (["20 ", "6 "], ["102 transport-cc"], ["a=extmap:6 \(transportCC)", "a=rtcp-fb:102 transport-cc"]),
        (["4 "], [], []), ([], ["102 transport-cc"], []), (["4 "], ["103 transport-cc"], []),
        (["4 "], ["102 goog-remb"], ["a=rtcp-fb:102 goog-remb"]), ([], ["* goog-remb"], ["a=rtcp-fb:102 goog-remb"]),
        (["15 "], ["102 transport-cc", "102 goog-remb"], ["a=rtcp-fb:102 goog-remb"]),
        (["4 "], ["102 goog-remb", "102 transport-cc"], ["a=extmap:4 \(transportCC)", "a=rtcp-fb:102 transport-cc"]),
    ]

    @Test(arguments: offers.indices) func whatIsOfferedForFeedbackDecidesWhatIsAnswered(row: Int) throws {
        let (extensions, feedback, answer) = Self.offers[row]
        var offer = Offer()
        offer.video = offer.video?.filter { !$0.hasSuffix(" goog-remb") && !$0.hasSuffix(" transport-cc") }
        offer.video? += extensions.map { "a=extmap:\($0)\(Self.transportCC)" } + feedback.map { "a=rtcp-fb:\($0)" }
        let (more, less) = try Self.difference(offer.text, [.h264, Self.small])
        #expect(more == answer && less.isEmpty)
    }

    @Test func anIdOfTwoExtensionsIsNotUsed() throws {
        var offer = Offer()
        offer.video? += ["a=extmap:4 \(Self.transportCC)", "a=extmap:4 urn:ietf:params:rtp-hdrext:toffset"]
        let video = try Self.video(offer.text, Self.media([.h264, Self.small]))
        #expect(video.transportCC == nil && video.feedback.last == "goog-remb")
    }

    // MARK: A bound

    /// Bit rates in the operator's order, the bound, where the viewer begins.
    static let bounds: [(bitRates: [Int], bound: Int?, start: Int)] = [
        ([4_500, 2_000, 600], nil, 0), ([4_500, 2_000, 600], 4_500, 0), ([4_500, 2_000, 600], 4_499, 1),
        ([4_500, 2_000, 600], 2_000, 1), ([4_500, 2_000, 600], 1_999, 2), ([4_500, 2_000, 600], 1, 2),
        // The operator lets viewers begin in the middle.
        ([2_000, 4_500, 600], 9_000, 0), ([2_000, 4_500, 600], 2_000, 0), ([2_000, 600, 4_500], 700, 1),
        ([4_500, 600, 2_000], 3_000, 2),
        // What is not known is not above.
        ([0, 2_000, 600], 1_000, 0),
    ]

    @Test(arguments: bounds.indices) func aViewerBeginsWithTheHighestRungWithinItsBound(row: Int) throws {
        let (bitRates, bound, start) = Self.bounds[row]
        let media = Self.media([.h264, .h264, Self.small], bitRates: bitRates)
        let video = try Self.video(BrowserOffer.chromium, media, bitRateMax: bound)
        #expect(video.encoding == start && video.ladder == [0, 1, 2])
    }

    @Test func aBoundDoesNotMakeAViewerBeginWithWhatIsSilent() throws {
        var media = Self.media([.h264, .h264, Self.small], bitRates: [4_500, 2_000, 600])
        media.encodings[1].isActive = false
        #expect(try Self.video(BrowserOffer.chromium, media, bitRateMax: 2_000).encoding == 2)
        media.encodings[2].isActive = false
        #expect(try Self.video(BrowserOffer.chromium, media, bitRateMax: 2_000).encoding == 1)
    }

    @Test func withoutALadderABoundChangesNothing() throws {
        let video = try Self.video(BrowserOffer.chromium, Self.media([.h264, .of(.vp8)], bitRates: [4_500, 600]), bitRateMax: 1)
        #expect(video.encoding == 0 && video.ladder.isEmpty)
    }

    // MARK: Offers of simulcast

    /// A client asks to be sent several encodings at once. RFC 8853 §5.3.2: an answer without a=simulcast says that there is none.
    @Test func anOfferOfSimulcastIsAnsweredWithOnePicture() throws {
        var offer = Offer()
        let plain = try SDPAnswerTests.answer(SDPParser.parse(Array(offer.text.utf8)), Self.media([.h264, Self.small]))
        offer.video? += ["a=rid:hi recv pt=102", "a=rid:lo recv pt=102;max-width=640", "a=simulcast:recv hi;lo"]
        let simulcast = try SDPParser.parse(Array(offer.text.utf8))
        #expect(simulcast.sections.map(\.isSimulcast) == [true, false])
        #expect(try SDPAnswerTests.answer(simulcast, Self.media([.h264, Self.small])) == plain)
    }

    @Test(arguments: [true, false]) func ofSeveralVideoSectionsOneHasThePictureAndTheOthersAreRejected(isSimulcast: Bool) throws {
        var offer = Offer()
        let second = (offer.video ?? []).map { $0 == "a=mid:0" ? "a=mid:2" : $0 }
        if isSimulcast { offer.video? += ["a=rid:hi recv", "a=rid:lo recv", "a=simulcast:recv hi;lo"] }
        offer.session[4] = "a=group:BUNDLE 0 1 2"
        offer.audio? += offer.transport + second
        let parsed = try SDPParser.parse(Array(offer.text.utf8))
        let answer = try SDPAnswerTests.answer(parsed, Self.media([.h264, Self.small]))
        let lines = answer.split(separator: "\r\n").filter { $0.hasPrefix("m=") || $0.hasPrefix("a=group") }
        #expect(
            lines == [
                "a=group:BUNDLE 0 1", "m=video 8189 UDP/TLS/RTP/SAVPF 102 103", "m=audio 8189 UDP/TLS/RTP/SAVPF 111",
                "m=video 0 UDP/TLS/RTP/SAVPF 102 103",
            ])
        #expect(!answer.contains("simulcast") && !answer.contains("a=rid"))
    }
}
