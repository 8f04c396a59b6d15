import HTTPTypes
import Logging
import Synchronization
import Testing

@testable import Egress

extension WithEngine {
    @Suite(.serialized) struct WHEPHandlerTests {
        static func request(
            _ method: HTTPRequest.Method, _ path: String, _ body: String = "", type: String? = "application/sdp", _ fields: HTTPFields = [:]
        ) -> WHEPRequest {
            var head = HTTPRequest(method: method, scheme: "http", authority: "localhost", path: path, headerFields: fields)
            head.headerFields[.contentType] = type
            return WHEPRequest(head: head, body: Array(body.utf8), remoteAddress: "192.0.2.9")
        }

        /// A page that waits for a stream asks every 2 s.
        @Test func whatAClientIsRefusedAgainAndAgainIsToldOnceAMinuteWithItsNumber() async throws {
            let recorder = LogRecorder()
            let clock = ManualClock()
            let handler = WHEPHandler(engine: try Engines.make(), logger: recorder.logger, now: { clock.now })
            for _ in 0..<40 {
                let answer = await handler.handle(Self.request(.post, "/whep/show", BrowserOffer.chromium))
                #expect(answer.head.status == .notFound)
                clock.advance(by: .seconds(2))
            }
            let told = recorder.lines.filter { $0.level == .info && $0.message.hasPrefix("Viewer refused") }
            #expect(told.count == 2)
            #expect(told.last?.metadata["repeated"] == "29")
            #expect(recorder.lines.count { $0.message.hasPrefix("Viewer refused") } == 40)
            // Another stream is another thing.
            _ = await handler.handle(Self.request(.post, "/whep/other", BrowserOffer.chromium))
            #expect(recorder.lines.last?.level == .info)
        }

        static func handler(_ engine: EgressEngine) -> WHEPHandler { WHEPHandler(engine: engine, logger: Engines.silent) }

        static func text(_ response: WHEPResponse) -> String { String(decoding: response.body, as: UTF8.self) }

        @Test func anOfferIsAnsweredAndItsSessionEndsOnce() async throws {
            let engine = try await Engines.playing("a b\"c") { $0.iceServers = [ICEServer(urls: ["stun:s.example", "stun:t.example"])] }
            let handler = Self.handler(engine)
            let created = await handler.handle(Self.request(.post, "/whep/a%20b%22c", BrowserOffer.chromium))
            #expect(created.head.status == .created)
            let fields = created.head.headerFields
            #expect(fields[.contentType] == "application/sdp")
            #expect(Self.text(created).hasPrefix("v=0\r\n"))
            let location = try #require(fields[.location])
            #expect(location.hasPrefix("/whep/a%20b%22c/") && location.utf8.count == "/whep/a%20b%22c/".utf8.count + 32)
            let tag = try #require(fields[.eTag])
            #expect(tag.hasPrefix("\"") && tag.hasSuffix("\"") && tag.utf8.count > 2)
            #expect(
                fields[values: .init("Link")!]
                    == [
                        "<stun:s.example>; rel=\"ice-server\"", "<stun:t.example>; rel=\"ice-server\"",
                        "<\(location)/events>; rel=\"urn:ietf:params:whep:ext:core:server-sent-events\"; "
                            + "events=\"active,inactive,viewercount,reconnect\"",
                    ])
            #expect(fields[.accessControlAllowOrigin] == "*")
            #expect(
                fields[.accessControlExposeHeaders]
                    == "Location, ETag, Link, Retry-After, Accept-Post, Accept-Patch, Allow, WWW-Authenticate")
            #expect(engine.stream(named: "a b\"c")?.viewers == 1)

