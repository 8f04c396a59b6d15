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

    @Test func hexadecimalKeepsItsZeros() {
        #expect(UInt8(0).hex == "00")
        #expect(UInt8(255).hex == "ff")
        #expect(UInt64(1).hex == "0000000000000001")
    }
}
