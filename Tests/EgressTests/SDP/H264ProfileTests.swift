import Testing

@testable import Egress

@Suite struct H264ProfileTests {
    static let identifiers: [(String, H264Profile?)] = [
        ("42c01f", .constrainedBaseline), ("42e01f", .constrainedBaseline), ("42401f", .constrainedBaseline), ("42001f", .baseline),
        ("42801f", .baseline), ("4d001f", .main), ("4d401f", .main), ("4d801f", .constrainedBaseline), ("58c01f", .constrainedBaseline),
        ("58001f", .extended), ("64001f", .high), ("640c1f", .constrainedHigh), ("64081f", .high), ("6e001f", .high10),
        ("7a001f", .high422), ("f4001f", .high444), ("2c001f", .other(44)), ("42E01F", .constrainedBaseline),
        ("", nil), ("42e0", nil), ("42e01g", nil), ("+2e01f", nil), ("42e01f0", nil),
    ]

    @Test(arguments: identifiers.indices) func theConstraintBitsMakeTheProfile(row: Int) {
        #expect(H264Profile(profileLevelID: Self.identifiers[row].0) == Self.identifiers[row].1)
    }

    @Test func aProfileIsPlayableByItselfFirst() {
        for profile in Self.identifiers.compactMap(\.1) { #expect(profile.playableBy.first == profile) }
    }

    @Test func aSmallerDecoderDoesNotPlayAGreaterStream() {
        #expect(!H264Profile.main.playableBy.contains(.constrainedBaseline))
        #expect(!H264Profile.main.playableBy.contains(.baseline))
        #expect(!H264Profile.high.playableBy.contains(.main))
        #expect(!H264Profile.baseline.playableBy.contains(.constrainedBaseline))
        #expect(!H264Profile.baseline.playableBy.contains(.main))
        #expect(!H264Profile.high10.playableBy.contains(.high))
    }
}
