import Testing

@testable import Egress

@Suite struct CounterOfferTests {
    /// As its player reads it, of a stream with these encodings.
    static func read(
        _ media: CodecNegotiation.Media, payloadTypes: [Int] = [], audio: Int = 0
    ) throws -> (offer: SDPOffer, text: String) {
        var stream = ProcessStream("a", 1)
        let encodings = media.encodings.enumerated().map { index, encoding in
            let payloadType = payloadTypes.isEmpty ? 0 : payloadTypes[index]
            return Encoding(rid: "e\(index)", codec: encoding.format.codec, payloadType: payloadType)
        }
        let codec = media.audio ?? .opus
        stream.config = try WebRTCConfig(isEnabled: true, audioPayloadType: audio, encodings: encodings, audioCodec: codec).normalized()
        let text = CounterOffer(stream, media).write(Offer.fingerprint(32), [])
        return (try SDPParser.parse(Array(text.utf8)), text)
    }

    @Test func itHasAFormatForEachCodecAndProfileInTheOperatorsOrder() throws {
        let small = VideoFormat(profileIDC: 66, constraints: 0xE0, levelIDC: 13, width: 320, height: 180)
        let high = VideoFormat(profileIDC: 100, constraints: 0, levelIDC: 40, width: 1_920, height: 1_080)
        let streams: [[VideoFormat]] = [
            [.h264, .of(.vp9, profile: 2), small, .of(.vp8), .of(.vp8, 640, 360), high, .of(.av1), .of(.av1, level: 4, 640, 360)],
            [.of(.h265), .of(.h265, tier: 1), .of(.vp9), .of(.h265, level: 63, 640, 360), .of(.h265, profile: 2)],
        ]
        let formats = try streams.map { stream in
            let video = try Self.read(.init(stream)).offer.sections[0]
            for type in video.payloadTypes { #expect(video.feedback(of: type).starts(with: CodecNegotiation.feedbackKinds)) }
            return video.payloadTypes.map { "\(video.codecs[$0]?.text ?? "") \(video.parameters[$0] ?? "")" }
        }
        #expect(
            formats == [
                [
                    "H264/90000 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42c01f", "VP9/90000 profile-id=2",
                    "VP8/90000 ", "H264/90000 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=640028",
                    "AV1/90000 level-idx=8;profile=0;tier=0",
                ],
                [
                    "H265/90000 level-id=120;profile-id=1;tier-flag=0;tx-mode=SRST",
                    "H265/90000 level-id=120;profile-id=1;tier-flag=1;tx-mode=SRST", "VP9/90000 profile-id=0",
                    "H265/90000 level-id=120;profile-id=2;tier-flag=0;tx-mode=SRST",
                ],
            ])
    }

    /// Encodings, and of the formats that are offered those with which a player can be switched among several.
    static let ladders: [(encodings: [VideoFormat], formats: [Bool])] = [
        ([.h264], [false]), ([.h264, .of(.vp8)], [false, false]), ([.h264, LadderTests.small], [true]),
        ([.of(.vp8), .h264, .of(.vp8, 640, 360)], [true, false]),
        // Who decodes High decodes Constrained Baseline too, and not the other way round.
        ([LadderTests.high, LadderTests.small], [true, false]), ([LadderTests.small, LadderTests.high], [false, true]),
        ([.of(.vp9), .of(.vp9, profile: 2)], [false, false]),
    ]

    @Test(arguments: ladders.indices) func whereThereIsALadderItOffersFeedbackForIt(row: Int) throws {
        let (encodings, formats) = Self.ladders[row]
        let (offer, text) = try Self.read(.init(encodings))
        let video = offer.sections[0]
        for (type, hasLadder) in zip(video.payloadTypes, formats) {
            #expect(video.feedback(of: type) == CodecNegotiation.feedbackKinds + (hasLadder ? ["transport-cc", "goog-remb"] : []))
        }
        #expect(video.payloadTypes.count == formats.count)
        #expect(video.transportCC?.id == (formats.contains(true) ? 1 : nil) && offer.sections[1].extensions.isEmpty)
        #expect(text.contains("extmap") == formats.contains(true))
    }

    /// Of the legs, the sound's, and those that come of it.
    static let payloadTypes: [(legs: [Int], audio: Int, offered: [UInt8])] = [
        ([0, 0, 0], 0, [102, 96, 97]), ([96, 97, 98], 0, [96, 97, 98]), ([96, 96, 96], 97, [96, 98, 99]),
        ([35, 35, 35], 96, [35, 97, 98]),
        ([102, 102, 96], 0, [102, 96, 97]), ([102, 96, 102], 0, [102, 96, 97]), ([127, 127, 127], 0, [127, 96, 97]),
        ([0, 0, 0], 96, [102, 97, 98]), ([8, 8, 8], 0, [8, 96, 97]),
    ]

    @Test(arguments: payloadTypes.indices) func itsPayloadTypesDiffer(row: Int) throws {
        let (legs, audio, offered) = Self.payloadTypes[row]
        let sections = try Self.read(.init([.h264, .of(.vp8), .of(.av1)]), payloadTypes: legs, audio: audio).offer.sections
        #expect(sections[0].formats == offered.map(String.init))
        let all = sections[0].payloadTypes + sections[1].payloadTypes
        #expect(Set(all).count == 4 && !all.contains { (64...95).contains($0) })
    }

    /// An answer to it with one of its formats alone, as every player may give.
    @Test func whicheverFormatIsAnsweredTheEncodingIsItsOwn() throws {
        let formats: [VideoFormat] = [.of(.h265), .of(.vp8), .of(.vp9, profile: 2), .of(.av1), .of(.vp9), .h264]
        let media = CodecNegotiation.Media(formats)
        let video = try Self.read(media).offer.sections[0]
        #expect(video.payloadTypes.count == formats.count)
        for (place, type) in video.payloadTypes.enumerated() {
            var answer = WithEngine.WHEPCounterOfferTests.answer
            answer.offerVideo(try #require(video.codecs[type]).name, video.parameters[type] ?? "", payloadType: Int(type))
            let taken = try CodecMatchTests.negotiate(answer.text, media).video
            #expect(taken?.encoding == place && taken?.payloadType == type)
        }
    }

    @Test(arguments: [
        (AudioCodec.opus, "111", "opus/48000/2"), (.pcmu, "0", "PCMU/8000"), (.pcma, "8", "PCMA/8000"), (.g722, "9", "G722/8000"),
    ]) func itsSoundIsThatOfTheStream(codec: AudioCodec, type: String, name: String) throws {
        let (offer, text) = try Self.read(.init(audio: codec, [.h264]))
        #expect(offer.sections.map(\.kind) == ["video", "audio"] && offer.sections[1].formats == [type])
        #expect(text.contains("\r\na=rtpmap:\(type) \(name)\r\n"))
        #expect(text.contains("a=fmtp:\(type) ") == (codec == .opus))
        let media = CodecNegotiation.Media(audio: codec, [.h264])
        var answer = WithEngine.WHEPCounterOfferTests.answer
        answer.offerAudio(type, ["\(type) \(name)"])
        #expect(try CodecMatchTests.negotiate(answer.text, media).audio?.payloadType == UInt8(type))
    }
}
