import Testing

@testable import Egress

@Suite struct VideoLegsTests {
    static func build(_ encodings: [Encoding], _ plan: LegPlan? = nil) throws -> [ConfigIO] {
        let config = try WebRTCConfig(encodings: encodings).normalized()
        let arguments = FFmpegArguments.build(config, videoPort: 5_000, furtherPorts: [6_001, 6_002, 6_003], plan: plan, startTime: 7)
        let legs = FFmpegArguments.splitLegs(arguments, rids: encodings.dropFirst().map(\.rid))
        #expect(legs.flatMap { $0.options + [$0.address] } == arguments)
        return legs
    }

    @Test func eachLegIsAnOutputOfItsOwnAndTheirClockIsOne() throws {
        let legs = try Self.build([Encoding(rid: "h264"), Encoding(rid: "vp8", codec: .vp8), Encoding(rid: "av1", codec: .av1)])
        #expect(legs.map(\.id) == ["webrtc", "webrtc", "webrtc:vp8", "webrtc:av1"])
        let ports = [5_000, 5_001, 6_001, 6_002]
        #expect(legs.map(\.address) == ports.map { "udp://127.0.0.1:\($0)?pkt_size=1160" })
        #expect(legs.allSatisfy { $0.options.joined(separator: " ").contains("-start_time_realtime 7 ") })
    }

    @Test func withoutSoundTheFirstOfTheirLegsIsStillTheFirstEncodings() throws {
        let config = try WebRTCConfig(audioMap: "none", encodings: [Encoding(), Encoding(rid: "b", codec: .vp8)]).normalized()
        let arguments = FFmpegArguments.build(config, videoPort: 5_000, furtherPorts: [6_001], startTime: 7)
        let legs = FFmpegArguments.splitLegs(arguments, rids: ["b"])
        #expect(legs.map(\.id) == ["webrtc", "webrtc:b"])
        #expect(legs.map(\.address) == ["udp://127.0.0.1:5000?pkt_size=1160", "udp://127.0.0.1:6001?pkt_size=1160"])
    }

    @Test func anEncodingWithoutAPortIsNeitherMadeNorSplitOff() throws {
        let encodings = [Encoding(rid: "a", bitRate: 1_000_000), Encoding(rid: "b", codec: .vp8), Encoding(rid: "c", codec: .vp9)]
        let config = try WebRTCConfig(audioMap: "none", encodings: encodings).normalized()
        let one = FFmpegArguments.build(config, videoPort: 5_000, startTime: 7)
        #expect(one.starts(with: ["-map", "0:v:0", "-c:v", "libx264"]) && one.filter { $0 == "-map" }.count == 1)
        let two = FFmpegArguments.build(config, videoPort: 5_000, furtherPorts: [6_001], startTime: 7)
        #expect(two.starts(with: ["-filter_complex", "[0:v:0]split=2[webrtc_a][webrtc_b]", "-map", "[webrtc_a]"]))
    }

    @Test func withoutAPlanTheFirstIsCopiedAndTheOthersAreMadeOfIt() throws {
        let legs = try Self.build([
            Encoding(rid: "a"), Encoding(rid: "b", codec: .vp8), Encoding(rid: "c", codec: .h265, map: "0:v:1", copiesOnly: true),
        ])
        #expect(legs[0].options.starts(with: ["-map", "0:v:0", "-c:v", "copy", "-bsf:v", "h264_mp4toannexb"]))
        #expect(legs[2].options.starts(with: ["-map", "0:v:0", "-c:v", "libvpx"]))
        #expect(legs[3].options.starts(with: ["-map", "0:v:1", "-c:v", "copy", "-bsf:v", "hevc_mp4toannexb"]))
    }

    @Test func aPlanSaysHowEachIsMade() throws {
        let plan = LegPlan(
            first: .init(video: .transcode(framesPerSecond: 25)), further: ["b": .init(video: .copy(bitstreamFilters: ""))])
        let legs = try Self.build([Encoding(rid: "a"), Encoding(rid: "b", codec: .vp9)], plan)
        #expect(legs[0].options.contains("libx264"))
        #expect(legs[2].options.starts(with: ["-map", "0:v:0", "-c:v", "copy", "-strict", "experimental", "-payload_type"]))
    }

