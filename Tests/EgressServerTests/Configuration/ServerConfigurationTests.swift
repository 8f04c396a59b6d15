#if Server
import Egress
import Foundation
import Logging
import Testing

@testable import EgressServer

@Suite struct ServerConfigurationTests {
    static func parse(_ json: String, flags: ServerFlags = ServerFlags()) throws(ConfigurationError) -> ServerConfiguration {
        try ServerConfiguration(file: ("egress.json", Array(json.utf8)), flags: flags)
    }

    static func failure(_ json: String) -> String? {
        do {
            _ = try parse(json)
            return nil
        } catch {
            return error.description
        }
    }

    @Test func hasDefaultsWithoutAFile() throws {
        let configuration = try ServerConfiguration(file: nil, flags: ServerFlags())
        #expect(configuration.http.description == "127.0.0.1:8080")
        #expect(configuration.egress == EgressConfiguration())
        #expect(configuration.streams.isEmpty)
        #expect(configuration.logLevel == .info)
    }

    @Test func readsEveryField() throws {
        let configuration = try Self.parse(
            """
            {"http": "[::]:9000", "ffmpeg": "/opt/ffmpeg", "ffprobe": "/opt/ffprobe", "log_level": "debug",
             "egress": {"udp_port": 9001, "public_ips": ["203.0.113.7"], "io": "epoll"},
             "streams": {"b": {"input": "rtsp://cam/live", "input_options": ["-timeout", "1"], "webrtc": {"audio_map": "none"}},
                         "a": {"input": "film.mp4", "loop": false}}}
            """)
        #expect(configuration.http == HTTPAddress(host: "::", port: 9000))
        #expect(configuration.ffmpeg == "/opt/ffmpeg")
        #expect(configuration.ffprobe == "/opt/ffprobe")
        #expect(configuration.logLevel == .debug)
        #expect(configuration.egress.udpPort == 9001)
        #expect(configuration.egress.publicAddresses == ["203.0.113.7"])
        #expect(configuration.egress.io == .epoll)
        #expect(configuration.streams.map(\.id) == ["a", "b"])
        #expect(configuration.streams[0].input.kind == .file(loops: false))
        #expect(configuration.streams[1].input.options == ["-timeout", "1"])
        #expect(configuration.streams[1].webrtc == WebRTCConfig(isEnabled: true, audioMap: "none"))
    }

    @Test func readsLimitsAndWhatDrainingMeans() throws {
        let configuration = try Self.parse(
            """
            {"egress": {"limits": {"bit_rate": 900000000, "joins_per_address": {"burst": 7}, "handshake_seconds": 2.5}},
             "drain": {"seconds": 30, "url": "https://b.example:8443/whep/"}}
            """)
        var limits = ClientLimits()
        limits.bitRate = 900_000_000
        limits.joinsPerAddress.burst = 7
        limits.handshakeTimeout = .milliseconds(2_500)
        #expect(configuration.egress.limits == limits)
        #expect(configuration.drain.duration == .seconds(30))
        #expect(configuration.drain.url == "https://b.example:8443/whep/")
        #expect(configuration.drain.origin == "https://b.example:8443")
        #expect(try Self.parse("{}").drain == DrainConfiguration())
    }

