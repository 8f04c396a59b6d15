#if Server
internal import NIOCore
internal import Synchronization

/// All HTTP connections: lets new ones in within ``ConnectionLimits``, and closes those that give way to them.
final class Connections: Sendable {
    /// The event that tells a connection to make room.
    struct GiveWay: Sendable {}

    private struct State {
        var table: ConnectionTable
        var channels: [ConnectionTable.ID: any Channel] = [:]
        var isClosing = false
    }

    let limits: ConnectionLimits
    let refusals: ConnectionRefusals
    private let proxies: TrustedProxies
    /// The number of connections that the limit of open files leaves room for.
    private let room: @Sendable (_ connections: Int) -> Int
    private let state: Mutex<State>

    init(
        _ limits: ConnectionLimits, refusals: ConnectionRefusals, proxies: TrustedProxies = TrustedProxies(),
        room: @escaping @Sendable (_ connections: Int) -> Int = { _ in .max }
    ) {
        self.limits = limits
        self.refusals = refusals
        self.proxies = proxies
        self.room = room
        state = Mutex(State(table: ConnectionTable(perAddressMax: limits.countPerAddressMax)))
    }

    var count: Int { state.withLock { $0.table.count } }

    /// - Returns: nil when there is no room for the connection: it has to be closed.
    func admit(_ channel: any Channel) -> ConnectionTable.ID? {
        let peer = channel.remoteAddress?.ipAddress
        let address = proxies.isProxy(peer) ? nil : peer.flatMap { NumericAddress($0) }.map(ConnectionAddress.init)
        let countMax = min(limits.countMax, room(count))
        let (id, victim, limit) = state.withLock { state -> (ConnectionTable.ID?, (any Channel)?, ConnectionLimit?) in
            guard !state.isClosing else { return (nil, nil, nil) }
            switch state.table.admit(address, countMax: countMax) {
            case .refused(let limit): return (nil, nil, limit)
            case .admitted(let id, let eviction):
                state.channels[id] = channel
                return (id, eviction.flatMap { state.channels[$0.id] }, eviction?.limit)
            }
        }
        if let limit { refusals.count(limit == .connections && countMax < limits.countMax ? .descriptors : limit) }
        victim?.pipeline.fireUserInboundEventTriggered(GiveWay())
        return id
    }

    func wait(_ id: ConnectionTable.ID) { state.withLock { $0.table.wait(id) } }

    func answer(_ id: ConnectionTable.ID) { state.withLock { $0.table.answer(id) } }

    func remove(_ id: ConnectionTable.ID) {
        state.withLock { state in
            state.table.remove(id)
            state.channels[id] = nil
        }
    }

    /// Closes so many of the connections that have waited longest, for work that matters more.
    func giveWay(_ count: Int) {
        let victims = state.withLock { state in
            (0..<count).compactMap { _ in state.table.evict().flatMap { state.channels[$0] } }
        }
        refusals.count(.descriptors)
        for victim in victims {
            victim.pipeline.fireUserInboundEventTriggered(GiveWay())
        }
    }

    /// Lets no connection in any more. A request that is being answered still gets its answer.
    func shutdown() {
        let channels = state.withLock { state in
            state.isClosing = true
            return Array(state.channels.values)
        }
        for channel in channels { channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent()) }
    }
}
#endif
