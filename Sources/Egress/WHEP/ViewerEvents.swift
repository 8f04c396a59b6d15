import Synchronization

/// Tells those viewers of a stream's life who asked for it, as server-sent events (`urn:ietf:params:whep:ext:core:server-sent-events`).
///
/// A session has at most one listener, a listener at most one stream of events at a time, and that a bounded buffer: who reads too slowly
/// misses the oldest. Nothing here runs on the engine's threads but ``end(_:)``.
final class ViewerEvents: Sendable {
    enum Kind: String, Sendable, Hashable, CaseIterable {
        case active, inactive, viewercount, reconnect
    }

    fileprivate struct Listener: Sendable {
        let id: String
        let stream: String
        let kinds: Set<Kind>
        var sink: AsyncStream<[UInt8]>.Continuation?
        /// Which of several streams of events, one after the other, `sink` is.
        var generation = 0
    }

    fileprivate struct State {
        /// By session.
        var listeners: [String: Listener] = [:]
        var sessionsOfStream: [String: Set<String>] = [:]
        /// Streams whose number of viewers has changed and that is to be told.
        var recounting: Set<String> = []
        /// All are to connect again, where this says; also those who listen later.
        var reconnectURL: (@Sendable (_ stream: String) -> String?)?
    }

    private static let eventsMax = 16
    /// Joins come in crowds: one number a second is enough.
    private static let recountInterval = Duration.seconds(1)

    private let registry: StreamRegistry
    private let state = Mutex(State())

    init(registry: StreamRegistry) { self.registry = registry }

    /// Makes the session's listener, in place of the one it had. `nil` when the session is gone.
    func listen(_ session: String, of stream: String, to kinds: Set<Kind>) -> String? {
        var random = SystemRandomNumberGenerator()
        let id = random.next().hex + random.next().hex
        end([session])
        state.withLock { state in
            state.listeners[session] = Listener(id: id, stream: stream, kinds: kinds)
            state.sessionsOfStream[stream, default: []].insert(session)
        }
        // Its end is reported once: it may have come before the listener was there to be taken off.
        guard registry.hasSession(session, of: stream) else {
            end([session])
            return nil
        }
        return id
    }

    func hasListener(_ id: String, of session: String) -> Bool {
        state.withLock { $0.listeners[session]?.id == id }
    }

    /// The listener's events from now on, which begin with how things stand. What an earlier call gave ends.
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
        guard listener.kinds.contains(.reconnect) else { return events }
        if let reconnectURL {
            sink.yield(Self.reconnect(to: reconnectURL(listener.stream)))
        } else if registry.lacksLeg(session) {
            sink.yield(Self.reconnect(to: nil))
        }
        return events
    }

    /// Takes the listeners of these sessions off and ends their events.
    func end(_ sessions: some Collection<String>) {
        let ended = state.withLock { state in sessions.compactMap { state.remove($0) } }
        // Not under the lock: the end of a stream of events comes back here.
        for listener in ended { listener.sink?.finish() }
    }

    func endAll() { end(state.withLock { Array($0.listeners.keys) }) }

    /// What the engine reported.
    func receive(_ entry: EventLog.Entry) {
        switch entry.event {
        case .streamActive: send(.active, Self.event(.active), to: entry.stream)
        case .streamInactive: send(.inactive, Self.event(.inactive), to: entry.stream)
        case .viewerConnected, .viewerClosed: recount(entry.stream)
        case .videoFormat, .streamRestarted, .streamHasBFrames: break
        }
    }

    /// Asks viewers to connect again: those of one session, or all that listen.
    func reconnect(_ session: String?, url: String?) {
        let event = Self.reconnect(to: url)
        let sinks = state.withLock { state in
            state.listeners.filter { (session == nil || $0.key == session) && $0.value.kinds.contains(.reconnect) }.compactMap(\.value.sink)
        }
        for sink in sinks { sink.yield(event) }
    }

    /// Asks the viewers of these sessions to connect again where they are.
    func reconnect(_ sessions: some Collection<String>) {
        let sinks = state.withLock { state in
            sessions.compactMap { state.listeners[$0] }.filter { $0.kinds.contains(.reconnect) }.compactMap(\.sink)
        }
        for sink in sinks { sink.yield(Self.reconnect(to: nil)) }
    }

    /// Asks all to connect again, and those who listen from here on as soon as they do; `nil` ends that.
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
