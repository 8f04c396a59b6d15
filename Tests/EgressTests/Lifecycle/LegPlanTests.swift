import Testing

@testable import Egress

@Suite struct LegPlanTests {
    static let sizes: [(width: Int?, height: Int?, rate: Double?, single: Bool)] = [
        (1280, 720, 30, true), (640, 360, 60, true), (1280, 720, 30.01, false), (1920, 1080, 25, false),
        (nil, 720, 30, false), (1280, nil, 30, false), (1280, 720, nil, false),
    ]

    @Test(arguments: sizes.indices) func oneSliceOnlyWhereOneCoreSuffices(row: Int) {
        let size = Self.sizes[row]
        let plan = LegPlan(video: .transcode(framesPerSecond: size.rate), width: size.width, height: size.height)
        #expect(plan.singleSlice == size.single)
    }
}
