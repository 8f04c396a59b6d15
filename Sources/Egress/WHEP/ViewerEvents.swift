import Synchronization

/// Tells viewers that listen for it what happens to their stream, as server-sent events (`urn:ietf:params:whep:ext:core:server-sent-events`).
///
/// A session has at most one listener, and a listener at most one stream of events at a time. That stream has a bounded buffer: a client that
/// reads too slowly misses the oldest events. Only ``end(_:)`` runs on the engine's threads.
final class ViewerEvents: Sendable {
    enum Kind: String, Sendable, Hashable, CaseIterable {
        case active, inactive, viewercount, reconnect, layers
    }

    fileprivate struct Listener: Sendable {
        let id: String
        let stream: String
        let kinds: Set<Kind>
        var sink: AsyncStream<[UInt8]>.Continuation?
        /// Numbers the listener's streams of events, one after the other; `sink` is the latest.
        var generation = 0
    }

    fileprivate struct State {
        /// The listeners, by session.
        var listeners: [String: Listener] = [:]
        var sessionsOfStream: [String: Set<String>] = [:]
        /// Streams whose number of viewers has changed since listeners were last told.
        var recounting: Set<String> = []
        /// Sessions that are to be told their layers, by stream.
        var relayering: [String: Set<String>] = [:]
        var layers: Layers?
        /// Set while all viewers are asked to connect again, also those that begin to listen later. Returns where to, by stream.
        var reconnectURL: (@Sendable (_ stream: String) -> String?)?
    }

    /// What sessions of a stream are told of their layers. It asks the engine, and may wait for it.
    typealias Layers = @Sendable (_ sessions: [String], _ stream: String) -> [(session: String, text: String)]

    private static let eventsMax = 16
    /// Joins come in crowds, so the number of viewers is sent once a second.
    private static let recountInterval = Duration.seconds(1)
    /// Several things change at once where layers change, and many viewers' at a time.
    private static let relayerInterval = Duration.milliseconds(100)

    private let registry: StreamRegistry
    /// Threads that may wait for the engine.
    private let threads: WaitingThreads
    private let state = Mutex(State())

    init(registry: StreamRegistry, threads: WaitingThreads) {
        self.registry = registry
        self.threads = threads
    }

    /// Makes the session's listener, which replaces an earlier one. `nil` when the session is gone.
    func listen(_ session: String, of stream: String, to kinds: Set<Kind>) -> String? {
        var random = SystemRandomNumberGenerator()
        let id = random.next().hex + random.next().hex
        end([session])
        state.withLock { state in
            state.listeners[session] = Listener(id: id, stream: stream, kinds: kinds)
            state.sessionsOfStream[stream, default: []].insert(session)
        }
        // The session's end is reported once. It may have been reported before the listener was there to be removed.
        guard registry.hasSession(session, of: stream) else {
            end([session])
            return nil
        }
        return id
    }

    func hasListener(_ id: String, of session: String) -> Bool {
        state.withLock { $0.listeners[session]?.id == id }
    }

    /// The listener's events from now on, beginning with the present state. The stream of events that an earlier call returned ends.
    func events(of session: String, listener id: String, isActive: Bool) -> AsyncStream<[UInt8]>? {
        let (events, sink) = AsyncStream.makeStream(of: [UInt8].self, bufferingPolicy: .bufferingNewest(Self.eventsMax))
        let (listener, previous, reconnectURL) = state.withLock { state in
            guard var listener = state.listeners[session], listener.id == id else {
                return (nil, nil, nil) as (Listener?, Listener?, (@Sendable (String) -> String?)?)
            }
            let previous = listener
            listener.sink = sink
            listener.generation += 1
            state.listeners[session] = listener
            return (listener, previous, state.reconnectURL)
        }
        guard let listener else { return nil }
        previous?.sink?.finish()
        sink.onTermination = { [weak self, generation = listener.generation] _ in self?.detach(session, generation) }
        let standing: Kind = isActive ? .active : .inactive
        if listener.kinds.contains(standing) { sink.yield(Self.event(standing)) }
        if listener.kinds.contains(.viewercount) { sink.yield(count(of: listener.stream)) }
        if listener.kinds.contains(.layers) { tellLayers(of: [session], listener.stream) }
        guard listener.kinds.contains(.reconnect) else { return events }
        if let reconnectURL {
            sink.yield(Self.reconnect(to: reconnectURL(listener.stream)))
        } else if registry.lacksLeg(session) {
            sink.yield(Self.reconnect(to: nil))
        }
        return events
    }

    /// Removes the listeners of these sessions and ends their events.
    func end(_ sessions: some Collection<String>) {
        let ended = state.withLock { state in sessions.compactMap { state.remove($0) } }
        // The lock is not held here: the end of a stream of events calls back into this object.
        for listener in ended { listener.sink?.finish() }
    }

    func endAll() { end(state.withLock { Array($0.listeners.keys) }) }

    /// Takes an event that the engine reported.
    func receive(_ entry: EventLog.Entry) {
        switch entry.event {
        case .streamActive:
            send(.active, Self.event(.active), to: entry.stream)
            tellLayers(of: entry.stream)
        case .streamInactive:
            send(.inactive, Self.event(.inactive), to: entry.stream)
            tellLayers(of: entry.stream)
        case .viewerSwitched(_, _, _, let reason): tell(entry, reason)
        case .videoFormat: tellLayers(of: entry.stream)
        case .viewerConnected, .viewerClosed: recount(entry.stream)
        case .streamRestarted, .streamHasBFrames, .streamHasOtherCodec: break
        }
    }

