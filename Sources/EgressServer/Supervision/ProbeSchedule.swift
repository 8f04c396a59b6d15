#if Server
/// Decides which of many inputs may be probed now, without a clock or a task of its own. A hundred cameras that are away must neither keep a camera
/// that is there waiting, nor overload the machine.
///
/// A probe costs processor time when it begins, to load ffprobe; then it mostly waits for its input. So few may *begin* at once, and many may
/// wait. One that is still there after a slice has begun.
struct ProbeSchedule: Sendable {
    /// The limits of probes. They are defined only here.
    struct Limits: Sendable, Hashable {
        /// How many probes may be in their first slice at once.
        var beginning: Int
        /// How many probes there may be in all. Each is a process of some 10 MB and five descriptors.
        var running: Int
        var slice: Duration

        /// - Parameter cores: the number of the machine's cores.
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

    /// The input that has failed least often comes first, and inputs that were never tried come before all others. But each fourth probe goes to the
    /// input that has waited longest, so that none waits for ever.
    private static let turnsPerOldest = 4

    typealias Ticket = UInt64

    private struct Waiting {
        var ticket: Ticket
        var failures: Int
    }

    let limits: Limits
    /// The inputs that wait, in the order in which they came.
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
    ///   - ticket: names the caller.
    ///   - failures: how often its probe has failed in a row.
    mutating func ask(_ ticket: Ticket, failures: Int) { waiting.append(Waiting(ticket: ticket, failures: failures)) }

    /// The probe is done, or is not wanted any more. An unknown ticket has no effect.
    mutating func leave(_ ticket: Ticket) {
        running[ticket] = nil
        waiting.removeAll { $0.ticket == ticket }
    }

    /// Takes the probes that begin now.
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

    /// When to ask again for probes that are due, if no input comes or leaves before; nil: not before one does.
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
