#if Server
import Testing

@testable import EgressServer

@Suite struct LineSplitterTests {
    static let start = ContinuousClock.now

    private func take(_ splitter: inout LineSplitter, _ text: String, at time: Duration = .zero) -> [String] {
        Array(text.utf8).withUnsafeBytes { splitter.take($0, now: Self.start + time) }
    }

    @Test func linesMayComeInPieces() {
        var splitter = LineSplitter(.bounded)
        #expect(take(&splitter, "one\ntw") == ["one"])
        #expect(take(&splitter, "o\r\n\nthree\rfo") == ["two", "three"])
        #expect(splitter.finish() == ["fo"])
        #expect(splitter.finish() == [])
    }

    @Test func charactersMayComeInPiecesToo() {
        var splitter = LineSplitter(.bounded)
        let bytes = Array("ä\n".utf8)
        #expect(bytes[..<1].withUnsafeBytes { splitter.take($0, now: Self.start) } == [])
        #expect(bytes[1...].withUnsafeBytes { splitter.take($0, now: Self.start) } == ["ä"])
    }

    @Test(arguments: [LineSplitter.Volume.bounded, .everything]) func aLineWithoutEndIsCutOnceAndTheNextIsReadAgain(
        volume: LineSplitter.Volume
    ) {
        var splitter = LineSplitter(volume)
        var lines: [String] = []
        for _ in 0..<20 { lines += take(&splitter, String(repeating: "x", count: 64 * 1024)) }
        lines += take(&splitter, "y\nnext\n")
        #expect(lines.count == 2)
        #expect(lines.first?.hasPrefix("xxx") == true)
        #expect((lines.first?.utf8.count ?? 0) < LineSplitter.lineSizeMaxOfEverything + 100)
        #expect(lines.last == "next")
    }

    @Test func aFloodIsPassedOverUpToItsLastLines() {
        var splitter = LineSplitter(.bounded)
        var lines: [String] = []
        for number in 0..<100 {
            lines += take(&splitter, String(repeating: "flood \(number)\n", count: 5_000))
            #expect(splitter.isFlooded)
        }
        #expect(lines.count == LineSplitter.linesMax)
        let after = take(&splitter, "done\n", at: .seconds(1))
        #expect(!splitter.isFlooded)
        #expect(after.first?.hasSuffix("bytes of a flood of lines are left out)") == true)
        #expect(after.dropFirst().allSatisfy { $0 == "flood 99" || $0 == "done" } && after.last == "done")
        #expect(after.count <= LineSplitter.tailLinesMax + 2)
    }

    @Test func theLastLinesOfAFloodAreHandedOutAtTheEnd() {
        var splitter = LineSplitter(.bounded)
        _ = take(&splitter, String(repeating: "a\n", count: LineSplitter.linesMax) + "why it died\n")
        #expect(splitter.isFlooded)
        #expect(splitter.finish() == ["why it died"])
    }

    @Test func everythingIsKeptWhereItIsWanted() {
        var splitter = LineSplitter(.everything)
        #expect(take(&splitter, String(repeating: "a\n", count: 20_000)).count == 20_000)
        #expect(!splitter.isFlooded)
    }
}
#endif
