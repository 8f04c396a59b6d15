import HTTPTypes
import Testing

@testable import Egress

@Suite struct ViewerLayersTests {
    static let ladder = ViewerLadder(
        rungs: Ladder.encodings.enumerated().map { .init(index: $0.offset, encoding: $0.element) }, section: 0, mid: "0")

    static func viewer(_ encoding: Int, pinned: Int? = nil, isPaused: Bool = false) -> ViewerReading {
        var reading = ViewerReading(
            state: .connected, age: .zero, packetsSent: 0, bytesSent: 0, packetsLost: 0, nacks: 0, pictureRequests: 0,
            roundTripMicroseconds: 0, jitterMicroseconds: 0)
        (reading.encoding, reading.pinned, reading.isPaused) = (encoding, pinned, isPaused)
        return reading
    }

    static func reading(_ bitRate: Int, _ width: Int, _ height: Int, isActive: Bool = true) -> EncodingReading {
        let format = VideoFormat(profileIDC: 66, constraints: 0xC0, levelIDC: 31, width: width, height: height)
        return EncodingReading(
            isActive: isActive, format: width == 0 ? nil : format, hasBFrames: false, bitRate: bitRate, gopMilliseconds: 0, viewers: 0)
    }

    /// A layer that has no bit rate is inactive (webrtc-http-egress-events, "layers event").
    @Test func aLayerSaysWhatItHasAndWhatItIsMeantToHave() {
        let readings = [0: Self.reading(1_980_412, 1_280, 720), 1: Self.reading(0, 640, 360), 2: Self.reading(1, 0, 0, isActive: false)]
        #expect(
            ViewerLayers(Self.ladder, Self.viewer(1, pinned: 2), readings).text
                == #"{"0":[{"bitrate":1980412,"encodingId":"720p","height":720,"pinned":false,"playing":false,"rid":"720p","#
                + #""targetBitrate":2000000,"width":1280},"#
                + #"{"bitrate":600000,"encodingId":"360p","height":360,"pinned":false,"playing":true,"rid":"360p","#
                + #""targetBitrate":600000,"width":640},"#
                + #"{"encodingId":"180p","pinned":true,"playing":false,"rid":"180p","targetBitrate":200000}]}"#)
    }

    @Test func withSoundAloneNoLayerPlays() {
        let layers = ViewerLayers(Self.ladder, Self.viewer(2, isPaused: true), [:]).layers
        #expect(layers.count == 3 && !layers.contains { $0.playing })
    }

    /// Measured bit rates in kbit/s, where none is configured.
    @Test(
        arguments: [
            (2_500, ["a", "b", "c"]), (2_400, ["b", "c"]), (700, ["c"]), (1, ["c"]),
        ] as [(Int, [String])])
    func whatIsAboveTheBoundIsLeftOut(bound: Int, rids: [String]) {
        var ladder = Self.ladder
        ladder.rungs = ["a", "b", "c"].enumerated().map { .init(index: $0.offset, encoding: Encoding(rid: $0.element)) }
        ladder.bitRateMax = bound * 1_000
        let bitRates = [2_500_000, 800_000, 300_000]
        let readings = [0, 1, 2].reduce(into: [:]) { $0[$1] = Self.reading(bitRates[$1], 16, 16) }
        #expect(ViewerLayers(ladder, Self.viewer(2), readings).layers.map(\.rid) == rids)
    }

    @Test func aSwitchSaysToWhatAndWhy() {
        #expect(
            ViewerSwitch(section: 1, rid: "360p", reason: .congestion).text
                == #"{"1":{"encodingId":"360p","reason":"congestion","rid":"360p"}}"#)
        #expect(
            ViewerSwitch(section: 0, rid: nil, reason: .noFeedback).text == #"{"0":{"encodingId":null,"reason":"no_feedback","rid":null}}"#)
        #expect(ViewerSwitch(section: 0, rid: "a").text == #"{"0":{"encodingId":"a","rid":"a"}}"#)
    }

    @Test func everySwitchHasWordsOfItsOwn() {
        #expect(Set(SwitchReason.allCases.map(\.words)).count == SwitchReason.allCases.count)
        #expect(
            SwitchReason.allCases.map(\.rawValue) == ["congestion", "no_feedback", "bound", "room", "pinned", "encoding_lost"])
    }
}

