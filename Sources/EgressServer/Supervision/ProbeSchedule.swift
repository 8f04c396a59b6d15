#if Server
/// Which of many inputs that want to be probed may be, without a clock or a task of its own: a hundred cameras that are away must not keep the
/// one that is there waiting, nor take the machine.
///
/// A probe costs processor time when it begins, to load ffprobe; then it mostly waits for its input. So few may *begin* at once, and many may
/// wait. One that is still there after a slice has begun.
struct ProbeSchedule: Sendable {
    /// The one place where it is said how many.
    struct Limits: Sendable, Hashable {
        /// At once in their first slice.
        var beginning: Int
        /// In all. Each is a process of some 10 MB and five descriptors.
        var running: Int
        var slice: Duration

        /// - Parameter cores: of the machine.
        init(cores: Int) {
            beginning = max(2, 2 * cores)
            running = 128
            slice = .milliseconds(250)
        }

        init(beginning: Int, running: Int, slice: Duration) {
            self.beginning = beginning
            self.running = running
            self.slice = slice
        }
    }

    /// Who has failed least often comes first, those never tried before all. But each fourth is the one that has waited longest: none waits for
    /// ever, whatever else comes.
    private static let turnsPerOldest = 4

    typealias Ticket = UInt64

    private struct Waiting {
        var ticket: Ticket
        var failures: Int
    }

    let limits: Limits
    /// In the order of their coming.
    private var waiting: [Waiting] = []
    /// By when each has begun; who is done, or has left, is not in it.
    private var running: [Ticket: ContinuousClock.Instant] = [:]
    private var turn = 0

    init(limits: Limits) {
        precondition(limits.beginning > 0 && limits.running > 0 && limits.slice > .zero)
        self.limits = limits
    }

    var waitingCount: Int { waiting.count }
    var runningCount: Int { running.count }

    /// - Parameters:
    ///   - ticket: names who asks.
    ///   - failures: how often its probe has failed, one after the other, up to now.
    mutating func ask(_ ticket: Ticket, failures: Int) { waiting.append(Waiting(ticket: ticket, failures: failures)) }

    /// It is done, or does not want to be any more. An unknown one is none.
    mutating func leave(_ ticket: Ticket) {
        running[ticket] = nil
        waiting.removeAll { $0.ticket == ticket }
    }

    /// Those that begin now.
    mutating func due(now: ContinuousClock.Instant) -> [Ticket] {
        var begun: [Ticket] = []
        var beginning = running.values.count { now - $0 < limits.slice }
        while !waiting.isEmpty, beginning < limits.beginning, running.count < limits.running {
            let ticket = takeNext()
            running[ticket] = now
            beginning += 1
            begun.append(ticket)
        }
        return begun
    }

    /// When to ask for those that are due although nobody came or left; nil: not before that.
    func nextDue(now: ContinuousClock.Instant) -> ContinuousClock.Instant? {
        guard !waiting.isEmpty, running.count < limits.running else { return nil }
        return running.values.map { $0 + limits.slice }.filter { $0 > now }.min() ?? now
    }

    private mutating func takeNext() -> Ticket {
        turn = (turn + 1) % Self.turnsPerOldest
        let index = turn == 0 ? 0 : waiting.indices.min { waiting[$0].failures < waiting[$1].failures } ?? 0
        return waiting.remove(at: index).ticket
    }
}
#endif