    @Test func readsWhereViewersAreSent() throws {
        let redirect = try Self.parse(
            #"{"redirect": {"cam": "https://b.example:8443/whep/cam", "a b": "http://[2001:db8::1]/whep/?id=1", "here": null}}"#
        ).redirect
        #expect(redirect.endpoint(of: "cam") == "https://b.example:8443/whep/cam")
        #expect(redirect.origin(of: "cam") == "https://b.example:8443")
        #expect(redirect.endpoint(of: "a b") == "http://[2001:db8::1]/whep/?id=1")
        #expect(redirect.origin(of: "a b") == "http://[2001:db8::1]")
        for id in ["here", "CAM", ""] { #expect(redirect.endpoint(of: id) == nil && redirect.origin(of: id) == nil, "\(id)") }
        #expect(try Self.parse("{}").redirect == RedirectConfiguration())
    }

    @Test(arguments: [("", 10.0), (#", "stale_timeout_seconds": 2.5"#, 2.5), (#", "stale_timeout_seconds": 0"#, 0)])
    func readsHowLongAnInputMayBeSilent(field: String, seconds: Double) throws {
        let stream = try #require(try Self.parse(#"{"streams": {"cam": {"input": "rtsp://h/x"\#(field)}}}"#).streams.first)
        #expect(stream.input.staleTimeout == .seconds(seconds))
    }

    @Test func letsFlagsWinOverTheFile() throws {
        let flags = ServerFlags(
            http: HTTPAddress(host: "h", port: 1), udpPort: 2, publicAddresses: ["192.0.2.1"], workers: 3, io: .uring, ffmpeg: "f",
            ffprobe: "p",
            logLevel: .error, streams: ["a=other.mp4", "c=rtsp://u:p@h/x?a=b"])
        let configuration = try Self.parse(
            """
            {"http": "[::]:9000", "ffmpeg": "x", "ffprobe": "y", "log_level": "debug", "streams": {"a": {"input": "a.mp4"}, "b": {"input": "b"}},
             "egress": {"udp_port": 9001, "public_ips": ["203.0.113.7"], "io": "epoll", "max_viewers": 7, "workers": 2}}
            """, flags: flags)
        #expect(configuration.http == HTTPAddress(host: "h", port: 1))
        #expect(configuration.egress.udpPort == 2)
        #expect(configuration.egress.workers == 3)
        #expect(configuration.egress.publicAddresses == ["192.0.2.1"])
        #expect(configuration.egress.io == .uring)
        #expect(configuration.egress.viewersMax == 7)
        #expect(configuration.ffmpeg == "f")
        #expect(configuration.ffprobe == "p")
        #expect(configuration.logLevel == .error)
        #expect(configuration.streams.map { "\($0.id) \($0.input.url)" } == ["b b", "a other.mp4", "c rtsp://u:p@h/x?a=b"])
    }

    @Test(arguments: [
        ("{", "egress.json: not JSON: line 1, column 2: a key needs double quotes: \"key\": value"),
        ("[]", "egress.json: expected an object, found a list"),
        (
            #"{"htp": 1}"#,
            "egress.json: htp: unknown field; known are api, auth, base_path, drain, egress, ffmpeg, ffprobe, http, "
                + "log_level, redirect, streams, tls, trusted_proxies"
        ),
        (#"{"http": 8080}"#, "egress.json: http: expected text, found a number"),
        (#"{"http": "8080"}"#, #"egress.json: http: expected HOST:PORT, found "8080""#),
        (#"{"egress": {"udp_port": "x"}}"#, "egress.json: egress.udp_port: expected a number, found text"),
        (#"{"egress": {"public_ips": [1]}}"#, "egress.json: egress.public_ips.0: expected text, found a number"),
        (#"{"streams": []}"#, "egress.json: streams: expected an object, found a list"),
        (#"{"streams": {"cam": {}}}"#, "egress.json: streams.cam.input: is missing"),
        (#"{"streams": {"cam": {"input": "x", "loop": 1}}}"#, "egress.json: streams.cam.loop: expected true or false, found a number"),
        (
            #"{"streams": {"cam": {"input": "x", "input_options": ["-re", 1]}}}"#,
            "egress.json: streams.cam.input_options[1]: expected text, found a number"
        ),
        (
            #"{"streams": {"cam": {"input": "x", "webrtc": {"video_pt": true}}}}"#,
            "egress.json: streams.cam.webrtc.video_pt: expected a number, found true or false"
        ),
        (
            #"{"streams": {"cam": {"input": "x", "stale_timeout_seconds": "10"}}}"#,
            "egress.json: streams.cam.stale_timeout_seconds: expected a number, found text"
        ),
        (
            #"{"streams": {"cam": {"input": "x", "stale_timeout_seconds": -1}}}"#,
            "egress.json: streams.cam.stale_timeout_seconds: is not within 0..86400"
        ),
        (
            #"{"streams": {"cam": {"input": "x", "stale_timeout_seconds": 1e300}}}"#,
            "egress.json: streams.cam.stale_timeout_seconds: is not within 0..86400"
        ),
        (#"{"streams": {"a/b": {"input": "x"}}}"#, "egress.json: streams.a/b: an id must not contain a slash"),
    ])
    func namesFileAndFieldOfAMistake(json: String, message: String) {
        #expect(Self.failure(json) == message)
    }

    @Test(arguments: [
        (#"{"egress": {"udp_prt": 1}}"#, "egress.json: egress.udp_prt: unknown field"),
        (#"{"egress": {"udp_port": 99999}}"#, "egress.json: egress.udp_port: is out of range"),
        (#"{"egress": {"io": "magic"}}"#, "egress.json: egress.io: "),
        (#"{"egress": {"public_ips": ["example.org"]}}"#, "egress.json: webrtc: public_ips: "),
        (#"{"streams": {"cam": {"input": "x", "extra": 1}}}"#, "egress.json: streams.cam.extra: unknown field"),
        (#"{"streams": {"cam": {"input": "x", "webrtc": {"pt": 1}}}}"#, "egress.json: streams.cam.webrtc.pt: unknown field"),
        (#"{"streams": {"cam": {"input": "x", "webrtc": {"video_pt": 70}}}}"#, "egress.json: streams.cam.webrtc: webrtc: video_pt: "),
        (#"{"egress": {"limits": {"join": {}}}}"#, "egress.json: egress.limits.join: unknown field"),
        (#"{"egress": {"limits": {"joins": {"burts": 1}}}}"#, "egress.json: egress.limits.joins.burts: unknown field"),
        (#"{"egress": {"limits": {"joins": 5}}}"#, "egress.json: egress.limits.joins: expected an object, found a number"),
        (
            #"{"egress": {"limits": {"joins": {"per_second": "x"}}}}"#,
            "egress.json: egress.limits.joins.per_second: expected a number, found text"
        ),
        (#"{"egress": {"limits": {"connections": 15}}}"#, "egress.json: egress.limits.connections: is not a whole number within 16.."),
        (
            #"{"egress": {"limits": {"connections_per_address": 1e30}}}"#,
            "egress.json: egress.limits.connections_per_address: is not a whole"
        ),
        (#"{"egress": {"limits": {"handshakes": 0}}}"#, "egress.json: webrtc: limits.handshakes: 0 is not within 1..65536"),
        (#"{"drain": {"second": 1}}"#, "egress.json: drain.second: unknown field"),
        (#"{"drain": {"seconds": "1"}}"#, "egress.json: drain.seconds: expected a number, found text"),
        (#"{"drain": {"seconds": 3601}}"#, "egress.json: drain.seconds: is not within 0..3600"),
        (#"{"drain": {"url": "b.example/whep"}}"#, "egress.json: drain.url: expected http:// or https://"),
        (#"{"drain": {"url": "https://b.example/whep?x=1"}}"#, "egress.json: drain.url: expected http:// or https://"),
        (#"{"drain": {"url": "https://b;c/whep"}}"#, "egress.json: drain.url: expected http:// or https://"),
        (#"{"redirect": ["x"]}"#, "egress.json: redirect: expected an object, found a list"),
        (#"{"redirect": {"cam": 1}}"#, "egress.json: redirect.cam: expected text, found a number"),
        (#"{"redirect": {"a/b": "https://b.example/whep/a"}}"#, "egress.json: redirect.a/b: an id must not contain a slash"),
        (#"{"redirect": {"cam": "b.example/whep/cam"}}"#, "egress.json: redirect.cam: expected http:// or https://"),
        (#"{"redirect": {"cam": "ftp://b.example/whep/cam"}}"#, "egress.json: redirect.cam: expected http:// or https://"),
        (#"{"redirect": {"cam": "https:///whep/cam"}}"#, "egress.json: redirect.cam: expected http:// or https://"),
        (#"{"redirect": {"cam": "https://u:p@b.example/whep/cam"}}"#, "egress.json: redirect.cam: expected http:// or https://"),
        (#"{"redirect": {"cam": "https://b.example/whep/cam\r\nX: y"}}"#, "egress.json: redirect.cam: expected http:// or https://"),
        (#"{"log_level": "loud"}"#, "egress.json: log_level: expected trace, debug"),
    ])
    func refusesWhatItDoesNotKnow(json: String, start: String) {
        #expect(Self.failure(json)?.hasPrefix(start) == true, "\(Self.failure(json) ?? "no failure")")
    }

    /// The façade passes over what it does not know, so the server has to know what the façade reads.
    @Test func knowsEveryFieldOfTheFacade() throws {
        var configuration = EgressConfiguration()
        configuration.udpAddress = "127.0.0.1"
        configuration.sourcePorts = 1...2
        configuration.workers = 1
        let fields = try JSONDecoder().decode([String: JSONValue].self, from: JSONEncoder().encode(configuration))
        #expect(Set(fields.keys) == ServerConfiguration.egressFields)
        let limits = try JSONDecoder().decode([String: JSONValue].self, from: JSONEncoder().encode(ClientLimits()))
        #expect(Set(limits.keys) == ClientLimits.fieldNames)
        let rates = limits.filter { $0.value.kind == "an object" }
        #expect(Set(rates.keys) == ClientLimits.rateNames)
        for case .object(let rate) in rates.values { #expect(Set(rate.keys) == ClientLimits.rateFieldNames) }
        let blocks = [WebRTCConfig(), WebRTCConfig(encodings: [Encoding()], audioCodec: .g722)]
        let names = try blocks.flatMap { try JSONDecoder().decode([String: JSONValue].self, from: JSONEncoder().encode($0)).keys }
        #expect(Set(names) == WebRTCConfig.fieldNames)
    }

    @Test(arguments: ["cam", "=x", "cam=", "a/b=x"])
    func refusesAStreamFlagThatIsNone(flag: String) {
        #expect(throws: ConfigurationError.self) { try StreamDefinition(flag: flag) }
    }

    @Test func refusesAStreamFlagThatIsGivenTwice() {
        let error = #expect(throws: ConfigurationError.self) {
            try ServerConfiguration(file: nil, flags: ServerFlags(streams: ["a=b", "a=c"]))
        }
        #expect(error?.description == "--stream: a: is given twice")
        #expect(error?.isOfCommandLine == true)
    }

    @Test func doesNotShowAPasswordOfAWrongStreamFlag() {
        let error = #expect(throws: ConfigurationError.self) { try StreamDefinition(flag: "=rtsp://u:secret@h") }
        #expect(error?.description.contains("secret") == false)
    }
}

@Suite struct HTTPAddressTests {
    @Test(arguments: [
        ("127.0.0.1:8080", "127.0.0.1:8080"), ("[::1]:80", "[::1]:80"), ("localhost:0", "localhost:0"), (":8080", "0.0.0.0:8080"),
    ])
    func readsHostAndPort(text: String, shown: String) {
        #expect(HTTPAddress(text)?.description == shown)
    }

    @Test(arguments: ["", "8080", "host", "host:", "host:65536", "::1:80", "host:80x"])
    func refusesWhatIsNone(text: String) {
        #expect(HTTPAddress(text) == nil)
    }

    @Test func aPipeIsReadAtTheStartAndNeverLater() throws {
        let pipe = Pipe()
        try pipe.fileHandleForWriting.write(contentsOf: Data("{}".utf8))
        try pipe.fileHandleForWriting.close()
        let path = "/dev/fd/\(pipe.fileHandleForReading.fileDescriptor)"
        #expect(throws: ConfigurationError(source: path, field: nil, problem: "cannot be read: it is not a regular file")) {
            try ConfigurationFile.read(path)
        }
        #expect(try ConfigurationFile.read(path, mayWait: true) == Array("{}".utf8))
    }

    @Test func namesAnAddressThatABrowserOnThisMachineCanOpen() {
        #expect(HTTPAddress(host: "0.0.0.0", port: 1).url() == "http://127.0.0.1:1/")
        #expect(HTTPAddress(host: "::1", port: 1).url() == "http://[::1]:1/")
    }
}
#endif
