/// Counter-offers that wait for an answer, by the id of the session that each will become.
struct CounterOffers: Sendable {
    static let countMax = 256

    private var offers: [String: CounterOffer] = [:]

    /// False when too many counter-offers wait for an answer.
    mutating func keep(_ offer: CounterOffer, now: ContinuousClock.Instant) -> Bool {
        if offers.count >= Self.countMax { offers = offers.filter { $0.value.expires > now } }
        guard offers.count < Self.countMax else { return false }
        offers[offer.session] = offer
        return true
    }

    func offer(_ session: String, of stream: String, now: ContinuousClock.Instant) -> CounterOffer? {
        offers[session].flatMap { $0.stream.id == stream && $0.expires > now ? $0 : nil }
    }

    /// True for only one of several answers.
    mutating func take(_ session: String) -> Bool { offers.removeValue(forKey: session) != nil }
}
