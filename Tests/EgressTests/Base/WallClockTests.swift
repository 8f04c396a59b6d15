import Testing

@testable import Egress

@Suite struct WallClockTests {
    @Test(arguments: [
        (0, "Thu, 01 Jan 1970 00:00:00 GMT"), (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
        (1_795_392_031, "Mon, 23 Nov 2026 00:00:31 GMT"),
    ])
    func datesAreWrittenAsHTTPHasThem(seconds: Int64, text: String) {
        #expect(WallClock.httpDate(seconds * 1_000_000) == text)
    }
}
