#if Server
import Egress
import Foundation
import Logging
import Synchronization
import Testing

@testable import EgressServer

/// With a script in FFmpeg's place, so that runs are short and what they were told can be read.
@Suite struct StreamSupervisorTests {
    let directory = FileManager.default.temporaryDirectory.appendingPathComponent("egress-\(UUID().uuidString)")
    let engine: EgressEngine
    let logger: Logger
    let probes = ProbeQueue(limits: .init(cores: 2))

    init() throws {
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        var configuration = EgressConfiguration()
        configuration.udpPort = 0
        configuration.io = .epoll
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        self.logger = logger
        engine = try EgressEngine(configuration: configuration, logger: logger)
    }

    func script(_ name: String, _ text: String, shell: String = "/bin/sh") throws -> String {
        let file = directory.appendingPathComponent(name)
        try "#!\(shell)\n\(text)\n".write(to: file, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: file.path)
        return file.path
    }

    var runs: [Substring] {
        let text = (try? String(contentsOf: directory.appendingPathComponent("runs"), encoding: .utf8)) ?? ""
        return text[...].split(separator: "\n")
    }

    func supervisor(
        _ id: String = "cam", ffmpeg: String, ffprobe: String, board: SupervisionBoard, url: String = "rtsp://u:p@camera/live",
        staleTimeout: Duration = .seconds(10), change: (inout StreamDefinition) -> Void = { _ in }
    ) throws -> StreamSupervisor {
        var tools = try FFmpegTools(ffmpeg: "/bin/sh", ffprobe: "/bin/sh")
        tools.ffmpeg = ffmpeg
        tools.ffprobe = ffprobe
        var stream = StreamDefinition(id: id, input: StreamInput(url: url))
        stream.input.staleTimeout = staleTimeout
        change(&stream)
        return StreamSupervisor(stream: stream, engine: engine, tools: tools, board: board, probes: probes, logger: logger)
    }

