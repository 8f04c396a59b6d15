#if Server
import Testing

@testable import EgressServer

@Suite struct LineBudgetTests {
    let start = ContinuousClock.now

    @Test func grantsSoManyLinesInAWindow() {
        var budget = LineBudget()
        let verdicts = (0..<30).map { budget.spend(now: start + .milliseconds(10 * $0)) }
        #expect(verdicts.filter(\.isGranted).count == LineBudget.linesMax)
        #expect(verdicts.allSatisfy { $0.suppressed == 0 })
    }

    @Test func saysAfterwardsHowManyWereLeftOut() {
        var budget = LineBudget()
        for _ in 0..<LineBudget.linesMax + 7 { _ = budget.spend(now: start) }
        #expect(budget.spend(now: start + LineBudget.window) == (true, 7))
        #expect(budget.spend(now: start + LineBudget.window) == (true, 0))
    }
}
#endif
