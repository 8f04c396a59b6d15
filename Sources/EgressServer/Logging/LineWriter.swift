#if Server
internal import Dispatch
internal import Egress
internal import Glibc
internal import Synchronization

/// Writes lines to a descriptor from a thread of its own. A caller that has a line to write never waits: when nobody reads, lines wait in a bounded
/// queue, and lines that find no room are counted. When writing continues, a line says how many were lost.
final class LineWriter: Sendable {
    /// The writer for the log and for complaints to the person who started the program.
    static let standardError = LineWriter(STDERR_FILENO)
    static let standardOutput = LineWriter(STDOUT_FILENO)

    private let descriptor: Int32
    private let queue = Mutex(LineQueue())
    private let available = DispatchSemaphore(value: 0)

    /// - Parameter descriptor: the caller keeps it open as long as the process runs.
    init(_ descriptor: Int32) {
        self.descriptor = descriptor
        let hasStarted = OwnThread.start { [self] in work() }
        precondition(hasStarted, "no thread for the log: the system has none to give")
    }

    /// Queues a line. The end of the line is added.
    func write(_ line: String) {
        let isQueued = queue.withLock { $0.append(Array(line.utf8) + [UInt8(ascii: "\n")]) }
        if isQueued { available.signal() }
    }

    /// Waits until everything queued is written, for at most `limit`, so that a reader that sleeps can't hold up the end of the process.
    func flush(within limit: DispatchTimeInterval = .seconds(1)) {
        let mark = DispatchSemaphore(value: 0)
        queue.withLock { $0.mark(mark) }
        available.signal()
        _ = mark.wait(timeout: .now() + limit)
    }

    /// Lines that were never written, since the start.
    var linesLost: UInt64 { queue.withLock { $0.lostInAll } }

    private func work() {
        while true {
            available.wait()
            let (items, lost) = queue.withLock { $0.take() }
            for item in items {
                switch item {
                case .line(let line): write(line)
                case .mark(let mark): mark.signal()
                }
            }
            say(lost)
        }
    }

    private func say(_ lost: Int) {
        guard lost > 0 else { return }
        if !write(all: Array("egress: \(lost) lines of the log were lost here: the reader of the log was too slow, or gone\n".utf8)) {
            queue.withLock { $0.putBackLost(lost) }
        }
    }

    private func write(_ line: [UInt8]) {
        if !write(all: line) { queue.withLock { $0.countLost(1) } }
    }

    /// A closed terminal, a pipe without a reader or a full disk must not end the process.
    private func write(all line: [UInt8]) -> Bool {
        line.withUnsafeBytes { bytes in
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = Glibc.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
                if count > 0 {
                    rest = rest.dropFirst(count)
                } else if count < 0, errno == EAGAIN {
                    // Another process that shares the descriptor has made it non-blocking.
                    var wanted = pollfd(fd: descriptor, events: Int16(truncatingIfNeeded: POLLOUT), revents: 0)
                    _ = poll(&wanted, 1, -1)
                } else if count < 0, errno != EINTR {
                    return false
                }
            }
            return true
        }
    }
}
#endif
