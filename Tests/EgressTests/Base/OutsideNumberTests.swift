import Testing

@testable import Egress

@Suite struct OutsideNumberTests {
    @Test(arguments: [
        (1.5, 2), (-1.4, -1), (0x1p63, Int.max), (-0x1p63, .min), (1e300, .max), (-.infinity, .min), (.infinity, .max), (.nan, 0),
    ])
    func takesTheNearestNumberThatThereIs(value: Double, number: Int) {
        #expect(Int(saturating: value) == number)
    }

    @Test func keepsToSmallTypesToo() {
        #expect(UInt16(saturating: 65_536) == .max)
        #expect(UInt32(saturating: -1) == 0)
    }

    @Test(arguments: ["inf", "-inf", "nan", "infinity", "1e400", "", "x", " 1"])
    func readsNoNumberThatIsNotFinite(text: String) {
        #expect(Double(finite: text) == nil)
    }

    @Test(arguments: [Double.nan, .infinity, -.infinity, 1e30, 0x1p60, -0x1p60, 3_153_600_001])
    func noDurationIsMadeOfWhatCannotBeOne(seconds: Double) {
        #expect(Duration(outsideSeconds: seconds) == nil)
    }

    @Test func durationsAreExactWhereTheyAreSmall() {
        #expect(Duration(outsideSeconds: 2.5) == .milliseconds(2_500))
        #expect(Duration(outsideSeconds: -1) == .seconds(-1))
        #expect(Duration(outsideSeconds: Int.max) == nil)
        #expect(Duration(outsideSeconds: Int.min) == nil)
        #expect(Duration(outsideSeconds: UInt64.max) == nil)
    }

    @Test func aBanForEverIsALongOne() throws {
        var admission = Admission(ClientLimits(), streamsMax: 1, now: .now)
        let network = try #require(ClientNetwork("192.0.2.1"))
        admission.ban(network, for: .seconds(Int64.max), now: .now)
    }

    @Test func theLastPortHasNoneAboveIt() {
        let arguments = FFmpegArguments.build(WebRTCConfig(), videoPort: .max)
        #expect(arguments.contains { $0.contains("127.0.0.1:65535?") })
    }
}
