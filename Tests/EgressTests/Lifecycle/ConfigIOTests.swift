import Testing

@testable import Egress

@Suite struct ConfigIOTests {
    @Test func everyFieldSurvivesJSON() throws {
        let cleanup = ConfigIOCleanup(pattern: "/a*", filesMax: 3, fileAgeMax: 60, purgesOnDelete: true)
        let output = ConfigIO(id: "webrtc", address: "udp://127.0.0.1:5000", options: ["-map", "0:v:0"], cleanup: [cleanup])
        #expect(try JSON.roundTrip(output) == output)
        #expect(
            try JSON.encode(output) == """
                {"address":"udp://127.0.0.1:5000","cleanup":[{"max_file_age_seconds":60,"max_files":3,"pattern":"/a*","purge_on_delete":true}],\
                "id":"webrtc","options":["-map","0:v:0"]}
                """)
    }

    @Test func nullAndAbsentListsAreEmpty() throws {
        #expect(try JSON.decode(ConfigIO.self, "{\"id\": \"a\", \"options\": null, \"cleanup\": null}") == ConfigIO(id: "a"))
        #expect(try JSON.decode(ConfigIO.self, "{}") == ConfigIO())
        #expect(try JSON.decode(ConfigIOCleanup.self, "{}") == ConfigIOCleanup())
    }
}
