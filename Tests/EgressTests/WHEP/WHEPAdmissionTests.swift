import HTTPTypes
import Logging
import Synchronization
import Testing

@testable import Egress

extension WithEngine {
    @Suite(.serialized) struct WHEPAdmissionTests {
        let clock = ManualClock()

        /// A stream that plays, and a handler of its engine's by the test's clock.
        private func handler(_ change: (inout EgressConfiguration) -> Void) async throws -> WHEPHandler {
            WHEPHandler(engine: try await Engines.playing("show", change), logger: Engines.silent, now: { [clock] in clock.now })
        }

        private func post(_ handler: WHEPHandler, from client: String? = "192.0.2.9", _ offer: String = BrowserOffer.chromium) async
            -> WHEPResponse
        {
            var request = WHEPHandlerTests.request(.post, "/whep/show", offer)
            request.remoteAddress = client
            return await handler.handle(request)
        }

        private func status(_ response: WHEPResponse) -> Int { response.head.status.code }

        @Test func anAddressThatAsksTooOftenGets429AndOthersGetIn() async throws {
            let handler = try await handler { $0.limits.joinsPerAddress = RateLimit(perSecond: 1, burst: 2) }
            for _ in 0..<2 { #expect(status(await post(handler)) == 201) }
            let refused = await post(handler)
            #expect(status(refused) == 429)
            #expect(refused.head.headerFields[.retryAfter] == "1")
            #expect(refused.head.headerFields[.accessControlAllowOrigin] == "*")
            #expect(refused.head.headerFields[.contentType] == "application/problem+json")
            #expect(WHEPHandlerTests.text(refused).contains("192.0.2.9 asks to join more often than 1 times a second (2 at once)"))
            #expect(status(await post(handler, from: "192.0.2.10")) == 201)
            clock.advance(by: .seconds(1))
            #expect(status(await post(handler)) == 201)
            #expect(handler.statistics().refused["joins_per_address"] == 1)
        }

        @Test func nonsenseCostsItsSenderToo() async throws {
            let handler = try await handler { $0.limits.joinsPerAddress = RateLimit(perSecond: 1, burst: 3) }
            #expect(status(await post(handler, "nonsense")) == 400)
            #expect(status(await handler.handle(WHEPHandlerTests.request(.post, "/whep/other", BrowserOffer.chromium))) == 404)
            #expect(status(await handler.handle(WHEPHandlerTests.request(.post, "/whep/show", "", type: nil))) == 415)
            #expect(status(await post(handler)) == 429)
            // What has not come to a stream has cost nobody else.
            #expect(status(await post(handler, from: "192.0.2.10")) == 201)
        }

        @Test func requestsForWhatIsNotThereCostTheOthersNothing() async throws {
            let handler = try await handler { $0.limits.joins = RateLimit(perSecond: 1, burst: 2) }
            for _ in 0..<10 {
                #expect(status(await handler.handle(WHEPHandlerTests.request(.post, "/whep/other", BrowserOffer.chromium))) == 404)
            }
            for _ in 0..<2 { #expect(status(await post(handler)) == 201) }
            let refused = await post(handler)
            #expect(status(refused) == 503)
            #expect((1...6).contains(Int(refused.head.headerFields[.retryAfter] ?? "") ?? 0))
        }

        @Test func preflightsAndReadingAreNotLimited() async throws {
            let handler = try await handler {
                $0.limits.joinsPerAddress = RateLimit(perSecond: 1, burst: 1)
                $0.limits.changesPerAddress = RateLimit(perSecond: 1, burst: 1)
            }
            for _ in 0..<20 {
                #expect(status(await handler.handle(WHEPHandlerTests.request(.options, "/whep/show"))) == 200)
                #expect(status(await handler.handle(WHEPHandlerTests.request(.head, "/whep/show"))) == 200)
            }
            #expect(status(await post(handler)) == 201)
        }

        @Test func changesAreLimitedAndNothingHappensToTheSession() async throws {
            let handler = try await handler { $0.limits.changesPerAddress = RateLimit(perSecond: 1, burst: 2) }
            let location = try #require(await post(handler).head.headerFields[.location])
            for _ in 0..<2 { #expect(status(await handler.handle(WHEPHandlerTests.request(.delete, location + "0"))) == 404) }
            #expect(status(await handler.handle(WHEPHandlerTests.request(.delete, location))) == 429)
            #expect(status(await handler.handle(WHEPHandlerTests.request(.patch, location, ""))) == 429)
            #expect(status(await handler.handle(WHEPHandlerTests.request(.post, location + "/events", "[]"))) == 429)
            #expect(status(await handler.handle(WHEPHandlerTests.request(.get, location))) == 204)
            clock.advance(by: .seconds(1))
            #expect(status(await handler.handle(WHEPHandlerTests.request(.delete, location))) == 200)
        }

        @Test(arguments: [true, false]) func viewersThatNeverConnectAreBoundedUntilTheyAreGone(isPerAddress: Bool) async throws {
            let handler = try await handler {
                if isPerAddress { $0.limits.connectingPerAddressMax = 2 } else { $0.limits.connectingMax = 2 }
            }
            var locations: [String] = []
            for _ in 0..<2 { locations.append(try #require(await post(handler).head.headerFields[.location])) }
            #expect(handler.statistics().viewersConnecting == 2)
            let refused = await post(handler)
            #expect(status(refused) == (isPerAddress ? 429 : 503))
            #expect(refused.head.headerFields[.retryAfter] != nil)
            #expect(status(await post(handler, from: "192.0.2.10")) == (isPerAddress ? 201 : 503))
            #expect(status(await handler.handle(WHEPHandlerTests.request(.delete, locations[0]))) == 200)
            #expect(await eventually { status(await post(handler)) == 201 })
            handler.engine.onProcessStop(id: "show")
            #expect(handler.statistics().viewersConnecting == 0)
            #expect(handler.statistics().refused[isPerAddress ? "connecting_per_address" : "connecting"] ?? 0 >= 1)
        }

        @Test(arguments: [true, false]) func fullStreamsAndFullServersAreCountedByName(isPerStream: Bool) async throws {
            let handler = try await handler { if isPerStream { $0.viewersPerStreamMax = 1 } else { $0.viewersMax = 1 } }
            #expect(status(await post(handler)) == 201)
            #expect(status(await post(handler)) == 503)
            let refused = handler.statistics().refused
            #expect(refused[isPerStream ? "viewers_per_stream" : "viewers"] == 1)
            #expect(refused.values.reduce(0, +) == 1)
            #expect(Set(refused.keys) == Set(BittenLimit.allCases.map(\.rawValue)), "a metric before its first event")
            #expect(handler.statistics().viewersConnecting == 1)
        }

        @Test func offersBeyondTheConfiguredLimitsAreRefusedAndCounted() async throws {
            let handler = try await handler {
                $0.limits.offerSizeMax = 20_000
                $0.limits.offerSectionsMax = 2
                $0.limits.offerLinesMax = 512
                $0.limits.offerCandidatesMax = 32
            }
            let offer = Offer().text
            let section = "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"
            #expect(status(await post(handler, offer + String(repeating: "a=x\r\n", count: 4_000))) == 413)
            #expect(status(await post(handler, offer + String(repeating: "a=x\r\n", count: 512))) == 400)
            #expect(status(await post(handler, offer + section)) == 400)
            #expect(status(await post(handler, offer + String(repeating: "a=candidate:1\r\n", count: 33))) == 400)
            #expect(handler.statistics().refused["sdp"] == 4)
            #expect(status(await post(handler, offer)) == 201)
            #expect(handler.statistics().refused["sdp"] == 4)
        }

        @Test func aServerThatSendsAsMuchAsItMayTakesNobodyElse() async throws {
            let handler = try await handler { $0.limits.bitRate = 1 }
            handler.admission.withLock { $0.measure(bytes: 0, now: clock.now) }
            #expect(status(await post(handler)) == 201, "a stream without media yet, and nothing sent")
            clock.advance(by: .seconds(1))
            handler.admission.withLock { $0.measure(bytes: 1_000_000, now: clock.now) }
            let refused = await post(handler)
            #expect(status(refused) == 503)
            #expect(WHEPHandlerTests.text(refused).contains("sends as much as its limit allows"))
            #expect(handler.statistics().refused["bit_rate"] == 1)
        }

        @Test func aFloodIsOneLineInTheLog() async throws {
            let log = LogRecorder()
            let engine = try await Engines.playing { $0.limits.joinsPerAddress = RateLimit(perSecond: 1, burst: 1) }
            let handler = WHEPHandler(engine: engine, logger: log.logger, now: { [clock] in clock.now })
            for _ in 0..<50 { _ = await post(handler) }
            let warnings = log.lines.filter { $0.level >= .warning }
            #expect(warnings.count == 1)
            #expect(warnings.first?.metadata["limit"] == "joins_per_address")
        }

        // MARK: Listing and sending away

        @Test func viewersAreListedWithoutTheSecretOfTheirSession() async throws {
            let handler = try await handler { _ in }
            var sessions: [String] = []
            for number in 1...5 {
                let location = try #require(await post(handler, from: "192.0.2.\(number)").head.headerFields[.location])
                sessions.append(String(location.split(separator: "/").last ?? ""))
            }
            let engine = handler.engine
            let all = engine.viewers(of: "show")
            #expect(Set(all.compactMap(\.client)) == Set((1...5).map { "192.0.2.\($0)" }))
            #expect(all.allSatisfy { $0.state == .new && $0.remoteAddress == nil && $0.roundTripMilliseconds == nil })
            #expect(all.map(\.id) == all.map(\.id).sorted())
            #expect(all.allSatisfy { abs($0.since - WallClock.microseconds()) < 60_000_000 })
            let json = try JSON.encode(all)
            #expect(!sessions.contains { json.contains($0) })
            let page = engine.viewers(of: "show", after: all[1].id, max: 2)
            #expect(page.map(\.id) == all[2...3].map(\.id))
            #expect(engine.viewers(of: "show", after: all[4].id).isEmpty)
            #expect(engine.viewers(of: "other").isEmpty)
        }

        @Test func whoIsSentAwayIsGoneAndSentAwayOnce() async throws {
            let handler = try await handler { _ in }
            let location = try #require(await post(handler).head.headerFields[.location])
            let viewer = try #require(handler.engine.viewers(of: "show").first)
            #expect(!handler.kick(viewer.id, of: "other"))
            #expect(!handler.kick("0" + viewer.id, of: "show"))
            #expect(!handler.kick("", of: "show"))
            #expect(handler.kick(viewer.id, of: "show"))
            #expect(!handler.kick(viewer.id, of: "show"))
            #expect(handler.engine.viewers(of: "show").isEmpty)
            #expect(status(await handler.handle(WHEPHandlerTests.request(.get, location))) == 404)
            #expect(status(await post(handler)) == 201)
        }

        @Test func whoIsBannedStaysAwayForThatTime() async throws {
            let handler = try await handler { _ in }
            #expect(status(await post(handler)) == 201)
            let viewer = try #require(handler.engine.viewers(of: "show").first)
            #expect(handler.kick(viewer.id, of: "show", banningFor: .seconds(90)))
            let refused = await post(handler)
            #expect(status(refused) == 403)
            #expect(refused.head.headerFields[.retryAfter] == "90")
            #expect(status(await post(handler, from: "192.0.2.10")) == 201)
            clock.advance(by: .seconds(90))
            #expect(status(await post(handler)) == 201)
        }

        // MARK: Draining

        @Test func whileDrainingNobodyNewIsLetInAndWhoIsThereStays() async throws {
            let handler = try await handler { _ in }
            let location = try #require(await post(handler).head.headerFields[.location])
            handler.beginDraining()
            #expect(handler.isDraining && handler.statistics().isDraining)
            let refused = await post(handler)
            #expect(status(refused) == 503)
            #expect(refused.head.headerFields[.retryAfter] == "2")
            #expect(WHEPHandlerTests.text(refused).contains("is about to stop"))
            #expect(status(await handler.handle(WHEPHandlerTests.request(.get, location))) == 204)
            handler.endDraining()
            #expect(status(await post(handler)) == 201)
        }

        @Test func whoListensIsSentToTheStreamOfTheOtherServer() async throws {
            let session = try await WHEPPatchTests.Session()
            let events = try await WHEPEventsTests.events(session, #"["reconnect"]"#)
            session.handler.beginDraining(to: "https://b.example/whep/")
            session.handler.beginDraining()
            // One who comes later is told too.
            let again = try await WHEPEventsTests.events(session, #"["reconnect", "viewercount"]"#)
            session.handler.endDraining()
            let last = try await WHEPEventsTests.events(session, #"["reconnect"]"#)
            session.engine.closeViewers()
            #expect(
                await WHEPEventsTests.all(events)
                    == "event: reconnect\ndata: {\"url\":\"https://b.example/whep/show\"}\n\nevent: reconnect\ndata: {}\n\n")
            #expect(
                await WHEPEventsTests.all(again)
                    == "event: viewercount\ndata: {\"viewercount\":0}\n\nevent: reconnect\ndata: {}\n\n")
            #expect(await WHEPEventsTests.all(last) == "")
            #expect(await eventually { session.engine.statistics().viewers == 0 })
        }

        @Test func anAnswerThatDrainingOvertakesIsTakenBack() async throws {
            let engine = try Engines.make()
            _ = try engine.onProcessStart(id: "show", config: Engines.enabled)
            let handler = WHEPHandlerTests.handler(engine)
            async let response = handler.handle(WHEPHandlerTests.request(.post, "/whep/show", BrowserOffer.chromium))
            // It waits for a picture; whether it has begun to when draining begins makes no difference.
            handler.beginDraining()
            try await Engines.play(engine, "show")
            #expect(await response.head.status == .serviceUnavailable)
            #expect(await eventually { engine.statistics().viewers == 0 })
        }
    }
}
