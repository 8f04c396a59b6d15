import CEgressTests
import Testing

/// A case of the C suite: what it belongs to and the sentence it states.
struct CCase: Sendable, CustomTestStringConvertible {
    let index: Int
    let suite: String
    let name: String

    var testDescription: String { "\(suite)/\(name)" }

    static let all: [CCase] = (0..<eg_test_count()).map { index in
        CCase(index: index, suite: String(cString: eg_test_suite_of(index)), name: String(cString: eg_test_name(index)))
    }
}

// One after the other: some cases count the process' descriptors, and two fork.
@Suite(.serialized) struct CEngineTests {
    @Test(arguments: CCase.all) func holds(_ testCase: CCase) {
        var report = [CChar](repeating: 0, count: 16 * 1024)
        let holds = eg_test_run(testCase.index, &report, report.count)
        let text = String(decoding: report.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        #expect(holds, "\(testCase.testDescription)\n\(text)")
    }
}
