#if Server
import Dispatch
import Glibc
import Logging
import Synchronization
import Testing

@testable import EgressServer

@Suite struct LogTests {
    private static func logged(_ log: (inout Logger) -> Void) -> [String] {
        let lines = Recorder()
        var logger = Logger(label: "egress") { LineLogHandler(label: $0) { lines.add($0) } }
        log(&logger)
        return lines.all
    }

    private final class Recorder: Sendable {
        private let lines = Mutex<[String]>([])

        func add(_ line: String) { lines.withLock { $0.append(line) } }

        var all: [String] { lines.withLock { $0 } }
    }

    @Test func aLineHasTimeLevelMetadataAndMessage() {
        let lines = Self.logged { logger in
            logger[metadataKey: "stream"] = "cam"
            logger.warning("something happened", metadata: ["port": "8189"])
        }
        #expect(lines.count == 1)
        #expect(
            lines[0].contains(#/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4} warning egress: port=8189 stream=cam \[\w+\] something happened$/#)
        )
    }

    /// C0, DEL, C1, separators of lines and paragraphs, bidirectional and other controls that are not seen, in message and metadata alike.
    @Test(arguments: [
        "\n", "\r", "\r\n", "\t", "\u{1B}[31m", "\0", "\u{7F}", "\u{85}", "\u{9B}", "\u{2028}", "\u{2029}", "\u{202E}", "\u{2066}",
        "\u{200F}", "\u{FEFF}",
    ])
    func whatAStrangerWritesStaysInItsLine(_ evil: String) {
        let lines = Self.logged { $0.info("id \"a\(evil)b\"", metadata: ["id": "a\(evil)b"]) }
        #expect(lines.count == 1)
        for scalar in evil.unicodeScalars where !scalar.isASCII || scalar.value < 0x20 || scalar.value == 0x7F {
            #expect(!lines[0].unicodeScalars.contains(scalar))
        }
        #expect(lines[0].count(where: { $0 == "\\" }) >= 2)
    }

    @Test func whatIsNoControlStaysAsItIs() {
        #expect(LogText.escaped("Kamera „Süd“ 🎥 C:\\video") == "Kamera „Süd“ 🎥 C:\\video")
    }

    @Test func aLineHasABoundedLengthAndSaysWhatItLacks() {
        let lines = Self.logged {
            $0.info(
                "no stream is called \(String(repeating: "\n", count: 20_000))",
                metadata: ["id": "\(String(repeating: "é", count: 20_000))"])
        }
        #expect(lines.count == 1)
        #expect(lines[0].utf8.count < LogText.lineSizeMax + 64)
        #expect(lines[0].contains("no stream is called"))
        #expect(lines[0].contains(#/… \(\d+ more bytes\)$/#))
    }

    @Test func whatHasNoRoomIsCountedAndTheNewestIsLost() {
        var queue = LineQueue()
        for number in 0..<LineQueue.linesMax + 5 { queue.append(Array("\(number)".utf8)) }
        #expect(queue.items.count == LineQueue.linesMax)
        #expect(queue.lostInAll == 5)
        let (items, lost) = queue.take()
        guard case .line(let first)? = items.first else { return #expect(Bool(false), "no line") }
        #expect(first == Array("0".utf8))
        #expect(lost == 5)
        #expect(queue.take().lost == 0)
        var large = LineQueue()
        let line = [UInt8](repeating: 0x61, count: LogText.lineSizeMax)
        while large.append(line) {}
        #expect(large.items.count == LineQueue.bytesMax / line.count)
    }

    /// A pipe that nobody reads: 64 KiB fill it.
    @Test func aReaderThatSleepsHoldsUpNobodyAndIsToldWhatItMissed() throws {
        var ends: [Int32] = [-1, -1]
        try #require(pipe(&ends) == 0)
        let writer = LineWriter(ends[1])
        let line = String(repeating: "x", count: 1_000)
        for _ in 0..<10_000 { writer.write(line) }
        #expect(writer.linesLost > 0)
        writer.flush(within: .milliseconds(10))
        // It wakes up.
        var text = ""
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while !text.contains("lines of the log were lost here") {
            let count = read(ends[0], &chunk, chunk.count)
            try #require(count > 0)
            text = String(text.suffix(2_000)) + String(decoding: chunk[..<count], as: UTF8.self)
        }
        writer.write("goes on")
        while !text.hasSuffix("goes on\n") {
            let count = read(ends[0], &chunk, chunk.count)
            try #require(count > 0)
            text = String(text.suffix(2_000)) + String(decoding: chunk[..<count], as: UTF8.self)
        }
        writer.flush(within: .seconds(10))
    }

    @Test func aReaderThatIsGoneDoesNoHarm() throws {
        var ends: [Int32] = [-1, -1]
        try #require(pipe(&ends) == 0)
        close(ends[0])
        let writer = LineWriter(ends[1])
        writer.write("nobody reads this")
        writer.flush(within: .seconds(10))
        #expect(writer.linesLost == 1)
    }
}
#endif
