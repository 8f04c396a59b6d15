#if Server
internal import Egress

/// The list that `"encodings": "ladder"` stands for: up to three H.264 encodings of an input's pictures, of which each viewer gets the one that its
/// link takes.
///
/// All of them are encoded, also where the input could go out as it is: a viewer is switched at a key picture, and those of a copy are the input's,
/// at other times than those that are made here, further apart or of another kind.
struct EncodingLadder: Sendable, Hashable {
    /// Of the shorter side, with the bit rate that pictures of 16 to 9 get.
    private struct Rung {
        var size: Int
        var bitRate: Double
    }

    private static let rungs = [
        Rung(size: 1_080, bitRate: 4_500_000), Rung(size: 720, bitRate: 2_000_000), Rung(size: 480, bitRate: 1_200_000),
        Rung(size: 360, bitRate: 600_000), Rung(size: 240, bitRate: 300_000), Rung(size: 144, bitRate: 150_000),
    ]
    private static let countMax = 3
    /// A smaller step does not pay: it takes an encoder, and viewers' links change by more than that.
    private static let step = 2.0
    /// Less is no picture.
    private static let bitRateMin = 50_000.0

    let width: Int
    let height: Int

    /// - Parameter video: nil: the input has none at present, and some is assumed that most links take.
    init(of video: MediaProbe.Video?) throws(LegDecision.Impossible) {
        guard let video else {
            (width, height) = (1_280, 720)
            return
        }
        guard let width = video.width, let height = video.height, width > 0, height > 0 else {
            throw .init(
                field: "encodings",
                problem: "\"ladder\" goes by the size of the pictures, and the input does not tell it: give a list instead")
        }
        let isTurned = video.rotation % 180 != 0
        self.width = isTurned ? height : width
        self.height = isTurned ? width : height
    }

    /// The highest first: a viewer begins with it.
    var encodings: [Encoding] {
        let shorter = min(width, height)
        let top = min(Self.even(shorter), Self.rungs[0].size)
        var chosen = [Rung(size: top, bitRate: Self.bitRate(ofSize: top))]
        for rung in Self.rungs where chosen.count < Self.countMax && rung.bitRate * Self.step <= chosen[chosen.count - 1].bitRate {
            chosen.append(rung)
        }
        return chosen.map(encoding)
    }

    private func encoding(_ rung: Rung) -> Encoding {
        // Pictures of 4 to 3 have fewer pixels than those of 16 to 9.
        let aspect = Double(max(width, height)) / Double(min(width, height))
        let bitRate = min(max(rung.bitRate * aspect * 9 / 16, Self.bitRateMin), Double(Encoding.bitRates.upperBound))
        var encoding = Encoding(rid: "\(rung.size)p", codec: .h264, bitRate: Int(saturating: bitRate / 10_000) * 10_000)
        // The other side follows by the input's aspect.
        if height <= width { encoding.height = rung.size } else { encoding.width = rung.size }
        return encoding
    }

    /// Between two rungs in proportion; below the lowest by the number of pixels.
    private static func bitRate(ofSize size: Int) -> Double {
        guard let upper = rungs.lastIndex(where: { $0.size >= size }) else { return rungs[0].bitRate }
        let above = rungs[upper]
        guard upper + 1 < rungs.count else {
            let part = Double(size) / Double(above.size)
            return above.bitRate * part * part
        }
        let below = rungs[upper + 1]
        return below.bitRate + (above.bitRate - below.bitRate) * Double(size - below.size) / Double(above.size - below.size)
    }

    /// Encoders take no other.
    private static func even(_ size: Int) -> Int { max(2, size / 2 * 2) }
}
#endif
