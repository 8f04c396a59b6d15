#if Server
import Testing

@testable import EgressServer

@Suite struct DryWatchTests {
    let start = ContinuousClock.now

    /// When it is said, in seconds, of a run that is reported twice a second and has come to `position(seconds)`.
    func findings(seconds: Int, position: (Double) -> Double) -> [Double] {
        var watch = DryWatch()
        return (0...seconds * 2).compactMap { half in
            let now = Double(half) / 2
            return watch.isDry(position: .seconds(position(now)), now: start + .seconds(now)) ? now : nil
        }
    }

    /// Segments of 4 s that come whole.
    func bySegments(_ seconds: Double) -> Double { max(0, (seconds / 4).rounded(.down) * 4) }

    @Test func saysNothingWhileFFmpegSetsThePace() {
        #expect(findings(seconds: 120) { $0 + 0.3 * ($0.truncatingRemainder(dividingBy: 3)) / 3 }.isEmpty)
    }

    @Test func saysThatEachSegmentGoesOutAtOnce() throws {
        let first = try #require(findings(seconds: 120) { $0 < 20 ? $0 : bySegments($0 - 2) }.first)
        #expect((30...60).contains(first))
    }

    @Test func saysNothingOfAnInputThatWasAwayForAWhileAndHasCaughtUp() {
        #expect(findings(seconds: 120) { (20..<29).contains($0) ? 20 : $0 }.isEmpty)
    }

    @Test func saysNothingOfAMachineThatFallsBehindMoreAndMore() {
        #expect(findings(seconds: 120) { $0 * 0.8 }.isEmpty)
    }

    @Test func saysNothingWhileNothingComesAtAll() {
        #expect(findings(seconds: 120) { min($0, 20) }.isEmpty)
    }
}
#endif
