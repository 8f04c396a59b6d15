#if Server
internal import Synchronization

/// How many descriptors this process may have, and who gets them.
///
/// The server's own work comes first: children, sockets of streams, and what libraries open. HTTP connections get what that leaves. The
/// descriptors are counted. Spare descriptors are not kept open for a child: when a spare is closed, another thread may take it, and what
/// libraries open can only be found out by looking. So connections stay below ``connectionRoom(connections:now:)``, and before a child
/// is made its descriptors are opened and closed again: swift-subprocess traps when it gets only some of its pipes.
final class Descriptors: Sendable {
    /// The descriptors of this process. The limit is raised when this is first used.
    static let process = Descriptors(limit: DescriptorLimit.raise())

    /// What making a child takes: three pipes with two ends each, the pipe that reports a failed `exec`, a pidfd, and some to spare.
    static let ofChild = 12
    /// What a stream takes.
    static let ofSockets = 4
    /// What a stream takes that the server feeds: its sockets, and what stays open of the child.
    static let ofStream = 9
    /// What short tasks take: name resolution, questions to a hook, certificates that are read again.
    private static let spare = 16
    /// How many children can be made at the same moment without one of them having to try again later.
    private static let childrenAtOnce = 4
    /// The HTTP connections that a server needs at least to be of use.
    private static let connectionsMin = 16
    private static let measureInterval = Duration.milliseconds(250)

    /// No descriptor is left.
    struct Shortage: Error, Sendable, CustomStringConvertible {
        var limit: Int

        var description: String {
            "no descriptors left: the limit of open files is \(limit). Raise it (ulimit -n, LimitNOFILE= in a systemd unit)"
        }
    }

    private struct State {
        var claimed = 0
        /// The descriptors that the server's own work may take.
        var expected = 0
        /// How many children at once connections leave room for.
        var streams = 1
        var others: (count: Int, at: ContinuousClock.Instant)?
        var onShortage: (@Sendable () -> Void)?
    }

    let limit: Int
    private let used: @Sendable () -> Int?
    private let canOpen: @Sendable (Int) -> Bool
    private let state = Mutex(State())

    /// - Parameters:
    ///   - used: Returns how many are open; nil when that can't be found out, since looking takes a descriptor too.
    ///   - canOpen: Returns whether there is room for so many more.
    init(
        limit: Int, used: @escaping @Sendable () -> Int? = OpenFiles.count, canOpen: @escaping @Sendable (Int) -> Bool = OpenFiles.canOpen
    ) {
        self.limit = limit
        self.used = used
        self.canOpen = canOpen
    }

    // MARK: At the start

    /// The descriptors that a server needs at least.
    /// - Parameter threads: the number of the engine's threads or of HTTP's, whichever is larger.
    static func needed(streams: Int, threads: Int) -> Int {
        48 + 8 * threads + ofStream * streams + ofChild + spare + connectionsMin
    }

    /// - Throws: when the limit is too low to run at all.
    func check(streams: Int, threads: Int) throws(ConfigurationShortage) {
        let needed = Self.needed(streams: streams, threads: threads)
        guard limit < needed else { return }
        throw ConfigurationShortage(limit: limit, needed: needed, streams: streams)
    }

    struct ConfigurationShortage: Error, Sendable, CustomStringConvertible {
        var limit: Int
        var needed: Int
        var streams: Int

        var description: String {
            """
            The limit of open files is \(limit), and this server needs \(needed) at least (\(streams) streams). Raise it: ulimit -n, or \
            LimitNOFILE= in a systemd unit
            """
        }
    }

    /// Call this once the engine runs. Connections then don't get what is open now, nor what streams and HTTP's threads will take.
    func reserve(streams: Int, threads: Int, onShortage: @escaping @Sendable () -> Void) {
        let open = used() ?? 0
        state.withLock { state in
            state.expected = open + 3 * threads + Self.ofStream * streams
            state.streams = max(1, streams)
            state.onShortage = onShortage
        }
    }

    // MARK: Own work

    /// Reserves descriptors for something that is about to be opened. Release them once it is open.
    final class Claim: Sendable {
        private let release: Mutex<(@Sendable () -> Void)?>

        fileprivate init(_ release: @escaping @Sendable () -> Void) { self.release = Mutex(release) }

        /// Further calls have no effect.
        func end() {
            let release = release.withLock { release in
                defer { release = nil }
                return release
            }
            release?()
        }

        deinit { end() }
    }

    /// - Throws: when there is no room. Waiting connections are closed then, so that there may be room later.
    func claim(_ count: Int) throws(Shortage) -> Claim {
        let isGranted = state.withLock { state in
            guard canOpen(state.claimed + count) else { return false }
            state.claimed += count
            return true
        }
        if isGranted { return Claim { [weak self] in self?.state.withLock { $0.claimed -= count } } }
        state.withLock { $0.onShortage }?()
        throw Shortage(limit: limit)
    }

    // MARK: Connections

    /// How many HTTP connections there may be.
    /// - Parameter connections: how many there are now.
    func connectionRoom(connections: Int, now: ContinuousClock.Instant = .now) -> Int {
        state.withLock { state in
            if state.others.map({ now - $0.at >= Self.measureInterval }) ?? true {
                state.others = (max(0, (used() ?? limit) - connections), now)
            }
            let own = max(state.others?.count ?? 0, state.expected)
            let slack = Self.ofChild * min(Self.childrenAtOnce, state.streams) + Self.spare
            return max(0, limit - own - slack)
        }
    }
}
#endif
