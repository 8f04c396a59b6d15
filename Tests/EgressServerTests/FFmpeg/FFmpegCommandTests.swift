#if Server
import Egress
import Foundation
import Testing

@testable import EgressServer

@Suite struct FFmpegCommandTests {
    static let start = ["-nostdin", "-hide_banner", "-loglevel", "warning", "-nostats", "-progress", "pipe:1"]
    static let leg = ConfigIO(id: "webrtc", address: "udp://127.0.0.1:40000", options: ["-map", "0:v:0", "-f", "rtp"])
    static let end = ["-map", "0:v:0", "-f", "rtp", "udp://127.0.0.1:40000"]

    /// Without time-outs, which have tests of their own.
    static func arguments(_ input: StreamInput, _ reading: InputReading) -> [String] {
        var input = input
        input.staleTimeout = .zero
        let arguments = FFmpegCommand.arguments(input: input, reading: reading, legs: [leg])
        #expect(arguments.starts(with: start) && arguments.suffix(end.count) == end[...])
        return Array(arguments.dropFirst(start.count).dropLast(end.count))
    }

    static func probe(_ format: String, seconds: Double? = nil, rate: Double? = nil) -> MediaProbe {
        let video = MediaProbe.Video(index: 0, codec: "h264", framesPerSecond: rate)
        return MediaProbe(videos: [video], formatName: format, duration: seconds.map { .seconds($0) })
    }

    /// A file that is there.
    static func file(_ url: String, options: [String] = []) -> StreamInput {
        var input = StreamInput(url: url, options: options)
        input.kind = .file(loops: true)
        input.isRegularFile = true
        return input
    }

