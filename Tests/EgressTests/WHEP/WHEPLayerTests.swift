import HTTPTypes
import Synchronization
import Testing

@testable import Egress

extension WithEngine {
    @Suite(.serialized) struct WHEPLayerTests {
        static func choose(
            _ session: WHEPPatchTests.Session, _ body: String, type: String? = "application/json", at location: String? = nil
        ) async -> WHEPResponse {
            await session.handler.handle(WHEPHandlerTests.request(.post, (location ?? session.location) + "/layer", body, type: type))
        }

        static func status(_ engine: EgressEngine) throws -> ViewerStatus { try #require(engine.viewers(of: "show").first) }

        @Test func onlyASessionWithALadderIsToldOfLayers() async throws {
            let engines = [try await Ladder.playing(), try await Engines.playing()]
            let links = try await engines.asyncMap { engine in
                let handler = WHEPHandlerTests.handler(engine)
                let created = await handler.handle(WHEPHandlerTests.request(.post, "/whep/show", BrowserOffer.chromium))
                let location = try #require(created.head.headerFields[.location])
                return created.head.headerFields[values: .link].map { $0.replacing(location, with: "S") }
            }
            let events =
                #"<S/events>; rel="urn:ietf:params:whep:ext:core:server-sent-events"; events="active,inactive,viewercount,reconnect"#
            #expect(
                links == [
                    [events + #",layers""#, #"<S/layer>; rel="urn:ietf:params:whep:ext:core:layer""#], [events + #"""#],
                ])
        }

        @Test func aClientChoosesAnEncodingAndLeavesTheChoiceToItsLinkAgain() async throws {
            let session = try await WHEPPatchTests.Session(Ladder.playing())
            #expect(try Self.status(session.engine).pinnedRID == nil)
            let pinned = await Self.choose(session, #"{"encodingId": "360p"}"#)
            #expect(pinned.head.status == .ok && pinned.body.isEmpty)
            #expect(pinned.head.headerFields[.accessControlAllowOrigin] == "*")
            #expect(try Self.status(session.engine).pinnedRID == "360p")
            #expect(await Self.choose(session, #"{"mediaId": "0", "rid": "180p"}"#).head.status == .ok)
            #expect(try Self.status(session.engine).pinnedRID == "180p")
            #expect(try JSON.encode(Self.status(session.engine)).contains(#""pinned_rid":"180p""#))
            #expect(await Self.choose(session, "{}").head.status == .ok)
            #expect(try Self.status(session.engine).pinnedRID == nil)
            #expect(try !JSON.encode(Self.status(session.engine)).contains("pinned_rid"))
        }

        static let requests: [(body: String, status: Int)] = [
            (#"{"rid": "720p", "encodingId": "720p", "spatialLayerId": 1, "temporalLayerId": 0, "maxWidth": 640.5, "other": [{}]}"#, 200),
            (#"{"mediaId": "0"}"#, 200), (#"{"encodingId": null}"#, 200),
            ("", 400), ("{", 400), ("[]", 400), ("null", 400), (#""720p""#, 400), (#"{"encodingId": 720}"#, 400),
            (#"{"rid": ["720p"]}"#, 400), (#"{"encodingId": "720p", "rid": "360p"}"#, 400), (#"{"mediaId": 0}"#, 400),
            (#"{"encodingId": "720p", "spatialLayerId": "1"}"#, 400), (#"{"encodingId": "720p", "maxHeight": {}}"#, 400),
            ("{\"encodingId\": \"\u{0}", 400), (String(repeating: "[", count: 4_000), 400),
            (#"{"encodingId": "1080p"}"#, 422), (#"{"encodingId": ""}"#, 422), (#"{"rid": "720P"}"#, 422), (#"{"rid": "720p "}"#, 422),
            (#"{"mediaId": "1", "encodingId": "720p"}"#, 422), (#"{"mediaId": "-1"}"#, 422), (#"{"mediaId": ""}"#, 422),
            ("{" + String(repeating: " ", count: 5_000) + "}", 413),
        ]

        @Test func everyRequestHasItsAnswerAndAWrongOneChangesNothing() async throws {
            let session = try await WHEPPatchTests.Session(Ladder.playing())
            for (body, status) in Self.requests {
                _ = await Self.choose(session, #"{"encodingId": "180p"}"#)
                let response = await Self.choose(session, body)
                #expect(response.head.status.code == status, "\(body.prefix(60))")
                if status != 200 {
                    #expect(try Self.status(session.engine).pinnedRID == "180p", "\(body.prefix(60))")
                    #expect(response.head.headerFields[.contentType] == "application/problem+json")
                }
            }
            #expect(await session.isThere)
        }

        @Test func theMediaIsNamedByItsPlaceOrItsMid() async throws {
            let engine = try await Ladder.playing()
            var offer = Offer()
            offer.session[4] = "a=group:BUNDLE v a"
            offer.video.replace("a=mid:0", with: "a=mid:v")
            offer.audio.replace("a=mid:1", with: "a=mid:a")
            let answer = try await engine.addViewer(to: "show", offer: Array(offer.text.utf8))
            let handler = WHEPHandlerTests.handler(engine)
            for (mediaID, status) in [("v", 200), ("0", 200), ("a", 422), ("1", 422)] {
                let body = "{\"mediaId\": \"\(mediaID)\"}"
                let request = WHEPHandlerTests.request(.post, "/whep/show/\(answer.session)/layer", body, type: "application/json")
                #expect(await handler.handle(request).head.status.code == status)
            }
        }

        @Test(arguments: ["text/plain", "application/sdp", nil]) func anotherContentTypeIsRefused(type: String?) async throws {
            let session = try await WHEPPatchTests.Session(Ladder.playing())
            let response = await Self.choose(session, #"{"encodingId": "180p"}"#, type: type)
            #expect(response.head.status == .unsupportedMediaType && response.head.headerFields[.acceptPost] == "application/json")
            #expect(await Self.choose(session, "{}", type: "Application/JSON; charset=utf-8").head.status == .ok)
        }

        @Test func otherMethodsAreToldWhatThereIs() async throws {
            let session = try await WHEPPatchTests.Session(Ladder.playing())
            for method in [HTTPRequest.Method.get, .head, .put, .patch, .delete] {
                let response = await session.handler.handle(WHEPHandlerTests.request(method, session.location + "/layer"))
                #expect(response.head.status == .methodNotAllowed && response.head.headerFields[.allow] == "POST, OPTIONS")
            }
            let options = await session.handler.handle(WHEPHandlerTests.request(.options, session.location + "/layer", type: nil))
            #expect(options.head.status == .ok && options.head.headerFields[.acceptPost] == "application/json")
            #expect(options.head.headerFields[.accessControlAllowMethods] == "POST, OPTIONS")
        }

        @Test func aSessionIsChosenForByItsOwnURLAlone() async throws {
            let engine = try await Ladder.playing()
            try await Engines.play(with: "other", of: engine)
            let session = try await WHEPPatchTests.Session(engine)
            let id = try #require(session.location.split(separator: "/").last)
            let body = #"{"encodingId": "180p"}"#
            let forged = [
                "/whep/other/\(id)", "/whep/none/\(id)", "/whep/show/\(id)0", "/whep/show/\(id.dropLast())",
                "/whep/show/\(id.uppercased())x",
            ]
            for location in forged { #expect(await Self.choose(session, body, at: location).head.status == .notFound) }
            let viewer = try Self.status(engine).id
            #expect(await Self.choose(session, body, at: "/whep/show/\(viewer)").head.status == .notFound, "an operator's name is no key")
            #expect(try Self.status(engine).pinnedRID == nil)
            _ = await session.handler.handle(WHEPHandlerTests.request(.delete, session.location))
            #expect(await Self.choose(session, body).head.status == .notFound)
        }

        @Test func aSessionWithoutALadderHasNothingThere() async throws {
            let session = try await WHEPPatchTests.Session()
            #expect(await Self.choose(session, #"{"encodingId": "video"}"#).head.status == .notFound)
            #expect(await Self.choose(session, "{}").head.status == .notFound)
        }

        @Test func accessIsDecidedAsForAnyOtherChange() async throws {
            let session = try await WHEPPatchTests.Session(Ladder.playing())
            let asked = Mutex<[WHEPAccess]>([])
            let handler = WHEPHandler(
                engine: session.engine, logger: Engines.silent,
                authorize: { access in
                    asked.withLock { $0.append(access) }
                    return .forbidden("not you")
                })
            let request = WHEPHandlerTests.request(.post, session.location + "/layer", #"{"encodingId": "180p"}"#, type: "application/json")
            #expect(await handler.handle(request).head.status == .forbidden)
            #expect(try Self.status(session.engine).pinnedRID == nil)
            let id = session.location.split(separator: "/").last.map(String.init)
            #expect(asked.withLock { $0 } == [WHEPAccess(stream: "show", session: id, method: .post, remoteAddress: "192.0.2.9")])
        }

        @Test func choosingCountsTowardsTheLimitOnChanges() async throws {
            let engine = try Engines.make { $0.limits.changesPerAddress = RateLimit(perSecond: 0.01, burst: 2) }
            try await Ladder.play(engine)
            let session = try await WHEPPatchTests.Session(engine)
            var codes: [Int] = []
            for _ in 0..<3 { codes.append(await Self.choose(session, "{}").head.status.code) }
            #expect(codes == [200, 200, 429])
        }

        // MARK: A bound

        /// A viewer that the authorizer lets have this much.
        static func bounded(_ engine: EgressEngine, to bitRate: Int) async throws -> (handler: WHEPHandler, location: String) {
            let handler = WHEPHandler(engine: engine, logger: Engines.silent, authorize: { _ in .allowedUpTo(bitRate: bitRate) })
            let created = await handler.handle(WHEPHandlerTests.request(.post, "/whep/show", BrowserOffer.chromium))
            return (handler, try #require(created.head.headerFields[.location]))
        }

        @Test func aBoundedViewerBeginsWithinItAndCanChooseNothingAbove() async throws {
            let engine = try await Ladder.playing()
            let (handler, location) = try await Self.bounded(engine, to: 700_000)
            #expect(engine.viewers(of: "show").map(\.rid) == ["360p"])
            func choose(_ rid: String) async -> WHEPResponse {
                let body = "{\"encodingId\": \"\(rid)\"}"
                return await handler.handle(WHEPHandlerTests.request(.post, location + "/layer", body, type: "application/json"))
            }
            let refused = await choose("720p")
            #expect(refused.head.status.code == 422)
            let detail =
                #"the encoding \"720p\" is above the 700000 bit/s that this viewer may get: it may choose among \"360p\", \"180p\""#
            #expect(WHEPHandlerTests.text(refused).contains(detail))
            #expect(
                WHEPHandlerTests.text(await choose("4k")).contains(
                    #"the viewer has no such encoding: it may choose among \"360p\", \"180p\""#))
            #expect(await choose("360p").head.status == .ok)
            #expect(await choose("180p").head.status == .ok)
        }

        @Test(arguments: [1, 0, -5, .min]) func theLowestEncodingIsWithinAnyBound(bitRate: Int) async throws {
            let engine = try await Ladder.playing()
            _ = try await Self.bounded(engine, to: bitRate)
            #expect(engine.viewers(of: "show").map(\.rid) == ["180p"])
        }

        @Test func aBoundBeyondEverythingIsNone() async throws {
            let engine = try await Ladder.playing()
            _ = try await Self.bounded(engine, to: .max)
            #expect(engine.viewers(of: "show").map(\.rid) == ["720p"])
        }

        // MARK: By the host

        @Test func aHostPinsAViewerAndIsToldWhyNot() async throws {
            let engine = try await Ladder.playing()
            let answer = try await engine.addViewer(to: "show", offer: Array(BrowserOffer.chromium.utf8), for: .init(bitRateMax: 1_000_000))
            #expect(answer.rids == ["720p", "360p", "180p"])
            let viewer = try Self.status(engine).id
            try engine.pinViewer(viewer, of: "show", to: "180p")
            #expect(try Self.status(engine).pinnedRID == "180p")
            for rid in ["720p", "other", ""] {
                #expect(failure { try engine.pinViewer(viewer, of: "show", to: rid) }?.code == .unavailableEncoding)
            }
            #expect(try Self.status(engine).pinnedRID == "180p")
            try engine.pinViewer(viewer, of: "show", to: nil)
            #expect(try Self.status(engine).pinnedRID == nil)
            for (id, stream) in [("00", "show"), (viewer, "other"), ("", "show")] {
                #expect(failure { try engine.pinViewer(id, of: stream, to: nil) }?.code == .notFound)
            }
            engine.shutdown()
            #expect(failure { try engine.pinViewer(viewer, of: "show", to: nil) }?.code == .notFound)
        }

        @Test func aViewerWithoutALadderCanBeFreedAndNotPinned() async throws {
            let engine = try await Engines.playing()
            let answer = try await engine.addViewer(to: "show", offer: Array(BrowserOffer.chromium.utf8))
            #expect(answer.rids.isEmpty)
            let viewer = try Self.status(engine).id
            #expect(failure { try engine.pinViewer(viewer, of: "show", to: "video") }?.code == .unavailableEncoding)
            try engine.pinViewer(viewer, of: "show", to: nil)
        }

        @Test func whatAViewerWasSwitchedAboutIsInItsStatus() async throws {
            let session = try await WHEPPatchTests.Session(Ladder.playing())
            let text = try JSON.encode(Self.status(session.engine))
            for field in [#""rid":"720p""#, #""switches_up":0"#, #""switches_down":0"#, #""paused":false"#, #""paused_s":0"#] {
                #expect(text.contains(field))
            }
            for field in ["switch_reason", "estimate_bit_rate"] { #expect(!text.contains(field), "nothing is known yet") }
            let stream = try JSON.encode(try #require(session.engine.stream(named: "show")))
            #expect(stream.contains(#""paused_s":0,"pictures""#) && stream.contains(#""switches_down":0,"switches_up":0"#))
            let engine = try JSON.encode(session.engine.statistics())
            #expect(
                ["probes_begun", "probes_failed", "probe_packets_sent", "switches_up", "paused_s"].allSatisfy {
                    engine.contains("\"\($0)\":0")
                })
        }
    }
}

extension Sequence {
    fileprivate func asyncMap<T>(_ transform: (Element) async throws -> T) async rethrows -> [T] {
        var result: [T] = []
        for element in self { result.append(try await transform(element)) }
        return result
    }
}

extension Engines {
    /// One more stream of an engine, that has sent a picture.
    static func play(with id: String, of engine: EgressEngine) async throws {
        _ = try engine.onProcessStart(id: id, config: enabled)
        try await play(engine, id)
    }
}
