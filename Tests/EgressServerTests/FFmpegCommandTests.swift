#if Server
import Egress
import Foundation
import Testing

@testable import EgressServer

@Suite struct FFmpegCommandTests {
    static let start = ["-nostdin", "-hide_banner", "-loglevel", "warning", "-nostats", "-progress", "pipe:1"]
    static let leg = ConfigIO(id: "webrtc", address: "udp://127.0.0.1:40000", options: ["-map", "0:v:0", "-f", "rtp"])
    static let end = ["-map", "0:v:0", "-f", "rtp", "udp://127.0.0.1:40000"]

    @Test func readsAFileInRealTimeAndOverAndOver() {
        let arguments = FFmpegCommand.arguments(
            input: StreamInput(url: "/media/film.mp4"), pace: .timestamps, isCopy: false, legs: [Self.leg])
        #expect(arguments == Self.start + ["-re", "-stream_loop", "-1", "-i", "/media/film.mp4"] + Self.end)
    }

    @Test(arguments: [
        ("/media/film.mp4", "ZmZjb25jYXQgdmVyc2lvbiAxLjAKZmlsZSAnZmlsZTovbWVkaWEvZmlsbS5tcDQnCg=="),
        ("/a'b.mp4", "ZmZjb25jYXQgdmVyc2lvbiAxLjAKZmlsZSAnZmlsZTovYSdcJydiLm1wNCcK"),
        ("file:///x.mp4", "ZmZjb25jYXQgdmVyc2lvbiAxLjAKZmlsZSAnZmlsZTovLy94Lm1wNCcK"),
    ])
    func loopsAFileThatIsCopiedThroughAList(url: String, list: String) {
        let arguments = FFmpegCommand.arguments(input: StreamInput(url: url), pace: .timestamps, isCopy: true, legs: [Self.leg])
        let input = [
            "-re", "-stream_loop", "-1", "-f", "concat", "-safe", "0", "-protocol_whitelist", "file,crypto,data", "-i",
            "data:text/plain;base64,\(list)",
        ]
        #expect(arguments == Self.start + input + Self.end)
    }

    @Test func namesARelativeFileInTheListByItsWholePath() throws {
        let last = try #require(StreamInput(url: "film.mp4").arguments(pace: .timestamps, isCopy: true).last)
        let data = try #require(Data(base64Encoded: String(last.drop { $0 != "," }.dropFirst())))
        #expect(String(decoding: data, as: UTF8.self).contains("file 'file:/"))
        #expect(String(decoding: data, as: UTF8.self).hasSuffix("/film.mp4'\n"))
    }

    @Test func readsAFileOnceWhenItDoesNotLoop() {
        let arguments = FFmpegCommand.arguments(
            input: StreamInput(url: "film.mp4", loops: false), pace: .timestamps, isCopy: false, legs: [Self.leg])
        #expect(arguments == Self.start + ["-re", "-i", "film.mp4"] + Self.end)
    }

    @Test func readsRTSPOverTCP() {
        let input = StreamInput(url: "rtsp://camera/live", options: ["-timeout", "5000000"])
        let arguments = FFmpegCommand.arguments(input: input, pace: .input, isCopy: false, legs: [Self.leg])
        #expect(arguments == Self.start + ["-rtsp_transport", "tcp", "-timeout", "5000000", "-i", "rtsp://camera/live"] + Self.end)
    }

    @Test func leavesThePaceOfLiveInputsToThem() {
        let arguments = FFmpegCommand.arguments(
            input: StreamInput(url: "srt://host:9000"), pace: .input, isCopy: true, legs: [Self.leg, Self.leg])
        #expect(arguments == Self.start + ["-i", "srt://host:9000"] + Self.end + Self.end)
    }

    static func probe(_ format: String, seconds: Double? = nil) -> MediaProbe {
        MediaProbe(formatName: format, duration: seconds.map { .seconds($0) })
    }

