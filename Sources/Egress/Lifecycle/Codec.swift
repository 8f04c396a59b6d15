/// What a picture is compressed with. The raw values are those of the configuration.
public enum VideoCodec: String, Sendable, Hashable, CaseIterable, Codable {
    case h264, h265, vp8, vp9, av1

    /// As people write it: `H.264`.
    public var name: String {
        switch self {
        case .h264: "H.264"
        case .h265: "H.265"
        case .vp8: "VP8"
        case .vp9: "VP9"
        case .av1: "AV1"
        }
    }
}

/// What sound is compressed with. The raw values are those of the configuration.
public enum AudioCodec: String, Sendable, Hashable, CaseIterable, Codable {
    case opus, pcmu, pcma, g722

    /// As people write it: `Opus`.
    public var name: String {
        switch self {
        case .opus: "Opus"
        case .pcmu: "PCMU"
        case .pcma: "PCMA"
        case .g722: "G.722"
        }
    }

    /// What a payload type of 0 stands for. Those of G.711 and G.722 are static (RFC 3551 §6): the 0 of PCMU is its own.
    public var defaultPayloadType: Int {
        switch self {
        case .opus: 111
        case .pcmu: 0
        case .pcma: 8
        case .g722: 9
        }
    }
}
