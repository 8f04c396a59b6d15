#if Server
/// Finds out that video which is copied comes without IDR pictures: nobody can join it, whatever the input calls its keyframes. A film is looked
/// into before it is copied; of a live input only its headers are, and what it is shows while it runs.
struct IDRWatch: Sendable {
    /// So much video without one is too much. It is more than a film is allowed, since cameras of 4 s and more are many, and encoding them is
    /// not for nothing.
    static let patience = Duration.seconds(10)
    private static let stepMax = Duration.seconds(1)

    private var idrs: UInt64
    private var packets: UInt64
    /// Time in which video came and no IDR did.
    private var without = Duration.zero
    private var lastLook: ContinuousClock.Instant

    /// - Parameters: counters as the run begins.
    init(idrs: UInt64, packets: UInt64, now: ContinuousClock.Instant) {
        self.idrs = idrs
        self.packets = packets
        lastLook = now
    }

    /// True when there is something to object to.
    mutating func look(idrs: UInt64, packets: UInt64, now: ContinuousClock.Instant) -> Bool {
        let step = min(now - lastLook, Self.stepMax)
        lastLook = now
        // An input that is away has no IDR pictures either.
        if packets != self.packets { without += step }
        if idrs != self.idrs { without = .zero }
        self.idrs = idrs
        self.packets = packets
        return without >= Self.patience
    }
}
#endif
