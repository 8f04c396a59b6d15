#if Server
import Egress
import Testing

@testable import EgressServer

@Suite struct WebRTCBlockTests {
    /// As the block of a stream in the configuration file.
    static func stream(_ block: String) throws(ConfigurationError) -> StreamDefinition? {
        try ServerConfigurationTests.parse(#"{"streams": {"cam": {"input": "rtsp://h/x", "webrtc": \#(block)}}}"#).streams.first
    }

    static func failure(_ block: String) -> String? {
        do {
            _ = try stream(block)
            return nil
        } catch {
            return error.description
        }
    }

    @Test func readsEveryFieldOfAnEncoding() throws {
        let stream = try #require(
            try Self.stream(
                """
                {"audio_codec": "pcma", "encodings": [
                  {"rid": "main", "codec": "h265", "copy": true, "map": "0:v:1", "payload_type": 96},
                  {"rid": "low", "codec": "vp8", "width": 640, "height": 360, "frame_rate": 12.5, "bit_rate": 400000, "gop_ms": 1000}]}
                """))
        let encodings = [
            Encoding(rid: "main", codec: .h265, payloadType: 96, map: "0:v:1", copiesOnly: true),
            Encoding(rid: "low", codec: .vp8, width: 640, height: 360, frameRate: 12.5, bitRate: 400_000, gopMilliseconds: 1_000),
        ]
        #expect(stream.webrtc == WebRTCConfig(isEnabled: true, encodings: encodings, audioCodec: .pcma))
        #expect(stream.automatic == nil)
    }

    @Test func leavesTheListToTheServerThatRunsFFmpeg() throws {
        let stream = try #require(try Self.stream(#"{"encodings": "auto", "audio_map": "none"}"#))
        #expect(stream.automatic == .auto)
        #expect(stream.webrtc == WebRTCConfig(isEnabled: true, audioMap: "none"))
        #expect(try Self.stream(#"{"encodings": "ladder"}"#)?.automatic == .ladder)
        #expect(try Self.stream(#"{"encodings": null}"#)?.automatic == nil)
    }

