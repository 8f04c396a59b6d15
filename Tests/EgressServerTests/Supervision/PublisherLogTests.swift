#if Server
import Logging
import Testing

@testable import EgressServer

@Suite struct PublisherLogTests {
    static let rtmp = StreamInput(url: "rtmp://0.0.0.0/live/key", options: ["-listen", "1"])
    static let srt = StreamInput(url: "srt://0.0.0.0:9000?mode=listener&streamid=publish%3Acam")

    @Test(arguments: [
        (rtmp, "[rtmp @ 0x55cd] Unexpected stream wrong, expecting key"), (rtmp, "[rtmp @ 0x1] App field don't match up: other <-> live"),
        (srt, "[srt @ 0x5] [verbose] accept streamid [publish:other], length 13"),
        (srt, "[srt @ 0x5] [verbose] accept streamid [], length 0"),
        (srt, "[srt @ 0x5] [verbose] accept streamid [publish:cam] x], length 0"),
    ])
    func refusesWhoComesUnderAnotherName(input: StreamInput, line: String) {
        var log = PublisherLog(of: input)
        guard case .refusal = log.read(line) else {
            Issue.record("let in by \(line)")
            return
        }
        #expect(log.isRefused)
        _ = log.read("out_time_us=2000000")
        #expect(log.read("Unexpected stream wrong, expecting key") == .nothing, "said twice")
    }

    @Test func letsInWhoNamesTheStream() {
        var log = PublisherLog(of: Self.srt)
        #expect(log.read("[srt @ 0x5] [verbose] accept streamid [publish:cam], length 11") == .nothing)
        #expect(!log.isRefused)
    }

    @Test func asksNobodyForANameThatTheAddressHasNot() {
        var log = PublisherLog(of: StreamInput(url: "srt://0.0.0.0:9000?mode=listener"))
        #expect(log.level == "warning")
        _ = log.read("[srt @ 0x5] [verbose] accept streamid [publish:other], length 13")
        #expect(!log.isRefused)
    }

    @Test func tellsReportsFromComplaints() {
        var log = PublisherLog(of: Self.srt)
        for line in ["frame=61", "stream_0_0_q=-1.0", "out_time_us=2033333", "[info] Input #0, mpegts"] {
            #expect(log.read(line) == .nothing)
        }
        #expect(log.read("progress=continue") == .progress)
        #expect(log.position == .microseconds(2_033_333))
        _ = log.read("out_time_us=2033333")
        #expect(log.read("progress=continue") == .nothing, "a report without anything new")
        let complaint = "[error] srt://0.0.0.0:9000: Address already in use"
        #expect(log.read(complaint) == .complaint(complaint))
        #expect(log.lastComplaint == complaint)
    }

    @Test func listensWithTheOperatorsOptionsAndPassesOnWhatComes() {
        let relay = PublisherRelay(input: Self.rtmp, ffmpeg: "ffmpeg", logger: Logger(label: "test")) { _ in }
        let arguments = relay.arguments(.init(number: 1, media: "/m.ts", sample: "/s.ts")).joined(separator: " ")
        #expect(arguments.contains("-progress pipe:2 -listen 1 -i rtmp://0.0.0.0/live/key -map 0:v? -map 0:a? -c copy"))
        #expect(arguments.hasSuffix("/s.ts"))
    }
}
#endif
