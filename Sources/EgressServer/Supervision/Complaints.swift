#if Server
internal import Egress
internal import Synchronization

/// What FFmpeg has complained about in all runs of one stream. The same sentence is logged once, however often and in however many runs FFmpeg
/// writes it. After a while it is logged again with its count.
final class Complaints: Sendable {
    static let window = Duration.seconds(600)
    static let sentencesMax = 128

    private let repetitions = Mutex(Repetitions(window: window, entriesMax: sentencesMax))

    /// The line to log; nil when it was logged lately.
    func told(_ line: String, now: ContinuousClock.Instant) -> String? {
        let verdict = repetitions.withLock { $0.note(Self.sentence(line), now: now) }
        guard verdict.isTold else { return nil }
        return verdict.repeated > 0 ? "\(line) (written \(verdict.repeated) more times since)" : line
    }

    /// The line without what differs each time: numbers, times, addresses in memory.
    static func sentence(_ line: String) -> String {
        var sentence: [UInt8] = []
        var rest = line.utf8.prefix(1_024)
        while let byte = rest.first {
            guard isDigit(byte) else {
                sentence.append(byte)
                rest = rest.dropFirst()
                continue
            }
            if sentence.last != UInt8(ascii: "#") { sentence.append(UInt8(ascii: "#")) }
            let isHexadecimal = byte == UInt8(ascii: "0") && rest.dropFirst().first == UInt8(ascii: "x")
            rest = isHexadecimal ? rest.dropFirst(2).drop(while: isHexDigit) : rest.drop(while: isDigit)
        }
        return String(decoding: sentence, as: UTF8.self)
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    private static func isHexDigit(_ byte: UInt8) -> Bool { isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte | 0x20) }
}
#endif
