import Testing

@testable import Egress

@Suite struct WebRTCConfigTests {
    @Test func zeroAndEmptyMeanTheDefaults() throws {
        let normalized = try WebRTCConfig(isEnabled: true).normalized()
        #expect(
            normalized
                == WebRTCConfig(isEnabled: true, videoPayloadType: 102, audioPayloadType: 111, videoMap: "0:v:0", audioMap: "0:a:0"))
    }

    @Test func whatIsSetStays() throws {
        let config = WebRTCConfig(
            isEnabled: true, videoPayloadType: 96, audioPayloadType: 127, videoMap: "0:3", audioMap: "1:a:2", forceTranscode: true)
        #expect(try config.normalized() == config)
    }

    static let payloadTypes: [(video: Int, audio: Int, error: String?)] = [
        (1, 2, nil), (63, 96, nil), (127, 1, nil), (0, 0, nil), (111, 102, nil),
        (64, 111, "webrtc: video_pt: 64 is in 64..95, which RTCP uses (RFC 5761)"),
        (70, 111, "webrtc: video_pt: 70 is in 64..95, which RTCP uses (RFC 5761)"),
        (102, 95, "webrtc: audio_pt: 95 is in 64..95, which RTCP uses (RFC 5761)"),
        (128, 111, "webrtc: video_pt: 128 is not within 0..127"),
        (102, -1, "webrtc: audio_pt: -1 is not within 0..127"),
        (96, 96, "webrtc: audio_pt: 96 is the video's payload type too"),
        (111, 0, "webrtc: audio_pt: 111 is the video's payload type too"),
        (0, 102, "webrtc: audio_pt: 102 is the video's payload type too"),
    ]

    @Test(arguments: payloadTypes.indices) func payloadTypesAreChecked(row: Int) {
        let (video, audio, message) = Self.payloadTypes[row]
        let config = WebRTCConfig(isEnabled: true, videoPayloadType: video, audioPayloadType: audio)
        let error = failure { try config.normalized() }
        #expect(error?.message == message)
        if message != nil { #expect(error?.code == .invalidConfiguration) }
    }

    static let lonePayloadTypes: [(config: WebRTCConfig, error: String?)] = [
        (WebRTCConfig(videoPayloadType: 111, audioMap: "none"), nil),
        (WebRTCConfig(videoPayloadType: 96, audioPayloadType: 96, audioMap: "none"), nil),
        (WebRTCConfig(audioPayloadType: 102, videoMap: "none"), nil),
        (WebRTCConfig(audioPayloadType: 70, audioMap: "none"), nil),
        (WebRTCConfig(videoPayloadType: 128, videoMap: "none"), nil),
        (WebRTCConfig(audioPayloadType: -1, audioMap: "none"), nil),
        (WebRTCConfig(videoPayloadType: 70, audioMap: "none"), "webrtc: video_pt: 70 is in 64..95, which RTCP uses (RFC 5761)"),
        (WebRTCConfig(audioPayloadType: 128, videoMap: "none"), "webrtc: audio_pt: 128 is not within 0..127"),
    ]

    @Test(arguments: lonePayloadTypes.indices) func payloadTypesOfALegThatIsLeftOutDoNotMatter(row: Int) {
        let (config, message) = Self.lonePayloadTypes[row]
        #expect(failure { try config.normalized() }?.message == message)
    }

    @Test func aLegThatIsLeftOutHasTheDefaultPayloadType() throws {
        #expect(try WebRTCConfig(audioPayloadType: -1, audioMap: "none").normalized().audioPayloadType == 111)
        #expect(try WebRTCConfig(videoPayloadType: 1_000, videoMap: "none").normalized().videoPayloadType == 102)
    }

    @Test func noneLeavesALegOutButNotBoth() throws {
        #expect(try !WebRTCConfig(videoMap: "none").normalized().hasVideo)
        #expect(try WebRTCConfig(videoMap: "none").normalized().hasAudio)
        #expect(try !WebRTCConfig(audioMap: "none").normalized().hasAudio)
        #expect(failure { try WebRTCConfig(videoMap: "none", audioMap: "none").normalized() }?.code == .invalidConfiguration)
    }
}
