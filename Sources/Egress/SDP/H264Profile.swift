/// An H.264 profile as far as one decoder differs from another (ITU-T H.264 Annex A, RFC 6184 §8.1 Table 5).
enum H264Profile: Sendable, Hashable {
    case constrainedBaseline, baseline, extended, main, constrainedHigh, high, high10, high422, high444
    case other(UInt8)

    /// The constraint bits turn one profile into another: a Baseline stream that keeps to constraint_set1 is Constrained Baseline, and so is
    /// a Main one that keeps to constraint_set0.
    init(profileIDC: UInt8, constraints: UInt8) {
        let isSet0 = constraints & 0x80 != 0
        let isSet1 = constraints & 0x40 != 0
        let isSet4And5 = constraints & 0x0C == 0x0C
        self =
            switch profileIDC {
            case 66: isSet1 ? .constrainedBaseline : .baseline
            case 77: isSet0 ? .constrainedBaseline : .main
            case 88: isSet0 && isSet1 ? .constrainedBaseline : (isSet0 ? .baseline : .extended)
            case 100: isSet4And5 ? .constrainedHigh : .high
            case 110: .high10
            case 122: .high422
            case 244: .high444
            default: .other(profileIDC)
            }
    }

    /// Reads an offer's `profile-level-id`, six hexadecimal digits.
    init?(profileLevelID: some StringProtocol) {
        // Only digits are allowed: the initialiser alone would accept a sign too.
        guard profileLevelID.utf8.count == 6, profileLevelID.allSatisfy(\.isHexDigit), let value = UInt32(profileLevelID, radix: 16) else {
            return nil
        }
        self.init(profileIDC: UInt8(truncatingIfNeeded: value >> 16), constraints: UInt8(truncatingIfNeeded: value >> 8))
    }

    /// Decoders that play a stream of this profile, the closest first. Constrained High comes after Main and High because those
    /// differ from it only by B-frames and interlacing, which don't work in WebRTC at all; Safari offers nothing higher.
    var playableBy: [H264Profile] {
        switch self {
        case .constrainedBaseline: [self, .baseline, .main, .constrainedHigh, .high, .high10, .high422, .high444, .extended]
        case .baseline: [self, .extended]
        case .main: [self, .high, .high10, .high422, .high444, .constrainedHigh]
        case .constrainedHigh: [self, .high, .high10, .high422, .high444]
        case .high: [self, .high10, .high422, .high444, .constrainedHigh]
        case .high10: [self, .high422, .high444]
        case .high422: [self, .high444]
        case .extended, .high444, .other: [self]
        }
    }

    var name: String {
        switch self {
        case .constrainedBaseline: "Constrained Baseline"
        case .baseline: "Baseline"
        case .extended: "Extended"
        case .main: "Main"
        case .constrainedHigh: "Constrained High"
        case .high: "High"
        case .high10: "High 10"
        case .high422: "High 4:2:2"
        case .high444: "High 4:4:4"
        case .other(let profileIDC): "profile \(profileIDC)"
        }
    }
}