    @Test(arguments: [
        ("/media/film.mp4", "file:/media/film.mp4"), ("/a'b.mp4", #"file:/a'\''b.mp4"#), ("file:///x.mp4", "file:///x.mp4"),
    ])
    func loopsAFilmByAListThatNamesItAgainAndAgain(url: String, entry: String) throws {
        let turns = FilmList.sizeMax / "file '\(entry)'\n".utf8.count
        let input = Self.file(url)
        let reading = InputReading(of: input, probe: Self.probe("mov,mp4", seconds: 6))
        let arguments = Self.arguments(input, reading)
        let ahead = ["-re", "-stream_loop", "-1", "-f", "concat", "-safe", "0", "-protocol_whitelist", "file,crypto,data", "-i"]
        #expect(arguments.dropLast() == ahead[...])
        let address = try #require(arguments.last)
        #expect(address.utf8.count < 100_000)
        #expect(try Self.list(address) == "ffconcat version 1.0\n" + String(repeating: "file '\(entry)'\n", count: turns))
        #expect(FFmpegCommand.shown(arguments).utf8.count < 400)
    }

    @Test func aLegThroughABitstreamFilterEndsWithTheList() throws {
        let input = Self.file("/media/film.mp4")
        let reading = InputReading(of: input, probe: Self.probe("mov,mp4", seconds: 6))
        let arguments = Self.arguments(input, reading.throughFilter)
        #expect(arguments == Self.arguments(input, reading).filter { $0 != "-stream_loop" && $0 != "-1" })
        #expect(arguments.starts(with: ["-re", "-f", "concat"]))
    }

    @Test(arguments: [
        (InputReading.Turns.one, InputReading.Turns.one), (.byFFmpeg, .one), (.byList, .byListOnce), (.byListOnce, .byListOnce),
    ])
    func noTurnEndsABitstreamFilter(turns: InputReading.Turns, through: InputReading.Turns) {
        #expect(InputReading(turns: turns).throughFilter == InputReading(turns: through))
    }

    static func list(_ address: String) throws -> String {
        #expect(address.hasPrefix("data:text/plain;base64,"))
        let data = try #require(Data(base64Encoded: String(address.drop { $0 != "," }.dropFirst())))
        return String(decoding: data, as: UTF8.self)
    }

    @Test(arguments: [(7_200.0, 12), (31_536_000.0, 1), (0.001, 1_755)]) func playsTheTurnsOfADayAtMost(seconds: Double, turns: Int) throws
    {
        let list = try Self.list(FilmList.address(of: "file:/media/film.mp4", lasting: .seconds(seconds)))
        #expect(list.split(separator: "\n").count - 1 == turns)
    }

    @Test func namesARelativeFileInTheListByItsWholePath() throws {
        let input = Self.file("film.mp4")
        let last = try #require(input.arguments(InputReading(of: input, probe: Self.probe("mov,mp4", seconds: 60))).last)
        #expect(try Self.list(last).contains("file 'file:/"))
        #expect(try Self.list(last).hasSuffix("/film.mp4'\n"))
    }

    struct Turns: Sendable {
        var input: StreamInput
        var probe: MediaProbe
        var turns: InputReading.Turns
    }

    @Test(arguments: [
        Turns(input: file("a.mp4"), probe: probe("mov,mp4", seconds: 60), turns: .byList),
        Turns(input: file("a.mp4", options: ["-f", "mp4"]), probe: probe("mov,mp4", seconds: 60), turns: .byList),
        Turns(input: file("a.ffconcat"), probe: probe("concat"), turns: .byList),
        Turns(input: file("a.m3u8"), probe: probe("hls", seconds: 60), turns: .byList),
        // Not known by what is in it.
        Turns(input: file("a.txt", options: ["-f", "concat"]), probe: probe("concat"), turns: .byFFmpeg),
        Turns(input: file("a.yuv", options: ["-f", "rawvideo"]), probe: probe("rawvideo", seconds: 60), turns: .byFFmpeg),
        // A turn's length would be anybody's guess.
        Turns(input: file("a.h264"), probe: probe("h264"), turns: .byFFmpeg),
        // A pattern, which is no file.
        Turns(input: StreamInput(url: "a%03d.png"), probe: probe("image2", seconds: 4, rate: 25), turns: .byFFmpeg),
        Turns(input: StreamInput(url: "a.mp4", loops: false), probe: probe("mov,mp4", seconds: 60), turns: .one),
        Turns(input: StreamInput(url: "https://h/a.mp4"), probe: probe("mov,mp4", seconds: 60), turns: .byList),
        Turns(input: StreamInput(url: "https://h/a.m3u8"), probe: probe("hls", seconds: 60), turns: .byList),
        Turns(input: StreamInput(url: "https://h/a.m3u8"), probe: probe("hls"), turns: .one),
        Turns(
            input: StreamInput(url: "https://h/a.mp4", options: ["-headers", "A: b"]), probe: probe("mov,mp4", seconds: 60), turns: .one),
        Turns(input: StreamInput(url: "rtsp://h/a"), probe: probe("rtsp", seconds: 60), turns: .one),
    ])
    func loopsByTheListWhatAListCanName(_ example: Turns) {
        #expect(InputReading(of: example.input, probe: example.probe).turns == example.turns)
    }

    /// The concat demuxer writes the parameter sets that a bitstream filter writes else; FFmpeg's own loop does not.
    @Test(arguments: [("mov,mp4", Optional(60.0), true), ("h264", nil, false)])
    func onlyALoopByTheListNeedsNoBitstreamFilter(format: String, seconds: Double?, loops: Bool) {
        var input = Self.file("film")
        input.take(InputReading(of: input, probe: Self.probe(format, seconds: seconds)))
        #expect(input.kind == .file(loops: loops))
    }

    @Test func aListOfLinksNamesNoFiles() {
        let input = StreamInput(url: "https://h/film.mp4")
        let arguments = input.arguments(InputReading(of: input, probe: Self.probe("mov,mp4", seconds: 60)))
        let protocols = zip(arguments, arguments.dropFirst()).first { $0.0 == "-protocol_whitelist" }?.1.split(separator: ",") ?? []
        #expect(protocols.contains("https") && !protocols.contains("file"))
    }

    @Test func readsAFileOnceWhenItDoesNotLoop() {
        let input = StreamInput(url: "film.mp4", loops: false)
        #expect(Self.arguments(input, InputReading(of: input, probe: Self.probe("mov,mp4", seconds: 6))) == ["-re", "-i", "film.mp4"])
    }

    @Test(arguments: [
        ("s.jpg", probe("image2", seconds: 0.04, rate: 25), 5), ("s.png", probe("png_pipe", rate: 25), 5),
        ("https://h/s.jpg", probe("image2", seconds: 0.04, rate: 25), 2), ("https://h/s", probe("webp_pipe", rate: 25), 2),
    ])
    func showsAStillAtALowSteadyRate(url: String, probe: MediaProbe, rate: Int) {
        let input = url.contains("://") ? StreamInput(url: url) : Self.file(url)
        let reading = InputReading(of: input, probe: probe)
        #expect(Self.arguments(input, reading) == ["-re", "-loop", "1", "-framerate", "\(rate)", "-i", url])
    }

    @Test(arguments: [probe("gif", seconds: 2, rate: 10), probe("image2", seconds: 4, rate: 25), probe("mov,mp4", seconds: 0.04, rate: 25)])
    func takesNothingThatMovesForAStill(probe: MediaProbe) {
        #expect(InputReading(of: Self.file("a"), probe: probe).stillRate == nil)
    }

    @Test func readsRTSPOverTCP() {
        let input = StreamInput(url: "rtsp://camera/live", options: ["-timeout", "5000000"])
        let reading = InputReading(of: input, probe: Self.probe("rtsp"))
        #expect(Self.arguments(input, reading) == ["-rtsp_transport", "tcp", "-timeout", "5000000", "-i", "rtsp://camera/live"])
    }

    @Test func leavesThePaceOfLiveInputsToThem() {
        let input = StreamInput(url: "srt://host:9000")
        let reading = InputReading(of: input, probe: Self.probe("mpegts"))
        let arguments = FFmpegCommand.arguments(input: input, reading: reading, legs: [Self.leg, Self.leg])
        #expect(arguments == Self.start + ["-i", "srt://host:9000"] + Self.end + Self.end)
    }

    @Test(arguments: [
        ("https://h/film.mp4", probe("mov,mp4,m4a,3gp,3g2,mj2", seconds: 60), InputReading.Pace.timestamps),
        ("http://h/film.ts?key=1", probe("mpegts", seconds: 60), .timestamps),
        ("HTTP://h/vod.m3u8", probe("hls", seconds: 60), .timestamps),
        ("https://h/live.m3u8", probe("hls"), .timestampsOfSegments), ("https://h/live.mpd", probe("dash"), .timestampsOfSegments),
        ("live.m3u8", probe("hls"), .timestampsOfSegments),
        ("http://h/live.ts", probe("mpegts"), .input), ("http://h/live.flv", probe("flv"), .input),
        ("rtmp://h/a/b", probe("flv", seconds: 60), .input), ("rtsp://h/a", probe("rtsp", seconds: 60), .input),
        ("srt://h:9", probe("mpegts"), .input), ("/dev/video0", probe("v4l2"), .input), ("film.mp4", probe("mp4"), .timestamps),
    ])
    func readsWhatLiesReadyAtThePaceOfItsTimestamps(url: String, probe: MediaProbe, pace: InputReading.Pace) {
        let input = StreamInput(url: url)
        let reading = InputReading(of: input, probe: probe)
        #expect(reading.pace == pace)
        let isPaced = input.arguments(reading).filter { $0 == "-re" }.count == 1
        #expect(isPaced == (pace != .input))
    }

    @Test(arguments: [["-re"], ["-readrate", "2"]]) func leavesThePaceToAnOperatorWhoSaysIt(options: [String]) {
        let input = StreamInput(url: "https://h/film.mp4", options: options)
        #expect(InputReading(of: input, probe: Self.probe("mp4", seconds: 60)).pace == .input)
    }

    @Test func makesTheDemoInRealTime() {
        let graph = DemoInput.graph(hasClock: false)
        #expect(
            graph == """
                testsrc2=size=1280x720:rate=30,drawbox=x=iw-220:y=20:w=200:h=200:color=white:t=fill:enable='lt(mod(t,1),0.1)'[out0];\
                aevalsrc=exprs='0.3*sin(2*PI*1000*t)*lt(mod(t,1),0.1)':channel_layout=mono:sample_rate=48000[out1]
                """)
        #expect(Self.arguments(StreamInput(graph: graph), InputReading()) == ["-re", "-f", "lavfi", "-i", graph])
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

@Suite struct InputTimeoutsTests {
    @Test(arguments: [
        ("rtsp://h/x", ["-timeout", "8000000"]), ("rtsps://h/x", ["-timeout", "8000000"]), ("http://h/x.ts", ["-rw_timeout", "8000000"]),
        ("HTTPS://h/x.m3u8", ["-rw_timeout", "24000000"]), ("rtmp://h/a/b", ["-rw_timeout", "8000000"]), ("film.mp4", []),
        ("udp://127.0.0.1:5000", []), ("srt://h:9000", []), ("tcp://127.0.0.1:5000?listen", []),
    ])
    func endsWhatFallsSilentSoonerThanWeDo(url: String, arguments: [String]) {
        let input = StreamInput(url: url)
        #expect(input.timeouts(.newest) == arguments)
    }

    @Test func leavesTheLastWordToTheOperator() {
        let input = StreamInput(url: "rtsp://h/x", options: ["-timeout", "1"])
        let arguments = FFmpegCommand.arguments(input: input, reading: InputReading(pace: .input), legs: [], version: .newest)
        #expect(arguments.suffix(8) == ["-timeout", "8000000", "-rtsp_transport", "tcp", "-timeout", "1", "-i", "rtsp://h/x"])
    }

    @Test func callsTheOptionAsTheVersionDoes() {
        #expect(StreamInput(url: "rtsp://h/x").timeouts(FFmpegVersion(major: 4, minor: 4)) == ["-stimeout", "8000000"])
    }

    @Test func setsNoneWhereNothingIsTooLong() {
        var input = StreamInput(url: "rtsp://h/x")
        input.staleTimeout = .zero
        #expect(input.timeouts(.newest).isEmpty)
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
