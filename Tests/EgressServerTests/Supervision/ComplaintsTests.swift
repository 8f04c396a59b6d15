#if Server
import Testing

@testable import EgressServer

@Suite struct ComplaintsTests {
    private let begin = ContinuousClock.now

    @Test func whatFFmpegRepeatsInEachRunIsToldOnceAndCounted() {
        let complaints = Complaints()
        func line(_ run: Int) -> String { "[rtsp @ 0x55d0c0ffee\(run)0] CSeq \(100 * run) expected, \(run) received." }
        #expect(complaints.told(line(1), now: begin) == line(1))
        for run in 2...13 { #expect(complaints.told(line(run), now: begin + .seconds(run)) == nil) }
        let later = complaints.told(line(14), now: begin + Complaints.window)
        #expect(later == line(14) + " (written 12 more times since)")
        #expect(complaints.told("Connection refused", now: begin) == "Connection refused")
    }

    @Test func numbersAndAddressesMakeNoDifferenceAndWordsDo() {
        #expect(Complaints.sentence("[h264 @ 0x7f0a] 12:30:01.5 lost") == Complaints.sentence("[h264 @ 0x1] 9:1:2.77 lost"))
        #expect(Complaints.sentence("lost 3 packets") != Complaints.sentence("found 3 packets"))
        #expect(Complaints.sentence(String(repeating: "a", count: 100_000)).utf8.count == 1_024)
    }
}
#endif
