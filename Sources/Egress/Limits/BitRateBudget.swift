/// Whether one more viewer fits into the bit rate that may be sent. It has no clock: the time is handed in.
///
/// The bit rate sent is measured over a window. A viewer that was let in shows in it only after a while. Until then the viewer counts with its
/// stream's bit rate, so that a crowd that comes within one second finds no gap.
struct BitRateBudget: Sendable {
    static let window = Duration.seconds(4)
    /// Reservations last longer than the window, because connecting takes time too.
    private static let reservation = Duration.seconds(6)
    /// Reservations are kept by the second that they began in.
    private static let slot = Duration.seconds(1)

    /// In bit/s; 0: no limit.
    let limit: Int
    private var samples: [(at: ContinuousClock.Instant, bytes: UInt64)] = []
    private var reserved: [(from: ContinuousClock.Instant, bitRate: Int)] = []

    init(_ limit: Int) { self.limit = limit }

    /// Call this about once a second.
    /// - Parameter bytes: how much has been sent since the beginning.
    mutating func measure(bytes: UInt64, now: ContinuousClock.Instant) {
        // An engine that is shut down reports zero. What was sent never gets less.
        samples.append((now, max(bytes, samples.last?.bytes ?? 0)))
        // One sample that is older than the window stays: the window begins there.
        while samples.count > 2, samples[1].at <= now - Self.window { samples.removeFirst() }
    }

    /// In bit/s; 0 before it is known.
    var measured: Int {
        guard let first = samples.first, let last = samples.last, last.at > first.at, last.bytes > first.bytes else { return 0 }
        return Int(saturating: Double(last.bytes - first.bytes) * 8 / (first.at.duration(to: last.at) / .seconds(1)))
    }

    mutating func reserve(_ bitRate: Int, now: ContinuousClock.Instant) -> Bool {
        guard limit > 0 else { return true }
        reserved.removeAll { $0.from <= now - Self.reservation }
        let expected = reserved.reduce(measured) { $0 + $1.bitRate }
        guard expected < limit, bitRate <= limit - expected else { return false }
        if let last = reserved.last, last.from > now - Self.slot {
            reserved[reserved.count - 1].bitRate += bitRate
        } else {
            reserved.append((now, bitRate))
        }
        return true
    }
}
