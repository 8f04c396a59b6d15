#if Server
internal import Synchronization

/// Gathers lines that arrive on another task, up to a size that no valid output reaches. Lines beyond it are dropped.
final class LineCollector: Sendable {
    static let sizeMax = 16 * 1024 * 1024

    private struct State {
        var lines: [String] = []
        var size = 0
    }

    private let state = Mutex(State())

    func append(_ line: String) {
        state.withLock { state in
            guard state.size < Self.sizeMax else { return }
            state.size += line.utf8.count + 1
            state.lines.append(line)
        }
    }

    var all: [String] { state.withLock { $0.lines } }
}
#endif
