/// How many viewers have an answer and no connection yet, in all and by the client's network.
struct ConnectingViewers: Sendable {
    private(set) var all = 0
    private var ofNetwork: [ClientNetwork: Int] = [:]

    /// The limits that apply when one more viewer begins.
    struct Limits: Sendable {
        var all = Int.max
        var perNetwork = Int.max
    }

    /// - Throws: ``EgressError/Code/limitReached``.
    mutating func begin(_ network: ClientNetwork?, _ limits: Limits) throws(EgressError) {
        guard all < limits.all else {
            throw EgressError(.connecting, "\(limits.all) viewers are connecting to this server, which is its limit")
        }
        if let network {
            let count = ofNetwork[network, default: 0]
            guard count < limits.perNetwork else {
                throw EgressError(.connectingPerAddress, "\(count) viewers of \(network) are connecting, which is the limit")
            }
            ofNetwork[network] = count + 1
        }
        all += 1
    }

    mutating func end(_ network: ClientNetwork?) {
        all -= 1
        guard let network else { return }
        let count = ofNetwork[network, default: 1] - 1
        ofNetwork[network] = count > 0 ? count : nil
    }
}
