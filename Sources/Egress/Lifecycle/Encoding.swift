/// One video leg of a stream (RFC 8853 §4): the same pictures as the stream's other encodings, in another codec, size or bit rate.
public struct Encoding: Sendable, Hashable {
    /// Names it within its stream: 1 to 16 letters, digits, `-`, `_`. Only the first one's may be left out; it is `video` then.
    public var rid: String
    public var codec: VideoCodec
    /// The RTP payload type of its leg; 0: 102. Each encoding has a port of its own, so several may have the same.
    public var payloadType: Int
    /// FFmpeg's `-map`; empty: `0:v:0`.
    public var map: String
    /// In pixels, even; 0: as the input has it, or as the other one of the two makes it with the input's aspect.
    public var width: Int
    public var height: Int
    /// In pictures a second; 0: the input's.
    public var frameRate: Double
    /// In bit/s; 0: what its size calls for.
    public var bitRate: Int
    /// The distance of its key pictures; 0: 2,000. Encodings with the same one have them at the same times.
    public var gopMilliseconds: Int
    /// Never encode it: the input has it as it is to go out.
    public var copiesOnly: Bool

    public static let countMax = 8
    public static let sizeMax = 8_192
    public static let ridSizeMax = 16
    public static let frameRates = 1.0...240.0
    public static let bitRates = 10_000...200_000_000
    public static let gops = 100...60_000
    public static let defaultGOPMilliseconds = 2_000

    public init(
        rid: String = "", codec: VideoCodec = .h264, payloadType: Int = 0, map: String = "", width: Int = 0, height: Int = 0,
        frameRate: Double = 0, bitRate: Int = 0, gopMilliseconds: Int = 0, copiesOnly: Bool = false
    ) {
        self.rid = rid
        self.codec = codec
        self.payloadType = payloadType
        self.map = map
        self.width = width
        self.height = height
        self.frameRate = frameRate
        self.bitRate = bitRate
        self.gopMilliseconds = gopMilliseconds
        self.copiesOnly = copiesOnly
    }

    /// What only an encoder can give it, by their names in the configuration.
    package var asksOfAnEncoder: [String] {
        let fields = [
            ("width", width != 0), ("height", height != 0), ("frame_rate", frameRate != 0), ("bit_rate", bitRate != 0),
            ("gop_ms", gopMilliseconds != 0),
        ]
        return fields.filter(\.1).map(\.0)
    }

    /// - Parameter field: its place in the configuration, as `encodings[1]`.
    func normalized(_ field: String, isFirst: Bool) throws(EgressError) -> Encoding {
        var result = self
        if isFirst, rid.isEmpty { result.rid = "video" }
        try result.checkName(field)
        if copiesOnly, let other = asksOfAnEncoder.first {
            throw .invalid("\(field).copy", "it leaves the picture as it is, so \(field).\(other) can't be met: leave one of the two out")
        }
        try checkPicture(field)
        if payloadType == 0 { result.payloadType = 102 }
        try WebRTCConfig.check(result.payloadType, "\(field).payload_type")
        if map.isEmpty { result.map = "0:v:0" }
        return result
    }

    private func checkName(_ field: String) throws(EgressError) {
        let isSound = rid.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "-"), UInt8(ascii: "_"):
                true
            default: false
            }
        }
        guard isSound, (1...Self.ridSizeMax).contains(rid.utf8.count) else {
            throw .invalid("\(field).rid", "\"\(rid)\" is not 1 to \(Self.ridSizeMax) letters, digits, \"-\" or \"_\"")
        }
        guard map != WebRTCConfig.noMap else { throw .invalid("\(field).map", "an encoding without pictures is none: leave it out") }
    }

    private func checkPicture(_ field: String) throws(EgressError) {
        for (name, size) in [("width", width), ("height", height)] where size != 0 {
            guard (2...Self.sizeMax).contains(size), size.isMultiple(of: 2) else {
                throw .invalid("\(field).\(name)", "\(size) is not an even number within 2..\(Self.sizeMax)")
            }
        }
        guard frameRate == 0 || Self.frameRates.contains(frameRate) else {
            throw .invalid("\(field).frame_rate", "\(frameRate) is not within 1..240")
        }
        guard bitRate == 0 || Self.bitRates.contains(bitRate) else {
            throw .invalid("\(field).bit_rate", "\(bitRate) is not within \(Self.bitRates.lowerBound)..\(Self.bitRates.upperBound) bit/s")
        }
        guard gopMilliseconds == 0 || Self.gops.contains(gopMilliseconds) else {
            throw .invalid("\(field).gop_ms", "\(gopMilliseconds) is not within \(Self.gops.lowerBound)..\(Self.gops.upperBound)")
        }
    }
}

extension Encoding: Codable {
    private enum CodingKeys: String, CodingKey, CaseIterable {
        case rid, codec, map, width, height
        case payloadType = "payload_type"
        case frameRate = "frame_rate"
        case bitRate = "bit_rate"
        case gopMilliseconds = "gop_ms"
        case copiesOnly = "copy"
    }

    /// Those of the configuration.
    package static let fieldNames = Set(CodingKeys.allCases.map(\.rawValue))

    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        rid = try values.decodeIfPresent(String.self, forKey: .rid) ?? ""
        codec = try values.decodeIfPresent(VideoCodec.self, forKey: .codec) ?? .h264
        payloadType = try values.decodeIfPresent(Int.self, forKey: .payloadType) ?? 0
        map = try values.decodeIfPresent(String.self, forKey: .map) ?? ""
        width = try values.decodeIfPresent(Int.self, forKey: .width) ?? 0
        height = try values.decodeIfPresent(Int.self, forKey: .height) ?? 0
        frameRate = try values.decodeIfPresent(Double.self, forKey: .frameRate) ?? 0
        bitRate = try values.decodeIfPresent(Int.self, forKey: .bitRate) ?? 0
        gopMilliseconds = try values.decodeIfPresent(Int.self, forKey: .gopMilliseconds) ?? 0
        copiesOnly = try values.decodeIfPresent(Bool.self, forKey: .copiesOnly) ?? false
    }

    /// What has its default is left out, so that a configuration stays as short as it was written.
    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(rid, forKey: .rid)
        try values.encode(codec, forKey: .codec)
        if payloadType != 0 { try values.encode(payloadType, forKey: .payloadType) }
        if !map.isEmpty { try values.encode(map, forKey: .map) }
        if width != 0 { try values.encode(width, forKey: .width) }
        if height != 0 { try values.encode(height, forKey: .height) }
        if frameRate != 0 { try values.encode(frameRate, forKey: .frameRate) }
        if bitRate != 0 { try values.encode(bitRate, forKey: .bitRate) }
        if gopMilliseconds != 0 { try values.encode(gopMilliseconds, forKey: .gopMilliseconds) }
        if copiesOnly { try values.encode(copiesOnly, forKey: .copiesOnly) }
    }
}
