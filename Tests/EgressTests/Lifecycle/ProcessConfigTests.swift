import Testing

@testable import Egress

@Suite struct ProcessConfigTests {
    @Test func everyFieldSurvivesJSON() throws {
        let config = ProcessConfig(
            id: "cam",
            webrtc: WebRTCConfig(
                isEnabled: true, videoPayloadType: 96, audioPayloadType: 97, videoMap: "0:1", audioMap: "none", forceTranscode: true))
        #expect(try JSON.roundTrip(config) == config)
        #expect(
            try JSON.encode(config) == """
                {"id":"cam","webrtc":{"audio_map":"none","audio_pt":97,"enabled":true,"force_transcode":true,"video_map":"0:1","video_pt":96}}
                """)
    }

    @Test func aConfigWithoutTheBlockIsDisabled() throws {
        #expect(try JSON.decode(ProcessConfig.self, "{\"id\": \"a\", \"input\": []}") == ProcessConfig(id: "a"))
        #expect(try !JSON.decode(ProcessConfig.self, "{\"webrtc\": {}}").webrtc.isEnabled)
        #expect(try !JSON.decode(ProcessConfig.self, "{\"webrtc\": null}").webrtc.isEnabled)
    }
}
