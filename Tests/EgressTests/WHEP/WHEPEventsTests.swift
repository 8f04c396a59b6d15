import HTTPTypes
import Testing

@testable import Egress

extension WithEngine {
    @Suite(.serialized) struct WHEPEventsTests {
        static func listen(_ session: WHEPPatchTests.Session, _ names: String, type: String? = "application/json") async -> WHEPResponse {
            await session.handler.handle(WHEPHandlerTests.request(.post, session.location + "/events", names, type: type))
        }

        static func events(_ session: WHEPPatchTests.Session, _ names: String) async throws -> AsyncStream<[UInt8]> {
            let created = await listen(session, names)
            let response = await session.handler.handle(
                WHEPHandlerTests.request(.get, try #require(created.head.headerFields[.location]), type: nil))
            #expect(response.head.status == .ok)
            #expect(response.head.headerFields[.contentType] == "text/event-stream")
            #expect(response.head.headerFields[.accessControlAllowOrigin] == "*")
            return try #require(response.events)
        }

        static func all(_ events: AsyncStream<[UInt8]>) async -> String {
            await events.reduce(into: "") { $0 += String(decoding: $1, as: UTF8.self) }
        }

        @Test func aListenerIsToldHowThingsStandAndWhatChanges() async throws {
            let session = try await WHEPPatchTests.Session()
            let events = try await Self.events(session, #"["active", "inactive", "viewercount", "reconnect"]"#)
            session.handler.reconnect(url: "https://b.example/\"quoted\"")
            session.handler.reconnect(session: "other")
            session.handler.reconnect()
            session.engine.onProcessStop(id: "show")
            #expect(
                await Self.all(events) == """
                    event: active\ndata: {}\n\nevent: viewercount\ndata: {"viewercount":0}\n\n\
                    event: reconnect\ndata: {"url":"https://b.example/\\"quoted\\""}\n\nevent: reconnect\ndata: {}\n\n
                    """)
        }

        @Test func onlyWhatWasAskedForIsTold() async throws {
            let session = try await WHEPPatchTests.Session()
            let events = try await Self.events(session, #"["inactive"]"#)
            session.handler.reconnect()
            _ = await session.handler.handle(WHEPHandlerTests.request(.delete, session.location))
            #expect(await Self.all(events) == "")
        }

        @Test func aSilentSourceIsToldAsInactive() async throws {
            let session = try await WHEPPatchTests.Session()
            var events = try await Self.events(session, #"["inactive"]"#).makeAsyncIterator()
            let event = await events.next()
            #expect(event.map { String(decoding: $0, as: UTF8.self) } == "event: inactive\ndata: {}\n\n")
        }

        @Test func aNewListenerTakesTheOldOnesPlace() async throws {
            let session = try await WHEPPatchTests.Session()
            let first = try #require(await Self.listen(session, #"["reconnect"]"#).head.headerFields[.location])
            func get(_ location: String) async -> WHEPResponse {
                await session.handler.handle(WHEPHandlerTests.request(.get, location, type: nil))
            }
            let events = try #require(await get(first).events)
            let again = try #require(await get(first).events)
            #expect(await Self.all(events) == "", "a second connection ends the first")
            let second = try await Self.events(session, #"["reconnect"]"#)
            #expect(await Self.all(again) == "")
            #expect(await get(first).head.status == .notFound)
            session.engine.shutdown()
            #expect(await Self.all(second) == "")
        }

        @Test func aListenerCanBeTakenOff() async throws {
            let session = try await WHEPPatchTests.Session()
            let location = try #require(await Self.listen(session, #"["active"]"#).head.headerFields[.location])
            #expect(location.hasPrefix(session.location + "/events/") && location.utf8.count == session.location.utf8.count + 8 + 32)
            let head = await session.handler.handle(WHEPHandlerTests.request(.head, location, type: nil))
            #expect(head.head.status == .ok && head.events == nil)
            #expect(await session.handler.handle(WHEPHandlerTests.request(.delete, location, type: nil)).head.status == .ok)
            #expect(await session.handler.handle(WHEPHandlerTests.request(.get, location, type: nil)).head.status == .notFound)
            #expect(await session.isThere)
        }

        /// Chromium's offer asks for both.
        @Test func whoLacksALegThatIsThereNowIsAskedToConnectAgain() async throws {
            let engine = try Engines.make()
            var silent = LegPlan.copy
            silent.missing = [.audio]
            #expect(try engine.onProcessStart(id: "show", config: Engines.enabled, plan: silent).count == 1)
            try await Engines.play(engine, "show")
            let deprived = try await WHEPPatchTests.Session(engine)
            #expect(deprived.answer.contains("\r\na=inactive\r\n"))
            let events = try await Self.events(deprived, #"["reconnect"]"#)

            let before = try #require(engine.stream(named: "show"))
            let outputs = try engine.changeLegs(of: "show", plan: .copy)
            let after = try #require(engine.stream(named: "show"))
            #expect(outputs.map(\.address) == [before.videoPort, before.audioPort].map { "udp://127.0.0.1:\($0)?pkt_size=1160" })
            #expect(!before.hasAudio && after.hasAudio && after.videoPort == before.videoPort && after.outputs == outputs)
            let late = try await Self.events(deprived, #"["reconnect"]"#)
            let complete = try await WHEPPatchTests.Session(engine)
            #expect(!complete.answer.contains("a=inactive"))
            let others = try await Self.events(complete, #"["reconnect"]"#)

            // A leg that is gone and comes back is nothing new to who has it.
            #expect(try engine.changeLegs(of: "show", plan: silent).count == 1)
            #expect(await deprived.isThere)
            _ = try engine.changeLegs(of: "show", plan: .copy)
            engine.onProcessStop(id: "show")
            let event = "event: reconnect\ndata: {}\n\n"
            #expect(await Self.all(events) == event)
            #expect(await Self.all(late) == event + event)
            #expect(await Self.all(others) == "")
        }

        @Test func whoDoesNotReadMissesTheOldestOnly() async throws {
            let session = try await WHEPPatchTests.Session()
            let events = try await Self.events(session, #"["reconnect"]"#)
            for number in 0..<100 { session.handler.reconnect(url: "\(number)") }
            session.engine.closeViewer(session: String(session.location.split(separator: "/").last ?? ""))
            let text = await Self.all(events)
            #expect(text.split(separator: "\n\n").count == 16)
            #expect(text.hasSuffix("data: {\"url\":\"99\"}\n\n"))
        }

        @Test(
            arguments: [
                (#"["active", "layers"]"#, "application/json", 400), (#"["scte35"]"#, "application/json", 400),
                ("[]", "application/json", 400),
                ("{}", "application/json", 400), ("[1]", "application/json", 400), ("active", "application/json", 400),
                (#"["active"]"#, "text/plain", 415), (#"["active"]"#, nil, 415),
                ("[\"active\"," + String(repeating: " ", count: 5_000), "application/json", 413),
            ] as [(String, String?, Int)])
        func otherEventsAreRefused(names: String, type: String?, status: Int) async throws {
            let session = try await WHEPPatchTests.Session()
            #expect(await Self.listen(session, names, type: type).head.status.code == status)
        }
    }
}
