import Testing

@testable import Egress

@Suite struct EncodingTests {
    static func config(_ json: String) throws -> WebRTCConfig { try JSON.decode(WebRTCConfig.self, json) }

    @Test func anEncodingIsReadAndItsDefaultsAreFilledIn() throws {
        let config = try Self.config(#"{"encodings": [{}, {"rid": "low", "codec": "vp8", "height": 360, "bit_rate": 600000}]}"#)
        #expect(
            try config.normalized().encodings == [
                Encoding(rid: "video", codec: .h264, payloadType: 102, map: "0:v:0"),
                Encoding(rid: "low", codec: .vp8, payloadType: 102, map: "0:v:0", height: 360, bitRate: 600_000),
            ])
    }

    @Test func everyFieldComesThroughARoundTrip() throws {
        let encoding = Encoding(
            rid: "a-B_9", codec: .av1, payloadType: 45, map: "0:v:1", width: 640, height: 360, frameRate: 12.5, bitRate: 600_000,
            gopMilliseconds: 4_000, copiesOnly: true)
        #expect(try JSON.roundTrip(encoding) == encoding)
        let config = WebRTCConfig(isEnabled: true, encodings: [encoding, Encoding(rid: "b")], audioCodec: .g722)
        #expect(try JSON.roundTrip(config) == config)
    }

    @Test func withoutTheKeysNothingChangesForAHost() throws {
        let config = WebRTCConfig(isEnabled: true)
        #expect(
            try JSON.encode(config)
                == #"{"audio_map":"","audio_pt":0,"enabled":true,"force_transcode":false,"video_map":"","video_pt":0}"#)
        #expect(try config.normalized().videoEncodings == [Encoding(rid: "video", payloadType: 102, map: "0:v:0")])
        #expect(try WebRTCConfig(videoMap: "none").normalized().videoEncodings == [])
    }

    @Test func whatIsNormalIsNormal() throws {
        let config = try WebRTCConfig(encodings: [Encoding(), Encoding(rid: "b", codec: .vp9)]).normalized()
        #expect(try config.normalized() == config)
    }

    static let audio: [(codec: AudioCodec, payloadType: Int)] = [(.opus, 111), (.pcmu, 0), (.pcma, 8), (.g722, 9)]

    @Test(arguments: audio.indices) func aPayloadTypeOfZeroIsTheCodecs(row: Int) throws {
        let config = try WebRTCConfig(audioCodec: Self.audio[row].codec).normalized()
        #expect(config.audioPayloadType == Self.audio[row].payloadType)
    }

    static let refusals: [(json: String, message: String)] = [
        (#"{"encodings": [{}], "video_pt": 96}"#, "encodings: they say all there is to say of the video, so video_pt can't"),
        (#"{"encodings": [{}], "video_map": "none"}"#, "encodings: they say all there is to say of the video, so video_map can't"),
        (
            #"{"encodings": [{}], "force_transcode": true}"#,
            "encodings: they say all there is to say of the video, so force_transcode can't"
        ),
        (#"{"encodings": [{}, {"codec": "vp8"}]}"#, "encodings[1].rid: \"\" is not 1 to 16 letters"),
        (#"{"encodings": [{"rid": "a b"}]}"#, "encodings[0].rid: \"a b\" is not 1 to 16 letters"),
        (#"{"encodings": [{"rid": "12345678901234567"}]}"#, "encodings[0].rid: \"12345678901234567\" is not"),
        (#"{"encodings": [{"rid": "é"}]}"#, "encodings[0].rid: \"é\" is not"),
        (#"{"encodings": [{}, {"rid": "video"}]}"#, "encodings[1].rid: \"video\" is another encoding's too"),
        (#"{"encodings": [{"payload_type": 64}]}"#, "encodings[0].payload_type: 64 is in 64..95"),
        (#"{"encodings": [{"payload_type": 128}]}"#, "encodings[0].payload_type: 128 is not within 0..127"),
        (#"{"encodings": [{}, {"rid": "b", "payload_type": 111}]}"#, "audio_pt: 111 is the payload_type of encodings[1] too"),
        (#"{"encodings": [{"width": 8194}]}"#, "encodings[0].width: 8194 is not an even number within 2..8192"),
        (#"{"encodings": [{"height": 359}]}"#, "encodings[0].height: 359 is not an even number"),
        (#"{"encodings": [{"height": -2}]}"#, "encodings[0].height: -2 is not an even number"),
        (#"{"encodings": [{"frame_rate": 0.5}]}"#, "encodings[0].frame_rate: 0.5 is not within 1..240"),
        (#"{"encodings": [{"bit_rate": 1}]}"#, "encodings[0].bit_rate: 1 is not within 10000..200000000 bit/s"),
        (#"{"encodings": [{"gop_ms": 99}]}"#, "encodings[0].gop_ms: 99 is not within 100..60000"),
        (#"{"encodings": [{"map": "none"}]}"#, "encodings[0].map: an encoding without pictures is none"),
        (
            #"{"encodings": [{"copy": true, "width": 640}]}"#,
            "encodings[0].copy: it leaves the picture as it is, so encodings[0].width can't"
        ),
        (#"{"encodings": [{"copy": true, "gop_ms": 2000}]}"#, "encodings[0].copy: it leaves the picture as it is, so encodings[0].gop_ms"),
        (
            #"{"encodings": [{}, {"rid":"b"}, {"rid":"c"}, {"rid":"d"}, {"rid":"e"}, {"rid":"f"}, {"rid":"g"}, {"rid":"h"}, {"rid":"i"}]}"#,
            "encodings: there are 9, and 8 is the most"
        ),
    ]

    @Test(arguments: refusals.indices) func whatCantBeMetIsRefusedAndNamed(row: Int) throws {
        let config = try Self.config(Self.refusals[row].json)
        let error = failure { try config.normalized() }
        #expect(error?.code == .invalidConfiguration)
        #expect(error?.message.hasPrefix("webrtc: " + Self.refusals[row].message) == true, "\(error?.message ?? "nothing")")
    }

    @Test(arguments: [#"{"codec": "h263"}"#, #"{"codec": 1}"#, #"{"rid": 7}"#]) func whatIsNoEncodingIsNotRead(json: String) {
        #expect(throws: (any Error).self) { try JSON.decode(Encoding.self, json) }
    }

    @Test func aPlanThatLeavesVideoOutLeavesAllEncodingsOut() throws {
        let config = try WebRTCConfig(encodings: [Encoding(), Encoding(rid: "b")]).normalized()
        #expect(try config.leavingOut([.video]).videoEncodings == [])
        #expect(try config.leavingOut([.audio]).videoEncodings.count == 2)
    }
}
