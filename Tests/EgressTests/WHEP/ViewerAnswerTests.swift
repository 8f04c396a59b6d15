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

        @Test func anOfferOfSimulcastIsNotedInTheLog() async throws {
            let recorder = LogRecorder()
            let engine = try await Engines.playing(logger: recorder.logger)
            var offer = Offer()
            offer.video? += ["a=rid:hi recv", "a=rid:lo recv", "a=simulcast:recv hi;lo"]
            let answer = try await engine.addViewer(to: "show", offer: Array(offer.text.utf8))
            #expect(!answer.sdp.contains("simulcast") && !answer.sdp.contains("a=rid"))
            #expect(recorder.lines.contains { $0.level == .debug && $0.message.contains("a=simulcast, which the answer leaves out") })
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

        /// Of encodings that are made together one is always the last to begin.
        @Test func aViewerWaitsAMomentForTheOtherRungs() async throws {
            let engine = try Engines.make()
            _ = try engine.onProcessStart(
                id: "show", config: ProcessConfig(webrtc: WebRTCConfig(isEnabled: true, encodings: Ladder.encodings)))
            let senders = try #require(engine.stream(named: "show")).encodings.map { RTPSender(port: $0.port) }
            senders[1].sendIDR(SPS.write(width: 640, height: 368))
            try #require(await eventually { engine.stream(named: "show")?.encodings[1].format != nil })
            // The first one is waited for as long as it takes, and the third a moment longer.
            async let answer = engine.addViewer(to: "show", offer: Self.offer, waitingUpTo: .seconds(10))
            try await Task.sleep(for: .milliseconds(50))
            senders[0].sendIDR(SPS.write(width: 1_280, height: 720))
            try #require(await eventually { engine.stream(named: "show")?.encodings[0].format != nil })
            senders[2].sendIDR(SPS.write(width: 320, height: 192))
            #expect(try await answer.rids == ["720p", "360p", "180p"])
            #expect(engine.viewers(of: "show").map(\.rid) == ["720p"])
        }

        @Test func aRungThatNeverBeginsHoldsUpOneJoinOnly() async throws {
            let engine = try Engines.make()
            _ = try engine.onProcessStart(
                id: "show", config: ProcessConfig(webrtc: WebRTCConfig(isEnabled: true, encodings: Ladder.encodings)))
            let status = try #require(engine.stream(named: "show"))
            for index in [0, 1] { RTPSender(port: status.encodings[index].port).sendIDR(SPS.write()) }
            try #require(await eventually { engine.stream(named: "show")?.encodings.count { $0.format != nil } == 2 })
            let stream = try #require(engine.registry.stream(named: "show"))
            #expect(!stream.ladderAwaited.isRaised)
            #expect(try await engine.addViewer(to: "show", offer: Self.offer).rids == ["720p", "360p"])
            #expect(stream.ladderAwaited.isRaised)
            RTPSender(port: status.encodings[2].port).sendIDR(SPS.write())
            try #require(await eventually { engine.stream(named: "show")?.encodings[2].format != nil })
            #expect(try await engine.addViewer(to: "show", offer: Self.offer).rids == ["720p", "360p", "180p"])
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
