/// What the key pictures of an encoding say of it: their sequence parameter set, of several the one that the last of them activated, their
/// sequence header or frame header. The numbers are those of the codec: of AV1 the level is `seq_level_idx`.
public struct VideoFormat: Sendable, Hashable {
    public var codec: VideoCodec
    public var profileIDC: UInt8
    /// Of H.264 its constraint flags; of H.265 and AV1 the tier, 1 is High.
    public var constraints: UInt8
    public var levelIDC: UInt8
    public var chromaFormatIDC: UInt8
    /// In pixels, after cropping.
    public var width: Int
    public var height: Int

    public init(
        codec: VideoCodec = .h264, profileIDC: UInt8, constraints: UInt8, levelIDC: UInt8, chromaFormatIDC: UInt8 = 1,
        width: Int, height: Int
    ) {
        self.codec = codec
        self.profileIDC = profileIDC
        self.constraints = constraints
        self.levelIDC = levelIDC
        self.chromaFormatIDC = chromaFormatIDC
        self.width = width
        self.height = height
    }

    /// `42c01f`: the value of H.264's `profile-level-id` (RFC 6184 §8.1).
    public var profileLevelID: String {
        [profileIDC, constraints, levelIDC].map { $0.hex }.joined()
    }

    /// `Constrained Baseline`; the number of a profile that has no name: those of VP8 and VP9.
    public var profileName: String {
        switch (codec, profileIDC) {
        case (.h264, _): profile.name
        case (.h265, 1), (.av1, 0): "Main"
        case (.h265, 2): "Main 10"
        case (.h265, 3): "Main Still Picture"
        case (.av1, 1): "High"
        case (.av1, 2): "Professional"
        default: "\(profileIDC)"
        }
    }

    /// `3.1`; level 1b is written as such. Empty where the pictures do not tell.
    public var level: String {
        switch codec {
        case .h264: h264Level
        case .h265: "\(levelIDC / 30).\(levelIDC % 30 / 3)"
        // Annex A.3 of the AV1 specification; 31 means that no level limits the pictures.
        case .av1: levelIDC == 31 ? "" : "\(2 + (levelIDC >> 2)).\(levelIDC & 3)"
        case .vp8, .vp9: ""
        }
    }

    private var h264Level: String {
        if levelIDC == 9 || (levelIDC == 11 && constraints & 0x10 != 0 && [66, 77, 88].contains(profileIDC)) { return "1b" }
        return "\(levelIDC / 10).\(levelIDC % 10)"
    }

    var profile: H264Profile { H264Profile(profileIDC: profileIDC, constraints: constraints) }

    var tier: UInt8 { codec == .h264 ? 0 : constraints }

    /// `H.264 Constrained Baseline (42c01f), level 3.1, 1280x720`
    var summary: String { "\(codecName), " + (level.isEmpty ? "" : "level \(level), ") + "\(width)x\(height)" }

    /// `H.264 Constrained Baseline (42c01f)`, `VP9 profile 2`.
    var codecName: String {
        switch codec {
        case .h264: "H.264 \(profileName) (\(profileLevelID))"
        case .h265: "H.265 \(profileName)" + (tier == 0 ? "" : " (High tier)")
        case .vp8: "VP8"
        case .vp9, .av1: "\(codec.name) profile \(profileIDC)"
        }
    }
}

extension VideoFormat: Encodable {
    private enum CodingKeys: String, CodingKey {
        case profile, level, width, height
        case profileLevelID = "profile_level_id"
    }

    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(profileName, forKey: .profile)
        if !level.isEmpty { try values.encode(level, forKey: .level) }
        if codec == .h264 { try values.encode(profileLevelID, forKey: .profileLevelID) }
        try values.encode(width, forKey: .width)
        try values.encode(height, forKey: .height)
    }
}

extension FixedWidthInteger where Self: UnsignedInteger {
    /// Lower-case hexadecimal with all leading zeros.
    var hex: String {
        let digits = String(self, radix: 16)
        return String(repeating: "0", count: Self.bitWidth / 4 - digits.utf8.count) + digits
    }
}
