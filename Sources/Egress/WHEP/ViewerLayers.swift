#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// What a viewer can choose among, as the server-sent event `layers` tells it (webrtc-http-egress-events, "layers event"): for the video's place
/// in the SDP a list of
///
///     {"rid": "720p", "encodingId": "720p", "bitrate": 1980412, "targetBitrate": 2000000, "width": 1280, "height": 720,
///      "playing": true, "pinned": false}
///
/// `encodingId` is the name that earlier drafts had for `rid`. `bitrate` is what the encoding has at present, and is left out while nothing of it
/// arrives; `targetBitrate` is what it is meant to have, where that is configured. The draft has no word for `playing`, what the viewer gets now
/// (none with sound alone), and `pinned`, what it has chosen. Encodings above the viewer's bound are left out.
struct ViewerLayers: Sendable, Hashable, Encodable {
    struct Layer: Sendable, Hashable, Encodable {
        var rid: String
        var encodingId: String
        var bitrate: Int?
        var targetBitrate: Int?
        var width: Int?
        var height: Int?
        var playing: Bool
        var pinned: Bool
    }

    var section: Int
    var layers: [Layer]

    /// - Parameter readings: of the ladder's encodings.
    init(_ ladder: ViewerLadder, _ viewer: ViewerReading, _ readings: [Int: EncodingReading]) {
        section = ladder.section
        layers = ladder.allowed(readings).map { rung in
            let (rid, target) = (rung.encoding.rid, rung.encoding.bitRate)
            let reading = readings[rung.index]
            // Nothing is measured of an encoding that has just begun.
            let bitRate = reading.map { $0.isActive ? ($0.bitRate > 0 ? $0.bitRate : target) : 0 } ?? 0
            return Layer(
                rid: rid, encodingId: rid, bitrate: bitRate > 0 ? bitRate : nil, targetBitrate: target > 0 ? target : nil,
                width: reading?.format?.width, height: reading?.format?.height,
                playing: viewer.encoding == rung.index && !viewer.isPaused, pinned: viewer.pinned == rung.index)
        }
    }

    func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: Place.self)
        try values.encode(layers, forKey: Place(stringValue: String(section)))
    }

    private struct Place: CodingKey {
        var stringValue: String
        var intValue: Int? { nil }

        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    /// One line.
    var text: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Strings, numbers and booleans can always be encoded.
        return (try? encoder.encode(self)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    }
}

/// What a viewer gets from now on, as the server-sent event `active` tells it after a switch. The draft has an empty object there, for later
/// versions to fill: `{"0": {"rid": "360p", "encodingId": "360p", "reason": "congestion"}}`, with `null` for sound alone.
struct ViewerSwitch: Sendable, Hashable {
    var section: Int
    var rid: String?
    var reason: SwitchReason?

    /// A rid has no character that JSON would need another way of writing for.
    var text: String {
        let rid = rid.map { "\"\($0)\"" } ?? "null"
        let reason = reason.map { ",\"reason\":\"\($0.rawValue)\"" } ?? ""
        return "{\"\(section)\":{\"encodingId\":\(rid)\(reason),\"rid\":\(rid)}}"
    }
}

extension EgressEngine {
    /// The event `layers` of sessions of one stream; sessions without a ladder are left out. Each encoding is asked about once.
    func layers(of sessions: [String], _ stream: String) -> [(session: String, text: String)] {
        guard let engine, let known = registry.stream(named: stream) else { return [] }
        var readings: [Int: EncodingReading] = [:]
        return sessions.compactMap { id in
            guard let session = registry.session(id, of: stream), session.engineStream == known.engineID, let ladder = session.ladder,
                let viewer = engine.handle.stats(ofViewer: session.viewer)
            else { return nil }
            for rung in ladder.rungs where readings[rung.index] == nil {
                readings[rung.index] = reading(of: known, encoding: rung.index)
            }
            return (id, ViewerLayers(ladder, viewer, readings).text)
        }
    }
}