    @Test(arguments: [
        ("https://h/film.mp4", probe("mov,mp4,m4a,3gp,3g2,mj2", seconds: 60), StreamInput.Pace.timestamps),
        ("http://h/film.ts?key=1", probe("mpegts", seconds: 60), .timestamps),
        ("HTTP://h/vod.m3u8", probe("hls", seconds: 60), .timestamps),
        ("https://h/live.m3u8", probe("hls"), .timestampsOfSegments), ("https://h/live.mpd", probe("dash"), .timestampsOfSegments),
        ("http://h/live.ts", probe("mpegts"), .input), ("http://h/live.flv", probe("flv"), .input),
        ("rtmp://h/a/b", probe("flv", seconds: 60), .input), ("rtsp://h/a", probe("rtsp", seconds: 60), .input),
        ("srt://h:9", probe("mpegts"), .input), ("/dev/video0", probe("v4l2"), .input), ("film.mp4", probe("mp4"), .timestamps),
    ])
    func readsWhatLiesReadyAtThePaceOfItsTimestamps(url: String, probe: MediaProbe, pace: StreamInput.Pace) {
        let input = StreamInput(url: url)
        #expect(input.pace(of: probe) == pace)
        let isPaced = input.arguments(pace: pace, isCopy: true).filter { $0 == "-re" }.count == 1
        #expect(isPaced == (pace != .input))
    }

    @Test(arguments: [["-re"], ["-readrate", "2"]]) func leavesThePaceToAnOperatorWhoSaysIt(options: [String]) {
        #expect(StreamInput(url: "https://h/film.mp4", options: options).pace(of: Self.probe("mp4", seconds: 60)) == .input)
    }

    @Test func makesTheDemoInRealTime() {
        let graph = DemoInput.graph(hasClock: false)
        #expect(
            graph == """
                testsrc2=size=1280x720:rate=30,drawbox=x=iw-220:y=20:w=200:h=200:color=white:t=fill:enable='lt(mod(t,1),0.1)'[out0];\
                aevalsrc=exprs='0.3*sin(2*PI*1000*t)*lt(mod(t,1),0.1)':channel_layout=mono:sample_rate=48000[out1]
                """)
        let arguments = FFmpegCommand.arguments(input: StreamInput(graph: graph), pace: .timestamps, isCopy: false, legs: [Self.leg])
        #expect(arguments == Self.start + ["-re", "-f", "lavfi", "-i", graph] + Self.end)
    }

    @Test func drawsTheClockWhereItCan() {
        #expect(DemoInput.graph(hasClock: true).contains("drawtext=text='%{gmtime"))
        #expect(DemoInput.clockTrial.contains("-frames:v"))
    }

    @Test(arguments: [
        ("/media/a.mp4", StreamInput.Kind.file(loops: true)), ("a.ts", .file(loops: true)), ("file:///a.mp4", .file(loops: true)),
        ("rtsp://a/b", .rtsp), ("RTSPS://a/b", .rtsp), ("rtmp://a/b", .live), ("https://a/b.m3u8", .live), ("/dev/video0", .live),
        ("-", .live),
    ])
    func tellsInputsApart(url: String, kind: StreamInput.Kind) {
        #expect(StreamInput(url: url).kind == kind)
    }

    @Test func probesWithoutPaceAndLoop() {
        let input = StreamInput(url: "rtsp://a/b", options: ["-re", "-stream_loop", "3", "-timeout", "1"])
        #expect(input.probeArguments == ["-rtsp_transport", "tcp", "-timeout", "1", "-i", "rtsp://a/b"])
        #expect(StreamInput(url: "a.mp4").probeArguments == ["-i", "a.mp4"])
    }
}

