import Testing

@testable import Egress

@Suite struct BitRateBudgetTests {
    let start = ContinuousClock.now

    /// Sends at this rate from `seconds.lowerBound` on, measured once a second.
    private func send(_ bitRate: Int, _ seconds: ClosedRange<Int>, from bytes: UInt64 = 0, _ budget: inout BitRateBudget) -> UInt64 {
        var bytes = bytes
        for second in seconds {
            budget.measure(bytes: bytes, now: start + .seconds(second))
            bytes += UInt64(bitRate / 8)
        }
        return bytes
    }

    @Test func whatIsSentIsMeasuredOverSomeSeconds() {
        var budget = BitRateBudget(1)
        #expect(budget.measured == 0)
        let bytes = send(8_000_000, 0...10, &budget)
        #expect(budget.measured == 8_000_000)
        _ = send(0, 11...30, from: bytes, &budget)
        #expect(budget.measured == 0)
    }

    @Test func nobodyIsLetInBeyondTheLimit() {
        var budget = BitRateBudget(10_000_000)
        _ = send(8_000_000, 0...10, &budget)
        let now = start + .seconds(10)
        #expect(budget.reserve(2_500_000, now: now) == false)
        #expect(budget.reserve(2_000_000, now: now) == true)
        #expect(budget.reserve(1, now: now) == false)
        #expect(budget.reserve(0, now: now) == false, "it is reached")
    }

    @Test func aCrowdWithinOneSecondCountsBeforeItIsMeasured() {
        var budget = BitRateBudget(100_000_000)
        let admitted = (0..<1_000).count { budget.reserve(2_500_000, now: start + .milliseconds($0)) }
        #expect(admitted == 40)
    }

    @Test func reservationsEndWhenTheirViewersShowInWhatIsMeasured() {
        var budget = BitRateBudget(10_000_000)
        #expect(budget.reserve(5_000_000, now: start) == true)
        #expect(budget.reserve(5_000_000, now: start + .seconds(1)) == true)
        #expect(budget.reserve(5_000_000, now: start + .seconds(5)) == false)
        // Nobody of them has come.
        #expect(budget.reserve(5_000_000, now: start + .seconds(6)) == true)
        #expect(budget.reserve(5_000_000, now: start + .milliseconds(6_999)) == false)
        #expect(budget.reserve(5_000_000, now: start + .seconds(7)) == true)
    }

    @Test func zeroIsNoLimit() {
        var budget = BitRateBudget(0)
        _ = send(1_000_000_000, 0...5, &budget)
        #expect(budget.reserve(Int.max, now: start) == true)
    }

    @Test func aRateThatNoNumberHoldsIsRefused() {
        var budget = BitRateBudget(Int.max)
        #expect(budget.reserve(Int.max, now: start) == true)
        #expect(budget.reserve(Int.max, now: start) == false)
    }
}
