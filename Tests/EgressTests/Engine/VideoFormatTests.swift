import Testing

@testable import Egress

@Suite struct VideoFormatTests {
    @Test func itIsWrittenAsSDPHasIt() throws {
        let format = VideoFormat(profileIDC: 66, constraints: 0xC0, levelIDC: 31, width: 1280, height: 720)
        #expect(format.profileLevelID == "42c01f")
        #expect(format.codecName == "H.264 Constrained Baseline (42c01f)")
        #expect(
            try JSON.encode(format)
                == #"{"height":720,"level":"3.1","profile":"Constrained Baseline","profile_level_id":"42c01f","width":1280}"#)
    }

    @Test(
        arguments: [
            (66, 0, 10, "1.0"), (66, 0, 11, "1.1"), (66, 0x10, 11, "1b"), (100, 0x10, 11, "1.1"), (100, 0, 9, "1b"), (100, 0, 52, "5.2"),
        ] as [(UInt8, UInt8, UInt8, String)])
    func levelsAreWrittenWithAPoint(profileIDC: UInt8, constraints: UInt8, levelIDC: UInt8, text: String) {
        #expect(VideoFormat(profileIDC: profileIDC, constraints: constraints, levelIDC: levelIDC, width: 0, height: 0).level == text)
    }

    static let formats: [(format: VideoFormat, name: String, summary: String, json: String)] = [
        (
            .of(.h265), "H.265 Main", "H.265 Main, level 4.0, 1920x1080",
            #"{"height":1080,"level":"4.0","profile":"Main","width":1920}"#
        ),
        (
            .of(.h265, profile: 2, tier: 1, level: 123), "H.265 Main 10 (High tier)", "H.265 Main 10 (High tier), level 4.1, 1920x1080",
            #"{"height":1080,"level":"4.1","profile":"Main 10","width":1920}"#
        ),
        (
            .of(.h265, profile: 4), "H.265 4", "H.265 4, level 4.0, 1920x1080",
            #"{"height":1080,"level":"4.0","profile":"4","width":1920}"#
        ),
        (.of(.vp8), "VP8", "VP8, 1920x1080", #"{"height":1080,"profile":"0","width":1920}"#),
        (.of(.vp9, profile: 2), "VP9 profile 2", "VP9 profile 2, 1920x1080", #"{"height":1080,"profile":"2","width":1920}"#),
        (
            .of(.av1), "AV1 profile 0", "AV1 profile 0, level 4.0, 1920x1080",
            #"{"height":1080,"level":"4.0","profile":"Main","width":1920}"#
        ),
        (
            .of(.av1, profile: 1, level: 31), "AV1 profile 1", "AV1 profile 1, 1920x1080",
            #"{"height":1080,"profile":"High","width":1920}"#
        ),
    ]

    @Test(arguments: formats.indices) func everyCodecHasItsNamesAndItsOwnFields(row: Int) throws {
        let (format, name, summary, json) = Self.formats[row]
        #expect(format.codecName == name && format.summary == summary)
        #expect(try JSON.encode(format) == json)
    }

    /// The number of a codec's own, and how people write it.
    static let levels: [(codec: VideoCodec, number: UInt8, text: String)] = [
        (.h265, 30, "1.0"), (.h265, 63, "2.1"), (.h265, 93, "3.1"), (.h265, 156, "5.2"), (.h265, 186, "6.2"),
        (.av1, 0, "2.0"), (.av1, 5, "3.1"), (.av1, 13, "5.1"), (.av1, 23, "7.3"), (.av1, 31, ""), (.vp8, 0, ""), (.vp9, 0, ""),
    ]

    @Test(arguments: levels.indices) func everyCodecCountsItsLevelsInItsWay(row: Int) {
        #expect(VideoFormat.of(Self.levels[row].codec, level: Self.levels[row].number).level == Self.levels[row].text)
    }

    @Test func hexadecimalKeepsItsZeros() {
        #expect(UInt8(0).hex == "00")
        #expect(UInt8(255).hex == "ff")
        #expect(UInt64(1).hex == "0000000000000001")
    }
}