@Suite struct FFmpegProgressTests {
    @Test func closesAReportAtItsLastLine() {
        var parser = FFmpegProgressParser()
        let lines = [
            "frame=61", "fps=30.05", "stream_0_0_q=23.0", "bitrate=N/A", "out_time_us=2033333", "out_time=00:00:02.033333", "dup_frames=1",
            "drop_frames=2", "speed=   1x",
        ]
        for line in lines { #expect(parser.parse(line: line) == nil) }
        let expected = FFmpegProgress(
            frame: 61, framesPerSecond: 30.05, position: .microseconds(2_033_333), droppedFrames: 2, duplicatedFrames: 1, speed: 1,
            isLast: false)
        #expect(parser.parse(line: "progress=continue") == expected)
    }

    @Test func beginsEachReportEmpty() {
        var parser = FFmpegProgressParser()
        _ = parser.parse(line: "frame=1")
        _ = parser.parse(line: "progress=continue")
        #expect(parser.parse(line: "progress=end") == FFmpegProgress(isLast: true))
    }

    @Test(arguments: ["", "frame", "out_time_us=N/A", "speed=N/A", "=", "frame=x"])
    func passesOverWhatItCannotRead(line: String) {
        var parser = FFmpegProgressParser()
        #expect(parser.parse(line: line) == nil)
        #expect(parser.parse(line: "progress=continue") == FFmpegProgress())
    }
}

@Suite struct SecretsTests {
    @Test(arguments: [
        ("rtsp://admin:geheim@cam/live", "rtsp://admin:***@cam/live"),
        ("[rtsp @ 0x1] rtsp://a:b@h/x: Connection refused", "[rtsp @ 0x1] rtsp://a:***@h/x: Connection refused"),
        ("rtsp://a:p@ss@h:554/x rtmp://c:d@e", "rtsp://a:***@h:554/x rtmp://c:***@e"),
        ("rtsp://admin@cam/live", "rtsp://admin@cam/live"),
        ("http://h:8080/a@b:c", "http://h:8080/a@b:c"),
        ("udp://127.0.0.1:40000?pkt_size=1160", "udp://127.0.0.1:40000?pkt_size=1160"),
        ("no address", "no address"),
        ("srt://:x@h", "srt://:***@h"),
        ("srt://h:9?mode=caller&passphrase=long enough", "srt://h:9?mode=caller&passphrase=*** enough"),
        ("srt://h?streamid=read:cam:u:p", "srt://h?streamid=***"),
        ("https://h/a.m3u8?token=abc&q=1#t: 404", "https://h/a.m3u8?token=***&q=1#t: 404"),
        ("Opening 'seg1.ts?Policy=x&X-Amz-Signature=ab%2F' for reading", "Opening 'seg1.ts?Policy=x&X-Amz-Signature=***' for reading"),
        ("-headers Authorization: Bearer ab.cd\r\nAccept: */*", "-headers Authorization: ***\r\nAccept: */*"),
        ("Cookie: a=b; c=d", "Cookie: ***"),
        ("http://h/?author=me&monkey=x&key=y", "http://h/?author=***&monkey=***&key=***"),
        ("-force_key_frames expr:gte(t,1)", "-force_key_frames expr:gte(t,1)"),
    ])
    func masksPasswordsOnly(text: String, masked: String) {
        #expect(Secrets.mask(text) == masked)
        #expect(Secrets.mask(masked) == masked, "masking twice")
    }

    @Test func whatTheInputHasIsMaskedWhereverItStands() {
        let url = "rtsp://admin:ge%40heim@cam/live?token=0123456789"
        let options = ["-headers", "Authorization: Basic Zm9v\r\nX-Own: 4711-4711", "-t", "3600"]
        let secrets = Secrets(of: StreamInput(url: url, options: options))
        for secret in ["ge%40heim", "ge@heim", "0123456789", "Basic Zm9v", "X-Own: 4711-4711"] {
            #expect(secrets.mask("FFmpeg read \(secret) there") == "FFmpeg read *** there")
        }
        #expect(secrets.mask("-t 3600 of \(url)") == "-t 3600 of rtsp://admin:***@cam/live?token=***")
    }

    @Test func aPasswordOfAFewLettersIsMaskedInItsPlaceOnly() {
        let secrets = Secrets(of: StreamInput(url: "rtsp://a:an@h/"))
        #expect(secrets.mask("cannot open rtsp://a:an@h/") == "cannot open rtsp://a:***@h/")
    }
}
#endif
