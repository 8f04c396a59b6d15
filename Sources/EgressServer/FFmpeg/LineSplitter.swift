#if Server
/// Splits the bytes that a process writes into lines, and limits their number and length.
///
/// A line over ``lineSizeMax`` is cut, and the rest of it is discarded. When there are more lines than ``linesMax`` in a second, only the last
/// ones are kept until the second is over. It has no clock: the time is handed in.
struct LineSplitter: Sendable {
    /// How much of a process' output is wanted.
    enum Volume: Sendable, Hashable {
        /// All output, of a process that ends soon.
        case everything
        /// The output of a process that runs for long, as long as it is little.
        case bounded
    }

    static let lineSizeMax = 16 * 1024
    /// For a process whose output is wanted whole, for example the tags of a film in JSON.
    static let lineSizeMaxOfEverything = 1024 * 1024
    static let linesMax = 500
    static let tailSizeMax = 4 * 1024
    static let tailLinesMax = 20
    static let window = Duration.seconds(1)

    private let volume: Volume
    private let sizeMax: Int
    private var partial: [UInt8] = []
    /// Whether the rest of the line is discarded.
    private var isDiscarding = false
    private var windowEnd: ContinuousClock.Instant?
    private var linesOfWindow = 0
    /// The newest bytes of a flood, and how many bytes came in all.
    private var tail: [UInt8] = []
    private var flooded = 0

    init(_ volume: Volume) {
        self.volume = volume
        sizeMax = volume == .everything ? Self.lineSizeMaxOfEverything : Self.lineSizeMax
    }

    /// Whether more has come than is read line by line, so that reading may pause.
    var isFlooded: Bool { flooded > 0 }

    /// The lines that these bytes complete, without line ends. Empty lines are left out.
    mutating func take(_ bytes: UnsafeRawBufferPointer, now: ContinuousClock.Instant) -> [String] {
        var lines: [String] = []
        if volume == .bounded, windowEnd.map({ $0 <= now }) ?? true {
            lines = endFlood()
            windowEnd = now + Self.window
            linesOfWindow = 0
        }
        var rest = bytes[...]
        while !rest.isEmpty, flooded == 0 {
            let end = rest.firstIndex { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }
            append(rest[..<(end ?? rest.endIndex)], to: &lines)
            guard let end else { return lines }
            close(&lines)
            rest = rest[(end + 1)...]
            if volume == .bounded, linesOfWindow >= Self.linesMax { flooded += rest.count }
        }
        guard flooded > 0 else { return lines }
        if rest.startIndex == bytes.startIndex { flooded += rest.count }
        tail = Array((tail + rest.suffix(Self.tailSizeMax)).suffix(Self.tailSizeMax))
        return lines
    }

    /// The lines that are left when the process has closed its pipe.
    mutating func finish() -> [String] {
        var lines = endFlood()
        close(&lines)
        return lines
    }

    private mutating func append(_ bytes: Slice<UnsafeRawBufferPointer>, to lines: inout [String]) {
        guard !isDiscarding else { return }
        partial += bytes.prefix(sizeMax - partial.count)
        guard partial.count == sizeMax, volume == .bounded else {
            isDiscarding = partial.count == sizeMax
            return
        }
        isDiscarding = true
        emit(" … (a line of more than \(sizeMax) bytes)", &lines)
    }

    private mutating func close(_ lines: inout [String]) {
        emit("", &lines)
        isDiscarding = false
    }

    private mutating func emit(_ suffix: String, _ lines: inout [String]) {
        guard !partial.isEmpty else { return }
        lines.append(String(decoding: partial, as: UTF8.self) + suffix)
        linesOfWindow += 1
        partial.removeAll(keepingCapacity: true)
    }

    /// Adds a line that says how much of a flood was left out, and the flood's last whole lines.
    private mutating func endFlood() -> [String] {
        guard flooded > 0 else { return [] }
        var lines: [String] = []
        if flooded > tail.count { lines.append("(\(flooded - tail.count) bytes of a flood of lines are left out)") }
        var pieces = tail.split(omittingEmptySubsequences: false) { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }
        // The first piece has no beginning when something was lost before it. The last piece may still get its end.
        if flooded > tail.count { pieces = Array(pieces.dropFirst()) }
        partial = pieces.popLast().map(Array.init) ?? []
        isDiscarding = false
        lines += pieces.filter { !$0.isEmpty }.suffix(Self.tailLinesMax).map { String(decoding: $0, as: UTF8.self) }
        tail = []
        flooded = 0
        return lines
    }
}
#endif