    /// Asks the viewer of one session to connect again, or all viewers that listen.
    func reconnect(_ session: String?, url: String?) {
        let event = Self.reconnect(to: url)
        let sinks = state.withLock { state in
            state.listeners.filter { (session == nil || $0.key == session) && $0.value.kinds.contains(.reconnect) }.compactMap(\.value.sink)
        }
        for sink in sinks { sink.yield(event) }
    }

    /// Asks the viewers of these sessions to connect again to this server.
    func reconnect(_ sessions: some Collection<String>) {
        let sinks = state.withLock { state in
            sessions.compactMap { state.listeners[$0] }.filter { $0.kinds.contains(.reconnect) }.compactMap(\.sink)
        }
        for sink in sinks { sink.yield(Self.reconnect(to: nil)) }
    }

    /// Asks all viewers to connect again, and from now on each viewer as soon as it listens; `nil` ends that.
    func reconnectAll(_ url: (@Sendable (_ stream: String) -> String?)?) {
        let listeners = state.withLock { state in
            state.reconnectURL = url
            return state.listeners.values.filter { $0.kinds.contains(.reconnect) }
        }
        guard let url else { return }
        for listener in listeners { listener.sink?.yield(Self.reconnect(to: url(listener.stream))) }
    }

    private func send(_ kind: Kind, _ event: [UInt8], to stream: String) {
        let sinks = state.withLock { state in
            state.sessionsOfStream[stream, default: []].compactMap { state.listeners[$0] }.filter { $0.kinds.contains(kind) }.compactMap(
                \.sink)
        }
        for sink in sinks { sink.yield(event) }
    }

    private func tell(_ entry: EventLog.Entry, _ reason: SwitchReason?) {
        guard let session = entry.session, let ladder = registry.session(session, of: entry.stream)?.ladder else { return }
        let sink = state.withLock { state in
            state.listeners[session].flatMap { $0.kinds.contains(.active) ? $0.sink : nil }
        }
        let text = ViewerSwitch(section: ladder.section, rid: entry.encoding?.rid, reason: reason).text
        sink?.yield(Self.event(.active, text))
        tellLayers(of: [session], entry.stream)
    }

    /// Sets who knows the layers.
    func layersAre(_ layers: @escaping Layers) {
        state.withLock { $0.layers = layers }
    }

    private func tellLayers(of stream: String) {
        tellLayers(of: state.withLock { $0.sessionsOfStream[stream] ?? [] }, stream)
    }

    /// Tells those of the sessions that listen for it what they can choose among, in a moment.
    func tellLayers(of sessions: some Collection<String>, _ stream: String) {
        let isFirst = state.withLock { state in
            let told = sessions.filter { state.listeners[$0]?.kinds.contains(.layers) == true }
            guard !told.isEmpty else { return false }
            defer { state.relayering[stream, default: []].formUnion(told) }
            return state.relayering[stream] == nil
        }
        guard isFirst else { return }
        Task(executorPreference: threads) { [weak self] in
            try? await Task.sleep(for: Self.relayerInterval)
            self?.sendLayers(stream)
        }
    }

    private func sendLayers(_ stream: String) {
        let (sessions, layers) = state.withLock { state in (state.relayering.removeValue(forKey: stream) ?? [], state.layers) }
        for (session, text) in layers?(Array(sessions), stream) ?? [] {
            let sink = state.withLock { state in state.listeners[session].flatMap { $0.kinds.contains(.layers) ? $0.sink : nil } }
            sink?.yield(Self.event(.layers, text))
        }
    }

    private func recount(_ stream: String) {
        let isFirst = state.withLock { state in state.sessionsOfStream[stream] != nil && state.recounting.insert(stream).inserted }
        guard isFirst else { return }
        Task { [weak self] in
            try? await Task.sleep(for: Self.recountInterval)
            guard let self else { return }
            state.withLock { _ = $0.recounting.remove(stream) }
            send(.viewercount, count(of: stream), to: stream)
        }
    }

    private func detach(_ session: String, _ generation: Int) {
        state.withLock { state in
            if state.listeners[session]?.generation == generation { state.listeners[session]?.sink = nil }
        }
    }

    private func count(of stream: String) -> [UInt8] {
        Self.event(.viewercount, "{\"viewercount\":\(registry.viewersConnected(of: stream))}")
    }

    private static func reconnect(to url: String?) -> [UInt8] {
        event(.reconnect, url.map { "{\"url\":\(quoted($0))}" } ?? "{}")
    }

    private static func event(_ kind: Kind, _ data: String = "{}") -> [UInt8] {
        Array("event: \(kind.rawValue)\ndata: \(data)\n\n".utf8)
    }

    /// A JSON string (RFC 8259 §7).
    private static func quoted(_ text: String) -> String {
        let escaped = text.unicodeScalars.map { scalar in
            switch scalar {
            case "\"", "\\": "\\\(scalar)"
            case _ where scalar.value < 0x20: "\\u\(UInt16(clamping: scalar.value).hex)"
            default: String(scalar)
            }
        }
        return "\"\(escaped.joined())\""
    }
}

extension ViewerEvents.State {
    fileprivate mutating func remove(_ session: String) -> ViewerEvents.Listener? {
        guard let listener = listeners.removeValue(forKey: session) else { return nil }
        sessionsOfStream[listener.stream]?.remove(session)
        if sessionsOfStream[listener.stream]?.isEmpty == true { sessionsOfStream[listener.stream] = nil }
        return listener
    }
}
