/// The `webrtc` block of a process' configuration.
public struct WebRTCConfig: Sendable, Hashable {
    public var isEnabled: Bool
    /// The RTP payload type of the video leg; 0: 102.
    public var videoPayloadType: Int
    /// The RTP payload type of the audio leg; 0: 111.
    public var audioPayloadType: Int
    /// FFmpeg's `-map` for video. Empty means `0:v:0`; ``noMap`` means no video leg.
    public var videoMap: String
    /// FFmpeg's `-map` for audio. Empty means `0:a:0`; ``noMap`` means no audio leg.
    public var audioMap: String
    /// Encode the video even if it could be copied.
    public var forceTranscode: Bool

    /// The map that leaves a leg out.
    public static let noMap = "none"

    public init(
        isEnabled: Bool = false, videoPayloadType: Int = 0, audioPayloadType: Int = 0,
        videoMap: String = "", audioMap: String = "", forceTranscode: Bool = false
    ) {
        self.isEnabled = isEnabled
        self.videoPayloadType = videoPayloadType
        self.audioPayloadType = audioPayloadType
        self.videoMap = videoMap
        self.audioMap = audioMap
        self.forceTranscode = forceTranscode
    }

    public var hasVideo: Bool { videoMap != Self.noMap }
    public var hasAudio: Bool { audioMap != Self.noMap }

    /// The same configuration with every default filled in.
    /// - Throws: ``EgressError/Code/invalidConfiguration``, naming the JSON field.
    public func normalized() throws(EgressError) -> WebRTCConfig {
        var result = self
        // The fields of a leg that is left out mean nothing, and may have any value.
        if !hasVideo || result.videoPayloadType == 0 { result.videoPayloadType = 102 }
        if !hasAudio || result.audioPayloadType == 0 { result.audioPayloadType = 111 }
        if result.videoMap.isEmpty { result.videoMap = "0:v:0" }
        if result.audioMap.isEmpty { result.audioMap = "0:a:0" }
        try Self.check(result.videoPayloadType, "video_pt")
        try Self.check(result.audioPayloadType, "audio_pt")
        guard !hasVideo || !hasAudio || result.videoPayloadType != result.audioPayloadType else {
            throw .invalid("audio_pt", "\(result.audioPayloadType) is the video's payload type too")
        }
        guard result.hasVideo || result.hasAudio else {
            throw .invalid("audio_map", "video_map and audio_map are both \"none\", so nothing is left to send")
        }
        return result
    }

    /// The legs that the stream has.
    var legs: Set<LegPlan.Leg> { Set((hasVideo ? [.video] : []) + (hasAudio ? [.audio] : [])) }

    /// The same configuration without the legs that a plan leaves out.
    /// - Throws: ``EgressError/Code/invalidConfiguration`` when nothing is left.
    func leavingOut(_ missing: Set<LegPlan.Leg>) throws(EgressError) -> WebRTCConfig {
        var result = self
        if missing.contains(.video) { result.videoMap = Self.noMap }
        if missing.contains(.audio) { result.audioMap = Self.noMap }
        guard result.hasVideo || result.hasAudio else {
            throw EgressError(code: .invalidConfiguration, message: "webrtc: the plan leaves out every leg that the configuration has")
        }
        return result
    }

    private static func check(_ payloadType: Int, _ field: String) throws(EgressError) {
        guard (0...127).contains(payloadType) else { throw .invalid(field, "\(payloadType) is not within 0..127") }
        // The second byte of an RTP packet with the marker set would be that of an RTCP packet.
        guard !(64...95).contains(payloadType) else {
            throw .invalid(field, "\(payloadType) is in 64..95, which RTCP uses (RFC 5761)")
        }
    }
}

extension WebRTCConfig: Codable {
    private enum CodingKeys: String, CodingKey {
        case isEnabled = "enabled"
        case videoPayloadType = "video_pt"
        case audioPayloadType = "audio_pt"
        case videoMap = "video_map"
        case audioMap = "audio_map"
        case forceTranscode = "force_transcode"
    }

    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        isEnabled = try values.decodeIfPresent(Bool.self, forKey: .isEnabled) ?? false
        videoPayloadType = try values.decodeIfPresent(Int.self, forKey: .videoPayloadType) ?? 0
        audioPayloadType = try values.decodeIfPresent(Int.self, forKey: .audioPayloadType) ?? 0
        videoMap = try values.decodeIfPresent(String.self, forKey: .videoMap) ?? ""
        audioMap = try values.decodeIfPresent(String.self, forKey: .audioMap) ?? ""
        forceTranscode = try values.decodeIfPresent(Bool.self, forKey: .forceTranscode) ?? false
    }
}