    @Test(arguments: [
        (#"{"encodings": [{}, {"bitrate": 1}]}"#, "encodings[1].bitrate: unknown field; known are bit_rate, codec, copy, "),
        (
            #"{"encodings": [{"codec": "theora"}]}"#,
            #"encodings[0].codec: there is no codec "theora"; there are h264, h265, vp8, vp9, av1"#
        ),
        (#"{"encodings": [{"codec": "H264"}]}"#, #"encodings[0].codec: there is no codec "H264""#),
        (#"{"encodings": [{"codec": 8}]}"#, "encodings[0].codec: expected text, found a number"),
        (#"{"audio_codec": "aac"}"#, #"audio_codec: there is no codec "aac"; there are opus, pcmu, pcma, g722"#),
        (#"{"audio_codec": true}"#, "audio_codec: expected text, found true or false"),
        (#"{"encodings": [{"payload_type": "96"}]}"#, "encodings[0].payload_type: expected a number, found text"),
        (#"{"encodings": [{"width": 640.5}]}"#, "encodings[0].width: "),
        (#"{"encodings": [{"bit_rate": 1e300}]}"#, "encodings[0].bit_rate: is out of range"),
        (#"{"encodings": ["vp8"]}"#, "encodings[0]: expected an object, found text"),
        (#"{"encodings": {"rid": "a"}}"#, "encodings: expected a list of encodings, found an object"),
        (#"{"encodings": 2}"#, "encodings: expected a list of encodings, found a number"),
        (#"{"encodings": "ladders"}"#, #"encodings: "ladders" is unknown; the words are "auto" and "ladder", and else it is a list"#),
        (#"{"encodings": "Auto"}"#, #"encodings: "Auto" is unknown"#),
    ])
    func namesTheFieldOfAMistake(block: String, start: String) {
        let failure = Self.failure(block)
        #expect(failure?.hasPrefix("egress.json: streams.cam.webrtc.\(start)") == true, "\(failure ?? "no failure")")
    }

    @Test(arguments: [
        (#"{"encodings": [{"rid": "a"}, {"rid": "a"}]}"#, #"encodings[1].rid: "a" is another encoding's too"#),
        (#"{"encodings": [{"rid": "a"}, {}]}"#, "encodings[1].rid: "),
        (#"{"encodings": [{"payload_type": 111}]}"#, "audio_pt: 111 is the payload_type of encodings[0] too"),
        (#"{"encodings": [{"height": 361}]}"#, "encodings[0].height: 361 is not an even number"),
        (#"{"encodings": [{"copy": true, "gop_ms": 1000}]}"#, "encodings[0].copy: "),
        (#"{"encodings": [{}], "force_transcode": true}"#, "encodings: they say all there is to say of the video, so force_transcode"),
        (#"{"encodings": "auto", "force_transcode": true}"#, "encodings: they say all there is to say of the video, so force_transcode"),
        (#"{"encodings": "ladder", "force_transcode": true}"#, "encodings: they say all there is to say of the video, so force_transcode"),
        (#"{"encodings": "auto", "video_map": "0:v:1"}"#, "encodings: they say all there is to say of the video, so video_map"),
        (#"{"encodings": "auto", "audio_pt": 102}"#, "audio_pt: 102 is the payload_type of encodings[0] too"),
    ])
    func refusesWhatDoesNotGoTogether(block: String, start: String) {
        let failure = Self.failure(block)
        #expect(failure?.hasPrefix("egress.json: streams.cam.webrtc: webrtc: \(start)") == true, "\(failure ?? "no failure")")
    }
}

@Suite struct StreamDefinitionTests {
    struct Lack: CustomTestStringConvertible, Sendable {
        var encodings: [Encoding]
        var input = StreamInput(url: "rtsp://h/x")
        /// nil: what it lacks depends on the input.
        var start: String?
        var testDescription: String { start ?? "nothing" }
    }

    static let old = FFmpegAbilities(version: FFmpegVersion(major: 5, minor: 1), encoders: ["libx264"])

    @Test(arguments: [
        Lack(encodings: []),
        Lack(encodings: [Encoding(), Encoding(rid: "vp9", codec: .vp9)]),
        Lack(encodings: [Encoding(height: 360)]),
        Lack(encodings: [Encoding(codec: .vp8, copiesOnly: true)]),
        Lack(
            encodings: [Encoding(), Encoding(rid: "av1", codec: .av1, copiesOnly: true)],
            start: "streams.cam.webrtc.encodings[1].codec: this FFmpeg, 5.1, cannot send AV1: 8.0 is the first"),
        Lack(
            encodings: [Encoding(codec: .vp8, height: 360)],
            start: "streams.cam.webrtc.encodings[0].codec: this FFmpeg cannot encode VP8: it was built without libvpx; use your"),
        Lack(
            encodings: [Encoding(codec: .vp8)], input: StreamInput(graph: "testsrc2"),
            start: "streams.cam.webrtc.encodings[0].codec: this FFmpeg cannot encode VP8"),
    ])
    func saysAtTheStartWhatThisFFmpegCannotDoInAnyCase(lack: Lack) {
        let stream = StreamDefinition(id: "cam", input: lack.input, webrtc: WebRTCConfig(encodings: lack.encodings))
        guard let start = lack.start else {
            #expect(throws: Never.self) { try stream.check(Self.old) }
            return
        }
        let unable = #expect(throws: FFmpegTools.Unable.self) { try stream.check(Self.old) }
        #expect(unable?.description.hasPrefix(start) == true, "\(unable.map { "\($0)" } ?? "")")
        #expect(throws: Never.self) { try stream.check(FFmpegAbilities()) }
    }
}
#endif
