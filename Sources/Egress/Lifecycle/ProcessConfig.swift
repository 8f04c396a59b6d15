/// The part of a process' configuration that egress reads. Everything else in the host's JSON is ignored.
public struct ProcessConfig: Sendable, Hashable {
    public var id: String?
    public var webrtc: WebRTCConfig

    public init(id: String? = nil, webrtc: WebRTCConfig = WebRTCConfig()) {
        self.id = id
        self.webrtc = webrtc
    }
}

extension ProcessConfig: Codable {
    private enum CodingKeys: String, CodingKey { case id, webrtc }

    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        id = try values.decodeIfPresent(String.self, forKey: .id)
        webrtc = try values.decodeIfPresent(WebRTCConfig.self, forKey: .webrtc) ?? WebRTCConfig()
    }
}
