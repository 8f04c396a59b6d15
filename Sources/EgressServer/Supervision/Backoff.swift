#if Server
/// How long to wait before the next attempt: doubling from one to another bound, and back to the first after a success.
struct Backoff: Sendable, Hashable {
    let first: Duration
    let last: Duration
    private var next: Duration

    init(from first: Duration = .milliseconds(500), to last: Duration = .seconds(15)) {
        precondition(first > .zero && first <= last)
        self.first = first
        self.last = last
        next = first
    }

    mutating func delay() -> Duration {
        defer { next = min(next * 2, last) }
        return next
    }

    mutating func reset() { next = first }
}
#endif
