#if Server
internal import NIOCore

/// All connections, where they come from, and which of them wait for a request. Waiting connections give way to others, the one that has waited
/// longest first.
struct ConnectionTable {
    typealias ID = UInt64

    enum Verdict: Hashable {
        case admitted(ID, Eviction?)
        case refused(ConnectionLimit)
    }

    /// One that has to be closed for another.
    struct Eviction: Hashable {
        var id: ID
        var limit: ConnectionLimit
    }

    /// How many evicted connections may still be open. Beyond that no new connection is let in for them.
    static let leavingMax = 16

    private struct Entry {
        var address: ConnectionAddress?
        /// The number of the turn in which the connection began to wait; nil while it is answered or leaves.
        var waitingSince: UInt64?
        var isLeaving = false
    }

    /// A place in a queue of waiting connections. It is out of date when its connection has got a request since.
    private struct Place {
        var id: ID
        var turn: UInt64
    }

    private struct Neighbours {
        var count = 0
        var waiting = CircularBuffer<Place>()
    }

    private let perAddressMax: Int
    private var entries: [ID: Entry] = [:]
    private var neighbours: [ConnectionAddress: Neighbours] = [:]
    private var waiting = CircularBuffer<Place>()
    private var lastID: ID = 0
    private var lastTurn: UInt64 = 0
    private var leaving = 0

    init(perAddressMax: Int) { self.perAddressMax = perAddressMax }

    var count: Int { entries.count }

    /// The number of places in all queues, including those that are out of date.
    var queued: Int { neighbours.values.reduce(waiting.count) { $0 + $1.waiting.count } }

    /// - Parameters:
    ///   - address: nil: no limit per address applies.
    ///   - countMax: how many connections there is room for.
    mutating func admit(_ address: ConnectionAddress?, countMax: Int) -> Verdict {
        var eviction: Eviction?
        if let address, let these = neighbours[address], these.count >= perAddressMax {
            guard let victim = evict(of: address) else { return .refused(.connectionsPerAddress) }
            eviction = Eviction(id: victim, limit: .connectionsPerAddress)
        } else if entries.count - leaving >= countMax {
            guard let victim = evict() else { return .refused(.connections) }
            eviction = Eviction(id: victim, limit: .connections)
        }
        lastID += 1
        entries[lastID] = Entry(address: address)
        if let address { neighbours[address, default: Neighbours()].count += 1 }
        wait(lastID)
        return .admitted(lastID, eviction)
    }

    /// The connection waits for a request, or for the rest of one.
    mutating func wait(_ id: ID) {
        guard let entry = entries[id], !entry.isLeaving, entry.waitingSince == nil else { return }
        lastTurn += 1
        entries[id]?.waitingSince = lastTurn
        let place = Place(id: id, turn: lastTurn)
        waiting.append(place)
        if waiting.count > 2 * entries.count + 64 { waiting = tidied(waiting) }
        guard let address = entry.address, var these = neighbours[address] else { return }
        these.waiting.append(place)
        if these.waiting.count > 2 * these.count + 16 { these.waiting = tidied(these.waiting) }
        neighbours[address] = these
    }

    /// A request of the connection is being answered.
    mutating func answer(_ id: ID) { entries[id]?.waitingSince = nil }

    mutating func remove(_ id: ID) {
        guard let entry = entries.removeValue(forKey: id) else { return }
        if entry.isLeaving { leaving -= 1 }
        guard let address = entry.address, let count = neighbours[address]?.count else { return }
        if count > 1 { neighbours[address]?.count -= 1 } else { neighbours[address] = nil }
    }

    /// Takes the connection that has waited longest, which has to be closed; nil when none waits, or too many are being closed already.
    mutating func evict() -> ID? {
        guard leaving < Self.leavingMax else { return nil }
        while let place = waiting.popFirst() {
            if isCurrent(place) { return leave(place.id) }
        }
        return nil
    }

    private mutating func evict(of address: ConnectionAddress) -> ID? {
        guard leaving < Self.leavingMax else { return nil }
        while let place = neighbours[address]?.waiting.popFirst() {
            if isCurrent(place) { return leave(place.id) }
        }
        return nil
    }

    private mutating func leave(_ id: ID) -> ID {
        entries[id]?.isLeaving = true
        entries[id]?.waitingSince = nil
        leaving += 1
        return id
    }

    private func isCurrent(_ place: Place) -> Bool { entries[place.id]?.waitingSince == place.turn }

    private func tidied(_ places: CircularBuffer<Place>) -> CircularBuffer<Place> {
        CircularBuffer(places.lazy.filter { isCurrent($0) })
    }
}
#endif
