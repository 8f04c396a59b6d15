#if Server
import Egress
import Testing

@testable import EgressServer

@Suite struct StaleWatchTests {
    let start = ContinuousClock.now

    /// What is found, and after how many seconds, when packets come by these rates for so many seconds each, and it is looked twice a second.
    func finding(
        timeout: Int = 10, waitsForPublisher: Bool = false, watchesEachLeg: Bool = true,
        _ phases: [(seconds: Int, video: UInt64, audio: UInt64)]
    ) -> (finding: StaleWatch.Finding, second: Int)? {
        var watch = StaleWatch(
            timeout: .seconds(timeout), waitsForPublisher: waitsForPublisher, watchesEachLeg: watchesEachLeg,
            reading: .init(video: 1_000, audio: 1_000), now: start)
        var reading = StaleWatch.Reading(video: 1_000, audio: 1_000)
        var halves = 0
        for phase in phases {
            for _ in 0..<phase.seconds * 2 {
                halves += 1
                reading.video += phase.video
                reading.audio += phase.audio
                if let finding = watch.look(reading, now: start + .milliseconds(500 * halves)) { return (finding, halves / 2) }
            }
        }
        return nil
    }

    @Test func findsNothingWhileMediaFlows() {
        #expect(finding([(3_600, 30, 50)]) == nil)
        #expect(finding([(3_600, 1, 0)]) == nil)
        #expect(finding([(3_600, 0, 1)]) == nil)
    }

    @Test func findsAnInputThatFallsSilent() throws {
        let found = try #require(finding([(60, 30, 50), (100, 0, 0)]))
        #expect(found == (.nothing(for: .seconds(10)), 70))
        #expect(found.finding.description == "no media for 10 s: the input is silent, or FFmpeg stands still")
    }

    @Test func givesFFmpegTimeToOpenItsInput() throws {
        let found = try #require(finding([(100, 0, 0)]))
        #expect(found == (.nothing(for: .seconds(30)), 30))
        #expect(finding([(29, 0, 0), (60, 1, 1)]) == nil)
    }

    @Test func bearsAPauseThatIsShorterThanTheTimeout() {
        #expect(finding(Array(repeating: [(5, 30, 50), (9, 0, 0)], count: 20).flatMap { $0 }) == nil)
    }

    @Test func waitsForAPublisherAsLongAsItTakesAndThenNoMore() throws {
        #expect(finding(waitsForPublisher: true, [(3_600, 0, 0)]) == nil)
        let found = try #require(finding(waitsForPublisher: true, [(3_600, 0, 0), (5, 30, 0), (100, 0, 0)]))
        #expect(found == (.nothing(for: .seconds(10)), 3_615))
    }

    @Test func findsALegThatStopsWhileTheOtherGoesOn() throws {
        #expect(try #require(finding([(5, 30, 50), (100, 30, 0)])) == (.noAudio(for: .seconds(10)), 15))
        #expect(try #require(finding([(5, 30, 50), (100, 0, 50)])) == (.noVideo(for: .seconds(10)), 15))
    }

    @Test func saysNothingOfOneLegWhereBothHaveStoppedOneAfterTheOther() throws {
        #expect(try #require(finding([(5, 30, 50), (1, 30, 0), (100, 0, 0)])) == (.nothing(for: .seconds(10)), 16))
        #expect(try #require(finding([(5, 30, 50), (8, 0, 50), (100, 0, 0)])) == (.nothing(for: .seconds(10)), 23))
        // Pictures of a slide show are seconds apart.
        let slides = [(5, 30, 50)] + Array(repeating: [(1, 1, 0), (2, 0, 0)], count: 10).flatMap { $0 }
        let seconds = slides.map { (seconds: $0.0, video: UInt64($0.1), audio: UInt64($0.2)) }
        #expect(try #require(finding(seconds)) == (.noAudio(for: .seconds(10)), 15))
    }

    @Test func missesNoLegThatHasNotFlowedInThisRun() {
        #expect(finding([(3_600, 30, 0)]) == nil)
    }

    @Test func letsTheSoundOfAFilmEndBeforeItsPicture() {
        #expect(finding(watchesEachLeg: false, [(5, 30, 50), (100, 30, 0)]) == nil)
    }

    @Test func isSwitchedOffByATimeoutOfZero() {
        #expect(finding(timeout: 0, [(5, 30, 50), (3_600, 0, 0)]) == nil)
    }

    @Test func doesNotBlameTheInputForAMachineThatSlept() {
        var watch = StaleWatch(
            timeout: .seconds(10), waitsForPublisher: false, watchesEachLeg: true, reading: .init(video: 0, audio: 0), now: start)
        #expect(watch.look(.init(video: 1, audio: 1), now: start + .seconds(1)) == nil)
        #expect(watch.look(.init(video: 1, audio: 1), now: start + .seconds(3_600)) == nil)
        #expect(watch.look(.init(video: 2, audio: 2), now: start + .seconds(3_601)) == nil)
    }

    @Test(arguments: [
        ("rtsp://camera/live", 10), ("film.mp4", 10), ("https://h/live/a.M3U8?token=x", 30), ("http://h/a.mpd#t=1", 30),
    ])
    func saysHowLongAnInputMayBeSilent(url: String, seconds: Int) {
        #expect(StreamInput(url: url).staleTimeout == .seconds(seconds))
    }

    @Test(arguments: [
        ("udp://127.0.0.1:5000", [], true), ("RTP://@:5000", [], true), ("srt://:9000?mode=listener", [], true),
        ("srt://h:9000?mode=caller", [], false), ("tcp://0.0.0.0:5000?listen", [], true),
        ("rtmp://0.0.0.0/app/key", ["-listen", "1"], true),
        ("rtmp://h/app/key", [], false), ("rtmp://h/app/key", ["-listen", "0"], false),
        ("rtsp://0.0.0.0/x", ["-rtsp_flags", "listen"], true),
        ("srt://:9000", ["-mode", "listener"], true), ("rtsp://camera/live", [], false), ("film.mp4", [], false),
    ])
    func tellsInputsApartThatWaitForAPublisher(url: String, options: [String], waits: Bool) {
        #expect(StreamInput(url: url, options: options).waitsForPublisher == waits)
    }
}
#endif
