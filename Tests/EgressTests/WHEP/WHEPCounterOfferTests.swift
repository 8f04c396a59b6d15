import HTTPTypes
import Testing

@testable import Egress

extension WithEngine {
    @Suite(.serialized) struct WHEPCounterOfferTests {
        /// Offers that can't be answered, and what comes of them.
        static let offers: [(name: String, status: Int, change: @Sendable (inout Offer) -> Void)] = [
            (
                "sections that send", 406,
                {
                    $0.video.replace("a=recvonly", with: "a=sendonly")
                    $0.audio.replace("a=recvonly", with: "a=sendonly")
                }
            ),
            (
                "sections that are off", 406,
                {
                    $0.video.replace("a=recvonly", with: "a=inactive")
                    $0.audio = nil
                }
            ),
            (
                "no multiplexing", 406,
                {
                    $0.video.replace("a=rtcp-mux")
                    $0.audio.replace("a=rtcp-mux")
                }
            ),
            (
                "another transport", 406,
                {
                    $0.video?[0] = "m=video 9 RTP/AVP 102"
                    $0.transport.remove(at: 2)
                    $0.audio = nil
                }
            ),
            ("no bundle", 406, { $0.session.removeLast() }),
            ("DTLS the other way round", 406, { $0.transport[3] = "a=setup:passive" }),
            (
                "sound in another codec, and no video", 406,
                {
                    $0.video = nil
                    $0.audio.replace("a=rtpmap:111 opus/48000/2", with: "a=rtpmap:111 PCMU/8000")
                }
            ),
            (
                "another mode", 422,
                {
                    $0.offerH264(["42e01f"], mode: 2)
                    $0.audio = nil
                }
            ),
            (
                "another codec", 422,
                {
                    $0.offerVideo("VP8")
                    $0.audio = nil
                }
            ),
            (
                "other codecs", 422,
                {
                    $0.offerVideo("VP8")
                    $0.offerAudio("0 8")
                }
            ),
            (
                "another codec, and sound that sends", 406,
                {
                    $0.offerVideo("VP8")
                    $0.audio.replace("a=recvonly", with: "a=sendonly")
                }
            ),
            (
                "another codec, that sends", 422,
                {
                    $0.video.replace("a=rtpmap:102 H264/90000", with: "a=rtpmap:102 VP8/90000")
                    $0.video.replace("a=recvonly", with: "a=sendonly")
                    $0.audio = nil
                }
            ),
            ("malformed", 400, { $0.transport.remove(at: 0) }),
        ]

        @Test func aCounterOfferIsMadeWhereItMayBeTaken() async throws {
            let engine = try await Engines.playing()
            let handler = WHEPHandlerTests.handler(engine)
            for row in Self.offers {
                var offer = Offer()
                row.change(&offer)
                let response = await handler.handle(WHEPHandlerTests.request(.post, "/whep/show", offer.text))
                #expect(response.head.status.code == row.status, "\(row.name)")
                #expect((response.head.headerFields[.location] != nil) == (row.status == 406), "\(row.name)")
            }
            #expect(engine.statistics().viewersCreated == 0, "a counter-offer made a viewer")
        }

        @Test func theLogNamesBothSidesWhenThePlayerGetsAnOfferInstead() async throws {
            let recorder = LogRecorder()
            let handler = WHEPHandler(engine: try await Engines.playing(), logger: recorder.logger)
            var offer = Offer()
            offer.offerVideo("VP8", "max-fs=3600")
            offer.audio.replace("a=recvonly", with: "a=sendonly")
            #expect(await handler.handle(WHEPHandlerTests.request(.post, "/whep/show", offer.text)).head.status == .notAcceptable)
            #expect(
                recorder.lines.map(\.message).contains(
                    "Viewer gets a counter-offer: no codec in common: the stream has H.264 Constrained Baseline (42c01f), Opus; "
                        + "the offer has VP8 (max-fs 3600), a section that is sendonly"))
        }

        /// A stream with H.264 first, and a player that takes one format of the counter-offer, or none.
        static func taken(_ change: (inout Offer) -> Void) async throws -> ViewerAnswer {
            let engine = try Engines.make()
            let encodings = [Encoding(rid: "h264"), Encoding(rid: "vp8", codec: .vp8)]
            _ = try engine.onProcessStart(id: "show", config: ProcessConfig(webrtc: WebRTCConfig(isEnabled: true, encodings: encodings)))
            let stream = try #require(engine.registry.stream(named: "show"))
            let counter = CounterOffer(stream, .init([.h264, .of(.vp8)]))
            #expect(engine.registry.keep(counter))
            var answer = answer
            change(&answer)
            return try engine.takeAnswer(Array(answer.text.utf8), to: counter, for: .init())
        }