            #expect(await handler.handle(Self.request(.get, location)).head.status == .noContent)
            #expect(await handler.handle(Self.request(.head, location)).head.status == .ok)
            let session = location.split(separator: "/").last ?? ""
            #expect(await handler.handle(Self.request(.delete, "/whep/other/\(session)")).head.status == .notFound)
            #expect(await handler.handle(Self.request(.delete, location, type: nil, [.ifMatch: "\"stale\""])).head.status == .ok)
            #expect(await handler.handle(Self.request(.delete, location)).head.status == .notFound)
            #expect(await handler.handle(Self.request(.get, location)).head.status == .notFound)
            #expect(await eventually { engine.stream(named: "a b\"c")?.viewers == 0 })
        }

        @Test(arguments: [true, false]) func anEngineThatIsShutDownOrDisabledAsksPlayersToComeAgain(isEnabled: Bool) async throws {
            let engine = try Engines.make { $0.isEnabled = isEnabled }
            let handler = Self.handler(engine)
            engine.shutdown()
            for request in [Self.request(.post, "/whep/show", BrowserOffer.chromium), Self.request(.get, "/whep/show", type: nil)] {
                let response = await handler.handle(request)
                #expect(response.head.status == .serviceUnavailable)
                #expect(response.head.headerFields[.retryAfter] == "2")
                #expect(Self.text(response).contains(isEnabled ? "the engine is shut down" : "egress is disabled"))
            }
        }

        @Test func aStreamThatIsExpectedIsToComeBackForAndTheLogHasTheStatusThatWasSent() async throws {
            let recorder = LogRecorder()
            let handler = WHEPHandler(engine: try Engines.make(), logger: recorder.logger, expects: { $0 == "cam" })
            let response = await handler.handle(Self.request(.post, "/whep/cam", BrowserOffer.chromium))
            #expect(response.head.status == .conflict && response.head.headerFields[.retryAfter] == "2")
            #expect(await handler.handle(Self.request(.post, "/whep/other", BrowserOffer.chromium)).head.status == .notFound)
            let logged = recorder.lines.filter { $0.message.hasPrefix("Viewer refused") }
            #expect(logged.map { $0.metadata["status"] } == ["409", "404"])
        }

        @Test(arguments: ["%0Aforged", "a%1B%5B31m", "%2F%CC%81", "%2E%2E", "a%E2%80%A8b"])
        func anIDThatNoStreamCanHaveIsInNoLineOfTheLogAndNoHookIsAsked(encoded: String) async throws {
            let recorder = LogRecorder()
            let authorize: WHEPAuthorizer = { _ in
                Issue.record("the hook was asked")
                return .allowed
            }
            let handler = WHEPHandler(engine: try Engines.make(), logger: recorder.logger, authorize: authorize)
            #expect(await handler.handle(Self.request(.post, "/whep/\(encoded)", BrowserOffer.chromium)).head.status == .notFound)
            #expect(recorder.lines.isEmpty)
        }

        @Test func aBaseWithABlankIsEncodedInLocations() async throws {
            let engine = try await Engines.playing("my show")
            let handler = WHEPHandler(engine: engine, basePath: "/my base/whep", logger: Engines.silent)
            let created = await handler.handle(Self.request(.post, "/my%20base/whep/my%20show", BrowserOffer.chromium))
            let location = try #require(created.head.headerFields[.location])
            #expect(location.hasPrefix("/my%20base/whep/my%20show/"))
            #expect(await handler.handle(Self.request(.delete, location)).head.status == .ok)
        }

        @Test func theHostsTeardownHookIsCalledBesideTheHandlersOwnWork() async throws {
            for isBefore in [true, false] {
                let engine = try await Engines.playing()
                let calls = Mutex<[String]>([])
                let hook: @Sendable (String) -> Void = { id in calls.withLock { $0.append(id) } }
                if isBefore { engine.setTeardownHook(hook) }
                let handler = Self.handler(engine)
                if !isBefore { engine.setTeardownHook(hook) }
                let created = await handler.handle(Self.request(.post, "/whep/show", BrowserOffer.chromium))
                engine.onProcessStop(id: "show")
                #expect(calls.withLock { $0 } == ["show"])
                let ended = await handler.handle(Self.request(.get, created.head.headerFields[.location] ?? ""))
                #expect(ended.head.status == .notFound && Self.text(ended).contains("stream_stopped"))
            }
        }

        /// Of a browser that can play nothing of a stream in H.264 and Opus.
        static let withoutACodec = BrowserOffer.firefoxWithoutH264.replacing("opus/48000/2", with: "multiopus/48000/2")

        /// What is asked, and what comes of it.
        static let table: [(name: String, request: WHEPRequest, status: Int)] = [
            ("no content type", request(.post, "/whep/show", BrowserOffer.chromium, type: nil), 415),
            ("another content type", request(.post, "/whep/show", BrowserOffer.chromium, type: "application/json"), 415),
            ("a longer content type", request(.post, "/whep/show", BrowserOffer.chromium, type: "application/sdpx"), 415),
            ("a parameter", request(.post, "/whep/show", BrowserOffer.chromium, type: "Application/SDP ; charset=utf-8"), 201),
            ("a long offer", request(.post, "/whep/show", String(repeating: "a", count: 65_537)), 413),
            ("no offer", request(.post, "/whep/show"), 400),
            ("no SDP", request(.post, "/whep/show", "{}"), 400),
            ("no media", request(.post, "/whep/show", "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"), 400),
            ("no H.264, but Opus", request(.post, "/whep/show", BrowserOffer.firefoxWithoutH264), 201),
            ("neither H.264 nor Opus", request(.post, "/whep/show", withoutACodec), 422),
            ("unknown stream", request(.post, "/whep/other", BrowserOffer.chromium), 404),
            ("unknown stream and no offer", request(.post, "/whep/other"), 404),
            ("outside", request(.post, "/whip/show", BrowserOffer.chromium), 404),
            ("the base alone", request(.post, "/whep", BrowserOffer.chromium), 404),
            ("offer to a session", request(.post, "/whep/show/0123", BrowserOffer.chromium), 405),
            ("unknown session", request(.delete, "/whep/show/0123"), 404),
            ("delete on the endpoint", request(.delete, "/whep/show"), 405),
            ("put", request(.put, "/whep/show"), 405),
            ("get", request(.get, "/whep/show"), 204),
            ("head", request(.head, "/whep/show"), 200),
            ("get unknown", request(.get, "/whep/other"), 404),
            ("head unknown", request(.head, "/whep/other"), 404),
            ("options", request(.options, "/whep/show"), 200),
            ("preflight", request(.options, "/whep/show", type: nil, [.accessControlRequestMethod: "POST"]), 200),
            ("preflight of a session", request(.options, "/whep/show/1", type: nil, [.accessControlRequestMethod: "PATCH"]), 200),
            ("patch of the endpoint", request(.patch, "/whep/show", type: "application/trickle-ice-sdpfrag"), 405),
            ("patch of an unknown session", request(.patch, "/whep/show/1", type: "application/trickle-ice-sdpfrag"), 404),
            ("listener of an unknown session", request(.post, "/whep/show/1/events", "[\"active\"]", type: "application/json"), 404),
            ("events without a listener", request(.get, "/whep/show/1/events"), 405),
            ("events of an unknown session", request(.get, "/whep/show/1/events/2"), 404),
            ("below a session", request(.get, "/whep/show/1/other"), 404),
        ]

        @Test func everyRequestHasItsStatus() async throws {
            let engine = try await Engines.playing()
            let handler = Self.handler(engine)
            for row in Self.table {
                let response = await handler.handle(row.request)
                #expect(response.head.status.code == row.status, "\(row.name)")
                #expect(response.head.headerFields[.accessControlAllowOrigin] == "*", "\(row.name)")
                if row.status == 405 { #expect(response.head.headerFields[.allow] != nil, "\(row.name)") }
                if row.status == 415 { #expect(response.head.headerFields[.init("Accept-Post")!] == "application/sdp") }
                if row.request.head.method == .head {
                    #expect(response.body.isEmpty, "\(row.name)")
                } else if row.status >= 400 {
                    #expect(response.head.headerFields[.contentType] == "application/problem+json", "\(row.name)")
                    #expect(Self.text(response).contains("\"status\":\(row.status)"), "\(row.name)")
                }
            }
            #expect(engine.statistics().viewersCreated == Self.table.count { $0.status == 201 }, "a refusal allocated something")
        }

        @Test func headAndOptionsTellWhatIsSpoken() async throws {
            let engine = try await Engines.playing { $0.iceServers = [ICEServer(urls: ["stun:s.example"])] }
            let handler = Self.handler(engine)
            #expect(await handler.handle(Self.request(.head, "/whep/show")).head.headerFields[.contentType] == "application/sdp")
            let options = await handler.handle(Self.request(.options, "/whep/show")).head.headerFields
            #expect(options[.init("Accept-Post")!] == "application/sdp")
            #expect(options[.init("Link")!] != nil)
            let preflight = await handler.handle(Self.request(.options, "/whep/show", type: nil, [.accessControlRequestMethod: "POST"]))
            #expect(preflight.head.headerFields[.accessControlAllowMethods] == "GET, HEAD, POST, OPTIONS")
            #expect(preflight.head.headerFields[.accessControlAllowHeaders]?.contains("Authorization") == true)
            #expect(preflight.head.headerFields[.init("Link")!] == nil)
        }

        @Test func viewersAreSentToWhereTheHostSays() async throws {
            let engine = try await Engines.playing()
            let handler = WHEPHandler(engine: engine, logger: Engines.silent) { $0 == "show" ? "https://b.example/whep/show" : nil }
            let response = await handler.handle(Self.request(.post, "/whep/show", BrowserOffer.chromium))
            #expect(response.head.status == .temporaryRedirect)
            #expect(response.head.headerFields[.location] == "https://b.example/whep/show")
            #expect(response.head.headerFields[.accessControlAllowOrigin] == "*")
            #expect(await handler.handle(Self.request(.post, "/whep/other", BrowserOffer.chromium)).head.status == .notFound)
            #expect(await handler.handle(Self.request(.get, "/whep/show")).head.status == .noContent)
            #expect(engine.statistics().viewersCreated == 0)
        }

        @Test func aStreamWithoutAPictureIsToComeBackFor() async throws {
            let engine = try Engines.make()
            _ = try engine.onProcessStart(id: "show", config: Engines.enabled)
            let start = ContinuousClock.now
            let response = await Self.handler(engine).handle(Self.request(.post, "/whep/show", BrowserOffer.chromium))
            #expect(ContinuousClock.now - start >= .seconds(2))
            #expect(response.head.status == .conflict)
            #expect(response.head.headerFields[.retryAfter] == "2")
            #expect(engine.statistics().viewersCreated == 0)
        }

        @Test func anOfferIsAnsweredAsSoonAsTheFirstPictureComes() async throws {
            let engine = try Engines.make()
            _ = try engine.onProcessStart(id: "show", config: Engines.enabled)
            let handler = Self.handler(engine)
            async let response = handler.handle(Self.request(.post, "/whep/show", BrowserOffer.chromium))
            try await Task.sleep(for: .milliseconds(50))
            try await Engines.play(engine, "show")
            #expect(await response.head.status == .created)
        }

        @Test func aViewerWhoseEncodingHasNotBegunIsToldToComeAgain() async throws {
            let engine = try await Engines.playing()
            let stream = try #require(engine.registry.stream(named: "show"))
            let encodings = [Encoding(rid: "h264"), Encoding(rid: "vp8", codec: .vp8)]
            let config = try WebRTCConfig(isEnabled: true, encodings: encodings).normalized()
            #expect(engine.registry.change(stream, to: config, stream.outputs))
            let handler = Self.handler(engine)
            let response = await handler.handle(Self.request(.post, "/whep/show", BrowserOffer.firefoxWithoutH264))
            #expect(response.head.status == .conflict && response.head.headerFields[.retryAfter] == "2")
            #expect(Self.text(response).contains(#"process \"show\" has not sent a picture of its encoding \"vp8\" yet: try again"#))
            let other = await handler.handle(Self.request(.post, "/whep/show", BrowserOffer.chromium))
            #expect(other.head.status == .created)
            #expect(engine.viewers(of: "show").map(\.rid) == ["h264"])
        }

        @Test func soundAloneWaitsForNoPicture() async throws {
            let engine = try Engines.make()
            _ = try engine.onProcessStart(id: "show", config: ProcessConfig(webrtc: WebRTCConfig(isEnabled: true, videoMap: "none")))
            let response = await Self.handler(engine).handle(Self.request(.post, "/whep/show", BrowserOffer.firefoxWithoutH264))
            #expect(response.head.status == .created)
            #expect(Self.text(response).contains("\r\na=inactive\r\n"))
        }

        @Test(arguments: [true, false]) func limitsAreToldWithATimeToComeBack(isPerStream: Bool) async throws {
            let engine = try await Engines.playing { if isPerStream { $0.viewersPerStreamMax = 1 } else { $0.viewersMax = 1 } }
            let handler = Self.handler(engine)
            #expect(await handler.handle(Self.request(.post, "/whep/show", BrowserOffer.chromium)).head.status == .created)
            let response = await handler.handle(Self.request(.post, "/whep/show", BrowserOffer.chromium))
            #expect(response.head.status == .serviceUnavailable)
            #expect(response.head.headerFields[.retryAfter] == "10")
        }

        @Test func aRefusedCodecNamesBothSides() async throws {
            let engine = try await Engines.playing()
            let response = await Self.handler(engine).handle(Self.request(.post, "/whep/show", Self.withoutACodec))
            let detail =
                "no codec in common: the stream has H.264 Constrained Baseline (42c01f), Opus; "
                + "the offer has VP8 (max-fs 12288), VP9 profile 0 (max-fs 12288), AV1 profile 0, multiopus, G722, PCMU, PCMA"
            #expect(
                Self.text(response) == """
                    {"detail":"\(detail)","status":422,"title":"Unprocessable Content","type":"about:blank"}
                    """)
        }

        @Test func theStopHookEndsTheSessions() async throws {
            let engine = try await Engines.playing()
            let handler = Self.handler(engine)
            let created = await handler.handle(Self.request(.post, "/whep/show", BrowserOffer.chromium))
            let location = try #require(created.head.headerFields[.location])
            engine.onProcessStop(id: "show")
            #expect(engine.statistics().viewers == 0)
            #expect(await handler.handle(Self.request(.delete, location)).head.status == .notFound)
        }

        @Test func whoAsksForASessionThatHasEndedIsToldWhyForAMinute() async throws {
            let engine = try await Engines.playing()
            let clock = ManualClock()
            let handler = WHEPHandler(engine: engine, logger: Engines.silent, now: { clock.now })
            func post() async throws -> String {
                let response = await handler.handle(Self.request(.post, "/whep/show", BrowserOffer.chromium))
                return try #require(response.head.headerFields[.location])
            }
            func problem(_ method: HTTPRequest.Method, _ location: String) async -> String {
                let response = await handler.handle(Self.request(method, location, type: SDPFragment.mediaType))
                #expect(response.head.status == .notFound, "\(method) \(location)")
                return Self.text(response)
            }
            let never = """
                {"detail":"there is no such session, or not any more","status":404,"title":"Not Found","type":"about:blank"}
                """
            let (asked, stopped) = (try await post(), try await post())
            #expect(await handler.handle(Self.request(.delete, asked)).head.status == .ok)
            engine.onProcessStop(id: "show")
            for method in [HTTPRequest.Method.get, .patch, .delete] {
                #expect(
                    await problem(method, asked) == """
                        {"detail":"the viewer was closed: it or this side asked for it","reason":"requested","status":404,\
                        "title":"Not Found","type":"about:blank"}
                        """)
                #expect(await problem(method, stopped).contains(#"the viewer was closed: the stream stopped","reason":"stream_stopped""#))
                #expect(await problem(method, asked.replacing("/show/", with: "/other/")) == never)
                #expect(await problem(method, asked + "0") == never)
            }
            #expect(await problem(.head, asked).isEmpty)
            // They ended by the real clock, which has gone on a little.
            clock.advance(by: EndedSessions.lifetime - .seconds(10))
            #expect(await problem(.get, asked) != never)
            clock.advance(by: .seconds(20))
            for method in [HTTPRequest.Method.get, .patch, .delete] { #expect(await problem(method, asked) == never) }
        }

        @Test func theHandlerDoesNotKeepTheEngineAlive() async throws {
            let before = descriptorCount()
            var engine: EgressEngine? = try Engines.make()
            var handler: WHEPHandler? = engine.map(Self.handler)
            _ = handler
            (engine, handler) = (nil, nil)
            #expect(await eventually { descriptorCount() <= before })
        }

        @Test func anotherBaseIsFollowed() async throws {
            let engine = try await Engines.playing()
            let handler = WHEPHandler(engine: engine, basePath: "live/whep/", logger: Engines.silent)
            let response = await handler.handle(Self.request(.post, "/live/whep/show", BrowserOffer.chromium))
            #expect(response.head.headerFields[.location]?.hasPrefix("/live/whep/show/") == true)
        }
    }
}