    func probeOfVideo() throws -> String {
        try script(
            "ffprobe", #"echo '{"streams": [{"index": 0, "codec_type": "video", "codec_name": "h264", "width": 9}]}'"#)
    }

    /// Looks again and again until it holds; false when it does not in time.
    func eventually(within limit: Duration = .seconds(10), _ condition: () -> Bool) async -> Bool {
        let end = ContinuousClock.now + limit
        while !condition() {
            guard ContinuousClock.now < end else { return false }
            try? await Task.sleep(for: .milliseconds(10))
        }
        return true
    }

    @Test func runsFFmpegAgainWithTheSameLegsAndEndsItWhenCancelled() async throws {
        let runsFile = "'\(directory.path)/runs'"
        let ffmpeg = try script("ffmpeg", "echo \"$@\" >> \(runsFile); [ $(wc -l < \(runsFile)) -ge 2 ] && exec sleep 60")
        let ffprobe = try probeOfVideo()
        let board = SupervisionBoard(ids: ["cam"])
        let supervisor = try supervisor(ffmpeg: ffmpeg, ffprobe: ffprobe, board: board)
        let task = Task { await supervisor.run() }
        #expect(await eventually { runs.count == 2 && board.all["cam"]?.phase == .running })

        #expect(runs[0] == runs[1])
        #expect(runs[0].contains("-rtsp_transport tcp -i rtsp://u:p@camera/live"))
        #expect(runs[0].contains("-c:v copy -bsf:v h264_mp4toannexb,dump_extra=freq=keyframe"))
        #expect(!runs[0].contains("libopus"))
        let status = try #require(engine.stream(named: "cam"))
        #expect(runs[0].hasSuffix("udp://127.0.0.1:\(status.videoPort)?pkt_size=1160"))
        #expect(!status.hasAudio)
        #expect(board.all["cam"]?.runs == 2)
        #expect(board.all["cam"]?.decisions.last == "no audio leg: the input has no audio")

        task.cancel()
        await task.value
        #expect(engine.stream(named: "cam") == nil)
        #expect(board.all["cam"]?.phase == .stopped)
        try FileManager.default.removeItem(at: directory)
    }

    /// Sends packets of the video leg, the only one, by a sender of its own: what they are made of does not matter. Not one write for all: the
    /// second proves that a new sender is one.
    static let send = #"""
        exec 3>/dev/udp/127.0.0.1/$(echo "$@" | sed 's/.*127.0.0.1:\([0-9]*\)?pkt.*/\1/')
        for i in 1 2 3 4; do printf '\x80\x66\0'"\\x$i"'\0\0\0\1\0\0'"\\x$(($$ / 100 % 100))\\x$(($$ % 100))"'\x41\0' >&3; done
        """#

    @Test func endsFFmpegThatGivesNothingAnyMoreAndRunsItAgain() async throws {
        let text = "\(Self.send)\necho \"$@\" >> '\(directory.path)/runs'; exec sleep 60"
        let ffmpeg = try script("ffmpeg", text, shell: "/bin/bash")
        let board = SupervisionBoard(ids: ["cam"])
        let supervisor = try supervisor(ffmpeg: ffmpeg, ffprobe: probeOfVideo(), board: board, staleTimeout: .milliseconds(500))
        let task = Task { await supervisor.run() }
        #expect(await eventually { board.all["cam"]?.problem != nil })
        let problem = "no media for 0.5 s: the input is silent, or FFmpeg stands still. FFmpeg was ended; it is restarted"
        #expect(board.all["cam"]?.problem == problem)
        #expect(await eventually { runs.count >= 2 && board.all["cam"]?.problem == nil }, "media has come again")
        #expect(engine.stream(named: "cam") != nil)
        task.cancel()
        await task.value
        try FileManager.default.removeItem(at: directory)
    }

    /// The camera has no sound, then some, then sends H.265, then has no sound again; each run but the last fails soon.
    @Test func decidesAgainWhenTheInputIsNotWhatItWas() async throws {
        let probes = "'\(directory.path)/probes'"
        let ffprobe = try script(
            "ffprobe",
            """
            echo >> \(probes); codec=h264; audio=', {"index": 1, "codec_type": "audio", "codec_name": "aac"}'
            case $(wc -l < \(probes)) in 1) audio=;; 2) ;; 3) codec=hevc;; *) audio=; codec=hevc;; esac
            echo '{"streams": [{"index": 0, "codec_type": "video", "pix_fmt": "yuv420p", "codec_name": "'$codec'"}'"$audio"']}'
            """)
        let runsFile = "'\(directory.path)/runs'"
        let ffmpeg = try script("ffmpeg", "echo \"$@\" >> \(runsFile); [ $(wc -l < \(runsFile)) -ge 4 ] && exec sleep 60")
        let board = SupervisionBoard(ids: ["cam"])
        let supervisor = try supervisor(ffmpeg: ffmpeg, ffprobe: ffprobe, board: board)
        let task = Task { await supervisor.run() }
        #expect(await eventually { engine.stream(named: "cam") != nil })
        let first = try #require(engine.stream(named: "cam"))
        #expect(!first.hasAudio)
        #expect(await eventually(within: .seconds(20)) { runs.count == 4 && board.all["cam"]?.phase == .running })

        #expect(runs.map { $0.contains("libopus") } == [false, true, true, false])
        #expect(runs.map { $0.contains("libx264") } == [false, false, true, true])
        #expect(runs.allSatisfy { $0.contains("udp://127.0.0.1:\(first.videoPort)?") })
        #expect(runs.map { $0.contains("udp://127.0.0.1:\(first.audioPort)?") } == [false, true, true, false])
        let last = try #require(engine.stream(named: "cam"))
        #expect(last.videoPort == first.videoPort && !last.hasAudio)
        #expect(board.all["cam"]?.decisions == ["encoding video: it is hevc, not H.264", "no audio leg: the input has no audio"])
        task.cancel()
        await task.value
        try FileManager.default.removeItem(at: directory)
    }

    /// The camera sends H.265 first, and H.264 after its run has failed.
    @Test func choosesTheEncodingsOnceAndTellsOfEach() async throws {
        let probes = "'\(directory.path)/probes'"
        let ffprobe = try script(
            "ffprobe",
            """
            echo >> \(probes); codec=hevc; [ $(wc -l < \(probes)) -ge 2 ] && codec=h264
            echo '{"streams": [{"index": 0, "codec_type": "video", "pix_fmt": "yuv420p", "codec_name": "'$codec'"}]}'
            """)
        let runsFile = "'\(directory.path)/runs'"
        let ffmpeg = try script("ffmpeg", "echo \"$@\" >> \(runsFile); [ $(wc -l < \(runsFile)) -ge 2 ] && exec sleep 60")
        let board = SupervisionBoard(ids: ["cam"])
        let supervisor = try supervisor(ffmpeg: ffmpeg, ffprobe: ffprobe, board: board) { $0.automatic = .auto }
        let task = Task { await supervisor.run() }
        #expect(await eventually { runs.count == 1 })
        let first = try #require(board.all["cam"])
        #expect(first.encodings.map(\.encoding.rid) == ["h265", "vp8"] && first.encodings.map(\.isCopy) == [true, false])
        let json = String(decoding: ServerResponse.json(first).body, as: UTF8.self)
        #expect(json.contains(#"{"codec":"vp8","copy":false,"reason":"it is hevc, not VP8","rid":"vp8"}"#), "\(json)")

        #expect(await eventually(within: .seconds(20)) { runs.count == 2 && board.all["cam"]?.phase == .running })
        #expect(runs.map { $0.contains("-c:v copy -bsf:v hevc_mp4toannexb,dump_extra=freq=keyframe") } == [true, false])
        #expect(runs[1].contains("-c:v libx265"))
        let status = try #require(board.all["cam"])
        #expect(status.encodings.map(\.encoding.rid) == ["h265", "vp8"] && status.encodings.map(\.isCopy) == [false, false])
        #expect(status.decisions == ["encoding video to H.265 for h265: it is h264, not H.265", "no audio leg: the input has no audio"])
        task.cancel()
        await task.value
        try FileManager.default.removeItem(at: directory)
    }

    @Test func aCopyThatCannotBeStartsNothing() async throws {
        let board = SupervisionBoard(ids: ["cam"])
        let ffmpeg = try script("ffmpeg", "echo \"$@\" >> '\(directory.path)/runs'; exec sleep 60")
        let supervisor = try supervisor(ffmpeg: ffmpeg, ffprobe: probeOfVideo(), board: board) {
            $0.webrtc.encodings = [Encoding(rid: "main"), Encoding(rid: "vp8", codec: .vp8, copiesOnly: true)]
        }
        let task = Task { await supervisor.run() }
        #expect(await eventually { board.all["cam"]?.phase == .waiting })
        let problem =
            "the input cannot be used yet: webrtc.encodings[1].copy: the input's video, h264, cannot be copied: it is h264, not VP8; "
        #expect(board.all["cam"]?.problem?.hasPrefix(problem) == true, "\(board.all["cam"]?.problem ?? "none")")
        #expect(engine.streams().isEmpty && runs.isEmpty)
        task.cancel()
        await task.value
        #expect(runs.isEmpty)
        try FileManager.default.removeItem(at: directory)
    }

    @Test func probesAgainWhenATrackTurnsUp() async throws {
        let probes = "'\(directory.path)/probes'"
        let ffprobe = try script(
            "ffprobe",
            """
            echo >> \(probes); [ $(wc -l < \(probes)) -ge 3 ] && audio=', {"index": 1, "codec_type": "audio", "codec_name": "aac"}'
            echo '{"streams": [{"index": 0, "codec_type": "video", "pix_fmt": "yuv420p", "codec_name": "h264"}'"$audio"']}'
            """)
        let said = "[in#0 @ 0x1] New audio stream 0:1 at pos:7 and DTS:1s"
        let ffmpeg = try script("ffmpeg", "echo \"$@\" >> '\(directory.path)/runs'; echo '\(said)' >&2; exec sleep 60")
        let board = SupervisionBoard(ids: ["cam"])
        let supervisor = try supervisor(ffmpeg: ffmpeg, ffprobe: ffprobe, board: board)
        let task = Task { await supervisor.run() }
        // The second probe is no use either, and that FFmpeg says it once more is passed over.
        #expect(await eventually { runs.count == 2 })
        try await Task.sleep(for: StaleWatch.interval * 4)
        #expect(runs.count == 2)
        task.cancel()
        await task.value
        try FileManager.default.removeItem(at: directory)
    }

    @Test func endsAStreamThatIsRemovedAndLeavesTheOthersRunning() async throws {
        let ffmpeg = try script("ffmpeg", "echo \"$@\" >> '\(directory.path)/runs'; exec sleep 60")
        let ffprobe = try probeOfVideo()
        let board = SupervisionBoard(ids: ["cam", "other"])
        let supervisors = try ["cam", "other"].map { try supervisor($0, ffmpeg: ffmpeg, ffprobe: ffprobe, board: board) }
        let service = Task { try await SupervisorService(supervisors: supervisors, board: board).run() }
        #expect(await eventually { runs.count == 2 && board.all.values.allSatisfy { $0.phase == .running } })

        #expect(await board.remove("cam"))
        #expect(engine.stream(named: "cam") == nil)
        #expect(engine.stream(named: "other") != nil)
        #expect(board.all.mapValues(\.phase) == ["other": .running])
        #expect(runs.count == 2)

        service.cancel()
        try await service.value
        #expect(engine.stream(named: "other") == nil)
        #expect(board.all.mapValues(\.phase) == ["other": .stopped])
        try FileManager.default.removeItem(at: directory)
    }

    /// The good one comes last, and is up before the first of the others has been given up.
    @Test(.timeLimit(.minutes(1))) func deadInputsDoNotKeepAGoodOneWaiting() async throws {
        let good = try probeOfVideo()
        let probed = "'\(directory.path)/probed'"
        let ffprobe = try script(
            "sleepy", "for last; do :; done; echo >> \(probed); case $last in *good*) exec \(good);; esac; exec sleep 60")
        let ffmpeg = try script("ffmpeg", "exec sleep 60")
        let ids = (0..<120).map { "dead\($0)" } + ["good"]
        let board = SupervisionBoard(ids: ids)
        let supervisors = try ids.map { try supervisor($0, ffmpeg: ffmpeg, ffprobe: ffprobe, board: board, url: "rtsp://127.0.0.1/\($0)") }
        let service = Task { try await SupervisorService(supervisors: supervisors, board: board).run() }
        #expect(await eventually(within: .seconds(40)) { board.all["good"]?.phase == .running })
        service.cancel()
        try await service.value
        try FileManager.default.removeItem(at: directory)
    }

    @Test func waitsForAnInputThatIsNotThereYet() async throws {
        let ffprobe = try script("ffprobe", "echo 'rtsp://u:secret@camera/live: Connection refused' >&2; exit 1")
        let board = SupervisionBoard(ids: ["cam"])
        let supervisor = try supervisor(ffmpeg: "/bin/false", ffprobe: ffprobe, board: board)
        let task = Task { await supervisor.run() }
        #expect(await eventually { board.all["cam"]?.phase == .waiting })
        #expect(board.all["cam"]?.problem == "the input cannot be used yet: rtsp://u:***@camera/live: Connection refused")
        #expect(engine.stream(named: "cam") == nil)
        task.cancel()
        await task.value
        #expect(board.all["cam"]?.phase == .stopped)
        try FileManager.default.removeItem(at: directory)
    }
}
#endif
