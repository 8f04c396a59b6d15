import Logging
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

        @Test func aViewersStatusNamesItsEncoding() async throws {
            let engine = try await Engines.playing()
            _ = try await engine.addViewer(to: "show", offer: Self.offer)
            _ = try await engine.addViewer(to: "show", offer: Array(BrowserOffer.firefoxWithoutH264.utf8))
            let viewers = engine.viewers(of: "show")
            #expect(viewers.map(\.rid) == ["video", nil] && viewers.map(\.codec) == [.h264, nil])
            #expect(try JSON.encode(viewers[0]).contains(#""codec":"h264""#) && JSON.encode(viewers[0]).contains(#""rid":"video""#))
            #expect(try !JSON.encode(viewers[1]).contains("rid"))
        }

        /// A stream of sound alone, for a player that offers video first.
        static func soundAlone(logger: Logger = Engines.silent) async throws -> (engine: EgressEngine, answer: ViewerAnswer) {
            let engine = try Engines.make(logger: logger)
            _ = try engine.onProcessStart(id: "show", config: ProcessConfig(webrtc: WebRTCConfig(isEnabled: true, videoMap: "none")))
            return (engine, try await engine.addViewer(to: "show", offer: offer))
        }

        @Test func aSectionWithoutMediaIsToldInTheLogAtDebugLevel() async throws {
            let recorder = LogRecorder()
            _ = try await Self.soundAlone(logger: recorder.logger)
            let line = try #require(recorder.lines.first { $0.message.hasPrefix("Section ") })
            #expect(line.message == "Section 1 of the offer (video) is inactive in the answer: the stream has no video")
            #expect(line.level == .debug && line.metadata == ["id": "show"])
        }

        @Test func anICERestartSpeaksOfTheSectionThatCarriesTheBundle() async throws {
            let (engine, answer) = try await Self.soundAlone()
            let credentials = ICECredentials(ufrag: "ysXw", pwd: "vw5LmwG4y/e6dPP/zAP9Gp5k")
            let restart = try engine.restartICE(of: answer.session, "show", replacing: answer.entityTag, with: credentials)
            #expect(restart.fragment.hasPrefix("a=ice-lite\r\na=group:BUNDLE 0 1\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:0\r\n"))
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