extension WithEngine {
    @Suite(.serialized) struct ViewerLayersEventTests {
        /// The next event with this in it. Others may come in between: the source falls silent after a second.
        static func next(_ events: inout AsyncStream<[UInt8]>.Iterator, with part: String) async -> String {
            while let event = await events.next().map({ String(decoding: $0, as: UTF8.self) }) {
                if event.contains(part) { return event }
            }
            return "none"
        }

        static func entry(_ session: WHEPPatchTests.Session, to encoding: Encoding?, _ reason: SwitchReason) throws -> EventLog.Entry {
            let id = String(try #require(session.location.split(separator: "/").last))
            let viewer = try #require(session.engine.registry.session(id, of: "show"))
            let index = encoding.flatMap { encoding in Ladder.encodings.firstIndex { $0.rid == encoding.rid } }
            let event = EngineEvent.viewerSwitched(viewer: viewer.viewer, stream: viewer.engineStream, encoding: index, reason: reason)
            return try #require(session.engine.registry.receive(event))
        }

        @Test func aListenerIsToldItsLayersAndEachSwitch() async throws {
            let session = try await WHEPPatchTests.Session(Ladder.playing())
            var events = try await WHEPEventsTests.events(session, #"["active", "layers"]"#).makeAsyncIterator()
            #expect(await Self.next(&events, with: "active") == "event: active\ndata: {}\n\n")
            let first = await Self.next(&events, with: "layers")
            #expect(first.hasPrefix("event: layers\ndata: {\"0\":[{") && first.hasSuffix("}]}\n\n"))
            #expect(first.split(separator: "\n").count == 2, "the data is one line")
            #expect(first.contains(#""playing":true,"rid":"720p","targetBitrate":2000000,"width":1280"#))
            #expect(!first.contains(#""pinned":true"#))

            _ = await WHEPLayerTests.choose(session, #"{"encodingId": "360p"}"#)
            #expect(await Self.next(&events, with: #""pinned":true"#).contains(#""pinned":true,"playing":false,"rid":"360p""#))

            let viewerEvents = session.engine.viewerEvents
            viewerEvents.receive(try Self.entry(session, to: Ladder.encodings[1], .pinned))
            let switched = #"{"0":{"encodingId":"360p","reason":"pinned","rid":"360p"}}"#
            #expect(await Self.next(&events, with: "event: active") == "event: active\ndata: \(switched)\n\n")
            #expect(await Self.next(&events, with: "layers").hasPrefix("event: layers\n"))
            viewerEvents.receive(try Self.entry(session, to: nil, .congestion))
            let paused = #"{"0":{"encodingId":null,"reason":"congestion","rid":null}}"#
            #expect(await Self.next(&events, with: "event: active") == "event: active\ndata: \(paused)\n\n")
        }

        @Test func whoseSwitchItIsIsToldAndNobodyElse() async throws {
            let engine = try await Ladder.playing()
            let session = try await WHEPPatchTests.Session(engine)
            let other = try await WHEPPatchTests.Session(engine)
            var events = try await WHEPEventsTests.events(session, #"["active", "layers"]"#).makeAsyncIterator()
            let others = try await WHEPEventsTests.events(other, #"["active"]"#)
            let entry = try Self.entry(session, to: Ladder.encodings[2], .congestion)
            #expect(entry.stream == "show" && entry.encoding?.rid == "180p")
            engine.viewerEvents.receive(entry)
            var names: [String] = []
            while names.last != "layers", let event = await events.next() {
                let line = try #require(String(decoding: event, as: UTF8.self).split(separator: "\n").first)
                names.append(String(line.dropFirst("event: ".count)))
            }
            #expect(names == ["active", "active", "layers"], "the first layers and the switch's are told at once")
            engine.onProcessStop(id: "show")
            #expect(await WHEPEventsTests.all(others) == "event: active\ndata: {}\n\n")
        }

        @Test func aSwitchOfAViewerThatIsGoneIsNobodys() async throws {
            let session = try await WHEPPatchTests.Session(Ladder.playing())
            let event = EngineEvent.viewerSwitched(viewer: 77, stream: 1, encoding: 0, reason: .room)
            #expect(session.engine.registry.receive(event) == nil)
        }

        /// `layers` is not in the list that such a session's Link has.
        @Test func aSessionWithoutALadderCannotListenForLayers() async throws {
            let session = try await WHEPPatchTests.Session()
            let response = await WHEPEventsTests.listen(session, #"["layers"]"#)
            #expect(response.head.status == .badRequest)
            #expect(WHEPHandlerTests.text(response).contains("known are active, inactive, viewercount, reconnect\""))
        }
    }
}