    @Test func whatOnlyAnEncoderCanGiveIsEncodedWhateverThePlan() throws {
        for encoding in [Encoding(height: 360), Encoding(frameRate: 10), Encoding(bitRate: 500_000), Encoding(gopMilliseconds: 1_000)] {
            #expect(try Self.build([encoding], .copy)[0].options.contains("libx264"))
        }
    }

    @Test func whatIsMadeSmallerThanALargeInputHasOneSliceAPicture() throws {
        let large = LegPlan.Encoding(video: .transcode(framesPerSecond: 30), width: 1_920, height: 1_080)
        let plan = LegPlan(first: large, further: ["b": large, "c": large])
        let legs = try Self.build(
            [Encoding(rid: "a", height: 1_080), Encoding(rid: "b", height: 720), Encoding(rid: "c", width: 360)], plan)
        #expect([legs[0], legs[2], legs[3]].map { $0.options.contains("sliced-threads=0:threads=1") } == [false, true, true])
    }

    static let filters: [(encodings: [Encoding], graph: String?, sources: [String])] = [
        ([Encoding(rid: "a"), Encoding(rid: "b", codec: .vp8)], nil, ["0:v:0", "0:v:0"]),
        (
            [Encoding(rid: "a", bitRate: 1_000_000), Encoding(rid: "b", codec: .vp8)],
            "[0:v:0]split=2[webrtc_a][webrtc_b]", ["[webrtc_a]", "[webrtc_b]"]
        ),
        (
            [Encoding(rid: "a", map: "0:v:0?", height: 360), Encoding(rid: "b", codec: .vp8, map: "0:v:0?", height: 360)],
            "[0:v:0]scale=-2:360,split=2[webrtc_a][webrtc_b]", ["[webrtc_a]", "[webrtc_b]"]
        ),
        (
            [
                Encoding(rid: "a", bitRate: 1_000_000), Encoding(rid: "b", width: 640, height: 360, frameRate: 12.5),
                Encoding(rid: "c", codec: .vp8, width: 640, height: 360, frameRate: 12.5),
            ],
            "[0:v:0]split=2[webrtc_a_0][webrtc_a_1];[webrtc_a_0]null[webrtc_a];"
                + "[webrtc_a_1]scale=640:360,fps=12.5,split=2[webrtc_b][webrtc_c]", ["[webrtc_a]", "[webrtc_b]", "[webrtc_c]"]
        ),
        (
            [Encoding(rid: "a", map: "[mine]", width: 640), Encoding(rid: "b", codec: .vp8, map: "[mine]", width: 320)],
            "[mine]split=2[webrtc_a_0][webrtc_a_1];[webrtc_a_0]scale=640:-2[webrtc_a];[webrtc_a_1]scale=320:-2[webrtc_b]",
            ["[webrtc_a]", "[webrtc_b]"]
        ),
        (
            [Encoding(rid: "a", bitRate: 1_000_000), Encoding(rid: "b", codec: .vp8, map: "0:v:1", height: 180)], nil, ["0:v:0", "0:v:1"]
        ),
    ]

