/// The format that a stream's sequence parameter set describes. Of several sets it is the one that the last IDR activated.
public struct VideoFormat: Sendable, Hashable {
    public var profileIDC: UInt8
    public var constraints: UInt8
    public var levelIDC: UInt8
    public var chromaFormatIDC: UInt8
    /// In pixels, after cropping.
    public var width: Int
    public var height: Int

    public init(profileIDC: UInt8, constraints: UInt8, levelIDC: UInt8, chromaFormatIDC: UInt8 = 1, width: Int, height: Int) {
        self.profileIDC = profileIDC
        self.constraints = constraints
        self.levelIDC = levelIDC
        self.chromaFormatIDC = chromaFormatIDC
        self.width = width
        self.height = height
    }

    /// The value of `profile-level-id` (RFC 6184 §8.1), for example `42c01f`.
    public var profileLevelID: String {
        [profileIDC, constraints, levelIDC].map { $0.hex }.joined()
    }

    /// For example `Constrained Baseline`.
    public var profileName: String { profile.name }

    /// For example `3.1`; level 1b is `1b`.
    public var level: String {
        if levelIDC == 9 || (levelIDC == 11 && constraints & 0x10 != 0 && [66, 77, 88].contains(profileIDC)) { return "1b" }
        return "\(levelIDC / 10).\(levelIDC % 10)"
    }

    var profile: H264Profile { H264Profile(profileIDC: profileIDC, constraints: constraints) }

    /// For example `H.264 Constrained Baseline (42c01f)`.
    var codecName: String { "H.264 \(profileName) (\(profileLevelID))" }
}

extension VideoFormat: Encodable {
    private enum CodingKeys: String, CodingKey {
        case profile, level, width, height
        case profileLevelID = "profile_level_id"
    }

    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(profileName, forKey: .profile)
        try values.encode(level, forKey: .level)
        try values.encode(profileLevelID, forKey: .profileLevelID)
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
