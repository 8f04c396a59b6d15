#if Server
internal import Dispatch

/// Lines that wait to be written. Lines that find no room are counted.
struct LineQueue {
    static let linesMax = 8_192
    static let bytesMax = 2 * 1024 * 1024

    enum Item {
        case line([UInt8])
        /// A mark: a caller waits until everything before it is written.
        case mark(DispatchSemaphore)
    }

    private(set) var items: [Item] = []
    private var lines = 0
    private var bytes = 0
    /// Lines lost since the log last said so.
    private var lost = 0
    /// Lines lost since the start.
    private(set) var lostInAll: UInt64 = 0

    /// - Returns: whether there was room.
    @discardableResult
    mutating func append(_ line: [UInt8]) -> Bool {
        guard lines < Self.linesMax, bytes + line.count <= Self.bytesMax else {
            countLost(1)
            return false
        }
        lines += 1
        bytes += line.count
        items.append(.line(line))
        return true
    }

    mutating func mark(_ mark: DispatchSemaphore) { items.append(.mark(mark)) }

    mutating func countLost(_ count: Int) {
        lost += count
        lostInAll += UInt64(clamping: count)
    }

    /// Takes everything that waits, and how many lines were lost after it since the log last said so.
    mutating func take() -> (items: [Item], lost: Int) {
        defer {
            items = []
            lines = 0
            bytes = 0
            lost = 0
        }
        return (items, lost)
    }

    /// The log could not say how many lines were lost, so they count again.
    mutating func putBackLost(_ count: Int) { lost += count }
}
#endif