        @Test func aPlayerThatAnswersInVP8AloneGetsTheEncodingInVP8() async throws {
            let lines = try await Self.taken { $0.offerVideo("VP8") }.sdp.split(separator: "\r\n")
            #expect(lines.contains("a=rtpmap:96 VP8/90000") && lines.contains { $0.hasPrefix("m=video ") && $0.hasSuffix(" 96 97") })
            let both = try await Self.taken { $0.offerVideo([("VP8", ""), ("H264", "packetization-mode=1;profile-level-id=42e01f")]) }
            #expect(both.sdp.contains("H264/90000") && !both.sdp.contains("VP8/90000"), "the order is the operator's")
        }

        /// What is decided about the offer and about the answer, and where the viewer begins.
        static let bounds: [(offer: WHEPDecision, answer: WHEPDecision, rid: String)] = [
            (.allowed, .allowed, "720p"), (.allowedUpTo(bitRate: 700_000), .allowed, "360p"),
            (.allowed, .allowedUpTo(bitRate: 700_000), "360p"),
            (.allowedUpTo(bitRate: 700_000), .allowedUpTo(bitRate: 300_000), "180p"),
            (.allowedUpTo(bitRate: 300_000), .allowedUpTo(bitRate: 700_000), "180p"),
        ]

        @Test(arguments: bounds.indices) func aPlayerThatAnswersGetsTheLadderAndTheLesserBound(row: Int) async throws {
            let (offered, answered, rid) = Self.bounds[row]
            let engine = try await Ladder.playing()
            let handler = WHEPHandler(engine: engine, logger: Engines.silent, authorize: { $0.method == .post ? offered : answered })
            var offer = Offer()
            offer.session.removeLast()
            let counter = await handler.handle(WHEPHandlerTests.request(.post, "/whep/show", offer.text))
            #expect(counter.head.status == .notAcceptable && counter.head.headerFields[values: .link].isEmpty)
            #expect(WHEPHandlerTests.text(counter).contains("\r\na=extmap:1 \(LadderTests.transportCC)\r\n"))
            let location = try #require(counter.head.headerFields[.location])
            var answer = Self.answer
            answer.video?.append("a=extmap:1/recvonly \(LadderTests.transportCC)")
            let taken = await handler.handle(WHEPHandlerTests.request(.patch, location, answer.text))
            #expect(taken.head.status == .noContent)
            #expect(taken.head.headerFields[values: .link].last == "<\(location)/layer>; rel=\"urn:ietf:params:whep:ext:core:layer\"")
            #expect(engine.viewers(of: "show").map(\.rid) == [rid])
        }

        @Test func aPlayerMayTakeTheSoundAlone() async throws {
            let answer = try await Self.taken { $0.video?[0] = "m=video 0 UDP/TLS/RTP/SAVPF 102 103" }
            let sections = answer.sdp.split(separator: "\r\nm=").dropFirst()
            #expect(sections.map { $0.contains("a=sendonly") } == [false, true])
        }

        /// A counter-offer, as its player sees it.
        struct Counter {
            let engine: EgressEngine
            let handler: WHEPHandler
            let location: String
            let type: String
            let text: String

            init() async throws {
                engine = try await Engines.playing()
                handler = WHEPHandlerTests.handler(engine)
                var offer = Offer()
                offer.video.replace("a=recvonly", with: "a=sendonly")
                offer.audio = nil
                let response = await handler.handle(WHEPHandlerTests.request(.post, "/whep/show", offer.text))
                location = try #require(response.head.headerFields[.location])
                type = try #require(response.head.headerFields[.contentType])
                text = WHEPHandlerTests.text(response)
            }

            func patch(_ answer: Offer, type: String = "application/sdp") async -> WHEPResponse {
                await handler.handle(WHEPHandlerTests.request(.patch, location, answer.text, type: type))
            }
        }

        static var answer: Offer {
            var answer = Offer()
            answer.transport[3] = "a=setup:active"
            return answer
        }

