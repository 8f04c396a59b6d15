/// The `webrtc` block of a process' configuration.
public struct WebRTCConfig: Sendable, Hashable {
    public var isEnabled: Bool
    /// The RTP payload type of the video leg; 0: 102.
    public var videoPayloadType: Int
    /// The RTP payload type of the audio leg; 0: the codec's, 111 for Opus.
    public var audioPayloadType: Int
    /// FFmpeg's `-map` for video. Empty means `0:v:0`; ``noMap`` means no video leg.
    public var videoMap: String
    /// FFmpeg's `-map` for audio. Empty means `0:a:0`; ``noMap`` means no audio leg.
    public var audioMap: String
    /// Encode the video even if it could be copied.
    public var forceTranscode: Bool
    /// The video legs, the one that is preferred first; empty: one, which the fields above describe. Not together with those.
    public var encodings: [Encoding]
    public var audioCodec: AudioCodec

    /// The map that leaves a leg out.
    public static let noMap = "none"

    public init(
        isEnabled: Bool = false, videoPayloadType: Int = 0, audioPayloadType: Int = 0,
        videoMap: String = "", audioMap: String = "", forceTranscode: Bool = false,
        encodings: [Encoding] = [], audioCodec: AudioCodec = .opus
    ) {
        self.isEnabled = isEnabled
        self.videoPayloadType = videoPayloadType
        self.audioPayloadType = audioPayloadType
        self.videoMap = videoMap
        self.audioMap = audioMap
        self.forceTranscode = forceTranscode
        self.encodings = encodings
        self.audioCodec = audioCodec
    }

    public var hasVideo: Bool { videoMap != Self.noMap }
    public var hasAudio: Bool { audioMap != Self.noMap }

    /// The video legs, however they were configured; none where the stream has no video.
    public var videoEncodings: [Encoding] {
        guard hasVideo else { return [] }
        return encodings.isEmpty ? [Encoding(rid: "video", payloadType: videoPayloadType, map: videoMap)] : encodings
    }

    /// The same with every default filled in.
    /// - Throws: ``EgressError/Code/invalidConfiguration``, naming the JSON field.
    public func normalized() throws(EgressError) -> WebRTCConfig {
        var result = self
        // What a leg that is left out is given means nothing, and may be anything.
        if !hasAudio || result.audioPayloadType == 0 { result.audioPayloadType = audioCodec.defaultPayloadType }
        if result.audioMap.isEmpty { result.audioMap = "0:a:0" }
        if encodings.isEmpty {
            if !hasVideo || result.videoPayloadType == 0 { result.videoPayloadType = 102 }
            if result.videoMap.isEmpty { result.videoMap = "0:v:0" }
            try Self.check(result.videoPayloadType, "video_pt")
        } else {
            result.encodings = try normalizedEncodings()
        }
        try Self.check(result.audioPayloadType, "audio_pt")
        for (index, encoding) in result.videoEncodings.enumerated() where hasAudio && encoding.payloadType == result.audioPayloadType {
            let other = encodings.isEmpty ? "the video's payload type" : "the payload_type of encodings[\(index)]"
            throw .invalid("audio_pt", "\(result.audioPayloadType) is \(other) too")
        }
        guard result.hasVideo || result.hasAudio else {
            throw .invalid("audio_map", "video_map and audio_map are both \"none\", so nothing is left to send")
        }
        return result
    }

    private func normalizedEncodings() throws(EgressError) -> [Encoding] {
        let others = [("video_pt", videoPayloadType != 0), ("video_map", !videoMap.isEmpty), ("force_transcode", forceTranscode)]
        if let other = others.first(where: \.1)?.0 {
            throw .invalid(
                "encodings", "they say all there is to say of the video, so \(other) can't be given too: leave one of the two out")
        }
        guard encodings.count <= Encoding.countMax else {
            throw .invalid("encodings", "there are \(encodings.count), and \(Encoding.countMax) is the most")
        }
        var result: [Encoding] = []
        for (index, encoding) in encodings.enumerated() {
            let normal = try encoding.normalized("encodings[\(index)]", isFirst: index == 0)
            guard !result.contains(where: { $0.rid == normal.rid }) else {
                throw .invalid("encodings[\(index)].rid", "\"\(normal.rid)\" is another encoding's too")
            }
            result.append(normal)
        }
        return result
    }

    /// The legs that it has.
    var legs: Set<LegPlan.Leg> { Set((hasVideo ? [.video] : []) + (hasAudio ? [.audio] : [])) }

    /// The same configuration without the legs that a plan leaves out.
    /// - Throws: ``EgressError/Code/invalidConfiguration`` when nothing is left.
    func leavingOut(_ missing: Set<LegPlan.Leg>) throws(EgressError) -> WebRTCConfig {
        var result = self
        if missing.contains(.video) {
            result.videoMap = Self.noMap
            result.encodings = []
        }
        if missing.contains(.audio) { result.audioMap = Self.noMap }
        guard result.hasVideo || result.hasAudio else {
            throw EgressError(code: .invalidConfiguration, message: "webrtc: the plan leaves out every leg that the configuration has")
        }
        return result
    }

    static func check(_ payloadType: Int, _ field: String) throws(EgressError) {
        guard (0...127).contains(payloadType) else { throw .invalid(field, "\(payloadType) is not within 0..127") }
        // The second byte of an RTP packet with the marker set would be that of an RTCP packet.
        guard !(64...95).contains(payloadType) else {
            throw .invalid(field, "\(payloadType) is in 64..95, which RTCP uses (RFC 5761)")
        }
    }
}

extension WebRTCConfig: Codable {
    private enum CodingKeys: String, CodingKey, CaseIterable {
        case isEnabled = "enabled"
        case videoPayloadType = "video_pt"
        case audioPayloadType = "audio_pt"
        case videoMap = "video_map"
        case audioMap = "audio_map"
        case forceTranscode = "force_transcode"
        case encodings
        case audioCodec = "audio_codec"
    }

    /// Those of the configuration.
    package static let fieldNames = Set(CodingKeys.allCases.map(\.rawValue))

    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        isEnabled = try values.decodeIfPresent(Bool.self, forKey: .isEnabled) ?? false
        videoPayloadType = try values.decodeIfPresent(Int.self, forKey: .videoPayloadType) ?? 0
        audioPayloadType = try values.decodeIfPresent(Int.self, forKey: .audioPayloadType) ?? 0
        videoMap = try values.decodeIfPresent(String.self, forKey: .videoMap) ?? ""
        audioMap = try values.decodeIfPresent(String.self, forKey: .audioMap) ?? ""
        forceTranscode = try values.decodeIfPresent(Bool.self, forKey: .forceTranscode) ?? false
        encodings = try values.decodeIfPresent([Encoding].self, forKey: .encodings) ?? []
        audioCodec = try values.decodeIfPresent(AudioCodec.self, forKey: .audioCodec) ?? .opus
    }

    /// What was new with encodings is left out where it has its default: hosts that don't know it read what they have always read.
    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(isEnabled, forKey: .isEnabled)
        if encodings.isEmpty {
            try values.encode(videoPayloadType, forKey: .videoPayloadType)
            try values.encode(videoMap, forKey: .videoMap)
            try values.encode(forceTranscode, forKey: .forceTranscode)
        } else {
            try values.encode(encodings, forKey: .encodings)
        }
        try values.encode(audioPayloadType, forKey: .audioPayloadType)
        try values.encode(audioMap, forKey: .audioMap)
        if audioCodec != .opus { try values.encode(audioCodec, forKey: .audioCodec) }
    }
}
