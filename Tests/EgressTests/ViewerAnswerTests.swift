import Testing

@testable import Egress

extension WithEngine {
    @Suite(.serialized) struct ViewerAnswerTests {
        static let offer = Array(BrowserOffer.chromium.utf8)

        @Test func sessionsAreRandomAndCounted() async throws {
            let engine = try await Engines.playing()
            var answers: [ViewerAnswer] = []
            for _ in 0..<5 { answers.append(try await engine.addViewer(to: "show", offer: Self.offer)) }
            #expect(Set(answers.map(\.session)).count == 5)
            #expect(Set(answers.map(\.entityTag)).count == 5)
            #expect(answers.allSatisfy { $0.session.utf8.count == 32 && $0.session.allSatisfy(\.isHexDigit) })
            #expect(engine.stream(named: "show")?.viewers == 5)
            #expect(answers.allSatisfy { $0.sdp.contains("a=fingerprint:sha-256 \(engine.info.fingerprint)\r\n") })
            #expect(answers.allSatisfy { $0.sdp.contains(" 192.0.2.1 \(engine.info.udpPort) typ host\r\n") })
            for answer in answers { engine.closeViewer(session: answer.session) }
            engine.closeViewer(session: answers[0].session)
            engine.closeViewer(session: "unknown")
            #expect(await eventually { engine.stream(named: "show")?.viewers == 0 })
        }

        @Test func whatTheEngineRefusesOfAnOfferIsTheOffersFault() async throws {
            let engine = try await Engines.playing()
            var offer = Offer()
            offer.audio = offer.audio?.map { $0.split(separator: "111", omittingEmptySubsequences: false).joined(separator: "102") }
            let error = await #expect(throws: EgressError.self) { try await engine.addViewer(to: "show", offer: Array(offer.text.utf8)) }
            #expect(error?.code == .invalidOffer)
            #expect(engine.stream(named: "show")?.viewers == 0)
        }

        @Test func aClosedViewerMakesRoom() async throws {
            let engine = try await Engines.playing { $0.viewersPerStreamMax = 1 }
            let answer = try await engine.addViewer(to: "show", offer: Self.offer)
            await #expect(throws: EgressError.self) { try await engine.addViewer(to: "show", offer: Self.offer) }
            engine.closeViewer(session: answer.session)
            #expect(await eventually { (try? await engine.addViewer(to: "show", offer: Self.offer)) != nil })
        }

        @Test func stoppingTheStreamEndsItsViewersOnly() async throws {
            let engine = try await Engines.playing("a")
            _ = try engine.onProcessStart(id: "b", config: Engines.enabled)
            try await Engines.play(engine, "b")
            for id in ["a", "a", "b"] { _ = try await engine.addViewer(to: id, offer: Self.offer) }
            engine.onProcessStop(id: "a")
            #expect(engine.statistics().viewers == 1)
            #expect(engine.statistics().closed["stream_stopped"] == 2)
            #expect(engine.stream(named: "b")?.viewers == 1)
        }

        @Test func viewersAndStopsMayRace() async throws {
            let engine = try Engines.make()
            for _ in 0..<5 {
                _ = try engine.onProcessStart(id: "a", config: Engines.enabled)
                try await Engines.play(engine, "a")
                await withTaskGroup { group in
                    for _ in 0..<16 { group.addTask { _ = try? await engine.addViewer(to: "a", offer: Self.offer) } }
                    group.addTask { engine.onProcessStop(id: "a") }
                }
                #expect(engine.stream(named: "a") == nil)
                #expect(await eventually { engine.statistics().viewers == 0 })
            }
        }
    }
}