    @Test(arguments: filters.indices) func picturesAreDecodedAndScaledOnce(row: Int) throws {
        let (encodings, graph, sources) = Self.filters[row]
        let legs = try Self.build(encodings)
        let all = legs.flatMap(\.options)
        #expect(all.filter { $0 == "-filter_complex" }.count == (graph == nil ? 0 : 1))
        if let graph { #expect(legs[0].options.starts(with: ["-filter_complex", graph])) }
        let maps = all.indices.filter { all[$0] == "-map" }.map { all[$0 + 1] }
        #expect([maps[0]] + maps[2...] == sources)
    }

    @Test func aPlansFilterStandsInFrontOfTheSplitOrInTheLegsOwn() throws {
        let options = ["-fps_mode", "vfr", "-vf", "yadif=deint=interlaced"]
        let encode = LegPlan.Encoding(video: .transcode(framesPerSecond: nil), options: options)
        let plan = LegPlan(first: encode, further: ["b": encode])
        let shared = try Self.build([Encoding(rid: "a"), Encoding(rid: "b", codec: .vp8, height: 180)], plan)
        #expect(shared[0].options[1].hasPrefix("[0:v:0]yadif=deint=interlaced,split=2["))
        #expect(!shared.flatMap(\.options).contains("-vf"))
        #expect(shared.flatMap(\.options).filter { $0 == "vfr" }.count == 2)
        let alone = try Self.build([Encoding(rid: "a", height: 180)], plan)
        #expect(alone[0].options.starts(with: ["-map", "0:v:0", "-fps_mode", "vfr", "-vf", "yadif=deint=interlaced,scale=-2:180"]))
    }

    @Test func encodingsShareTheTimesOfTheirKeyPictures() throws {
        let plan = LegPlan(
            first: .init(video: .transcode(framesPerSecond: 25)), further: ["b": .init(video: .transcode(framesPerSecond: 25))])
        let legs = try Self.build([Encoding(rid: "a"), Encoding(rid: "b", codec: .vp8, frameRate: 12.5)], plan)
        for options in [legs[0].options, legs[2].options] {
            #expect(options.contains("expr:not(eq(floor(t/2),floor(prev_forced_t/2)))") && !options.contains("-g"))
        }
    }

    static let rates: [(encoding: Encoding, plan: LegPlan.Encoding?, rate: String?)] = [
        (Encoding(codec: .h264, height: 360), nil, nil),
        (Encoding(codec: .h264, bitRate: 700_000), nil, "700000"),
        (Encoding(codec: .vp8, gopMilliseconds: 2_000), nil, "2500000"),
        (Encoding(codec: .vp8), .init(video: .transcode(framesPerSecond: 30), width: 1_280, height: 720), "2488320"),
        (Encoding(codec: .vp9, height: 360), .init(video: .transcode(framesPerSecond: 30), width: 1_280, height: 720), "622080"),
        (Encoding(codec: .av1, width: 16, height: 16), nil, "150000"),
        (Encoding(codec: .av1, width: 8_192, height: 8_192), nil, "20000000"),
    ]

    @Test(arguments: rates.indices) func aCodecThatKeepsNoQualityByItselfGetsABitRate(row: Int) throws {
        let (encoding, plan, rate) = Self.rates[row]
        let options = try Self.build([encoding], plan.map { LegPlan(first: $0) })[0].options
        #expect(options.firstIndex(of: "-b:v").map { options[$0 + 1] } == rate)
    }

    static let threads: [(encoding: Encoding, width: Int, isOne: Bool)] = [
        (Encoding(codec: .vp8), 1_920, true), (Encoding(codec: .vp8), 3_840, false), (Encoding(codec: .vp8, height: 360), 3_840, true),
        (Encoding(codec: .vp9), 1_280, false), (Encoding(codec: .h264, height: 360), 1_280, false),
    ]

    @Test(arguments: threads.indices) func vp8HasOneThreadWhereThatIsFastEnough(row: Int) throws {
        let (encoding, width, isOne) = Self.threads[row]
        let plan = LegPlan(first: .init(video: .transcode(framesPerSecond: 30), width: width, height: width * 9 / 16))
        let options = try Self.build([encoding], plan)[0].options
        #expect(options.firstIndex(of: "-threads").map { options[$0 + 1] } == (isOne ? "1" : nil))
    }

    static let sound: [(codec: AudioCodec, options: String)] = [
        (.pcmu, "-c:a pcm_mulaw -af aresample=8000,asetnsamples=n=160:p=0 -ac 1 -payload_type 0"),
        (.pcma, "-c:a pcm_alaw -af aresample=8000,asetnsamples=n=160:p=0 -ac 1 -payload_type 8"),
        (.g722, "-c:a g722 -ar 16000 -ac 1 -payload_type 9"),
    ]

    @Test(arguments: sound.indices) func soundIsEncodedToItsCodec(row: Int) throws {
        let config = try WebRTCConfig(videoMap: "none", audioCodec: Self.sound[row].codec).normalized()
        let text = FFmpegArguments.build(config, videoPort: 5_000).joined(separator: " ")
        #expect(text.hasPrefix("-map 0:a:0 \(Self.sound[row].options) "))
    }
}