        @Test func itOffersWhatTheStreamHas() async throws {
            let counter = try await Counter()
            #expect(counter.type.hasPrefix("application/sdp; valid-until=\"") && counter.type.hasSuffix(" GMT\""))
            let offer = try SDPParser.parse(Array(counter.text.utf8))
            #expect(offer.sections.map(\.kind) == ["video", "audio"] && offer.bundles == [["0", "1"]])
            #expect(offer.sections.map(\.direction) == [.sendOnly, .sendOnly])
            #expect(offer.sections[0].h264Profile(of: 102) == .constrainedBaseline)
            for line in [
                "a=ice-lite", "a=setup:actpass", "a=rtcp-mux-only", "a=candidate:1 1 udp 2130706431 192.0.2.1", "a=end-of-candidates",
            ] {
                #expect(counter.text.contains("\r\n" + line), "\(line)")
            }
        }

        @Test func itsAnswerMakesTheViewerOnce() async throws {
            let counter = try await Counter()
            let request = WHEPHandlerTests.request(.get, counter.location)
            let response = await counter.patch(Self.answer)
            #expect(response.head.status == .noContent && response.body.isEmpty)
            let ufrag = try #require(WHEPPatchTests.value("ice-ufrag", in: counter.text))
            #expect(response.head.headerFields[.eTag] == "\"\(ufrag)\"", "the viewer has other credentials than were offered")
            #expect(counter.engine.stream(named: "show")?.viewers == 1)
            #expect(await counter.handler.handle(request).head.status == .noContent)
            #expect(await counter.patch(Self.answer).head.status == .unsupportedMediaType)
            let fragment = WHEPHandlerTests.request(
                .patch, counter.location, SDPFragmentTests.text([SDPFragmentTests.udp]), type: WHEPPatchTests.type,
                [.ifMatch: "\"\(ufrag)\""])
            #expect(await counter.handler.handle(fragment).head.status == .noContent)
            #expect(await counter.handler.handle(WHEPHandlerTests.request(.delete, counter.location)).head.status == .ok)
        }

        @Test func answersThatCannotBeTakenAreRefusedAndItWaitsForABetterOne() async throws {
            let counter = try await Counter()
            var passive = Self.answer
            passive.transport[3] = "a=setup:passive"
            #expect(await counter.patch(passive).head.status == .unprocessableContent, "it would make this side the DTLS client")
            #expect(await counter.patch(Offer()).head.status == .unprocessableContent, "actpass is no answer")
            var without = Self.answer
            without.transport.remove(at: 1)
            #expect(await counter.patch(without).head.status == .badRequest)
            var refused = Self.answer
            refused.video?[0] = "m=video 0 UDP/TLS/RTP/SAVPF 102 103"
            refused.audio?[0] = "m=audio 0 UDP/TLS/RTP/SAVPF 111"
            #expect(await counter.patch(refused).head.status == .unprocessableContent)
            #expect(await counter.patch(Self.answer, type: WHEPPatchTests.type).head.status == .unsupportedMediaType)
            #expect(counter.engine.statistics().viewersCreated == 0)
            #expect(await counter.patch(Self.answer).head.status == .noContent)
        }

        @Test func itIsThereWhileItWaits() async throws {
            let counter = try await Counter()
            let response = await counter.handler.handle(WHEPHandlerTests.request(.get, counter.location))
            #expect(response.head.status == .noContent && response.body.isEmpty)
            let head = await counter.handler.handle(WHEPHandlerTests.request(.head, counter.location))
            #expect(head.head.status == .ok && head.head.headerFields[.contentType] == "application/sdp" && head.body.isEmpty)
            let elsewhere = counter.location.replacing("/show/", with: "/other/")
            #expect(await counter.handler.handle(WHEPHandlerTests.request(.get, elsewhere)).head.status == .notFound)
        }

        @Test func itCanBeDeclined() async throws {
            let counter = try await Counter()
            let request = WHEPHandlerTests.request(.delete, counter.location)
            #expect(await counter.handler.handle(request).head.status == .ok)
            #expect(await counter.handler.handle(WHEPHandlerTests.request(.get, counter.location)).head.status == .notFound)
            #expect(await counter.handler.handle(request).head.status == .notFound)
            #expect(await counter.patch(Self.answer).head.status == .notFound)
        }

        @Test func answersThatRaceMakeOneViewer() async throws {
            let counter = try await Counter()
            let made = await withTaskGroup(of: Int.self) { group in
                for _ in 0..<16 { group.addTask { await counter.patch(Self.answer).head.status == .noContent ? 1 : 0 } }
                return await group.reduce(0, +)
            }
            #expect(made == 1)
            #expect(counter.engine.statistics().viewersCreated == 1)
        }
    }
}
