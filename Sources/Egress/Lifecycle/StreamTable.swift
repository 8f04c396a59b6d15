/// Which process has which stream, from the reservation of its id until the engine has released the stream.
struct StreamTable: Sendable {
    private enum Slot {
        /// A start is under way and holds the id.
        case reserved
        case running(ProcessStream)
    }

    private var isClosed = false
    private var slots: [String: Slot] = [:]
    /// Streams that are being stopped, until the engine has released them. They can be read, and no viewer can join them.
    private var stopping: [String: ProcessStream] = [:]
    /// Every stream that is not forgotten yet, by the engine's id.
    private var streams: [UInt64: ProcessStream] = [:]

    // MARK: A stream's life

    /// Holds `id` until ``activate(_:)`` or ``release(_:)``.
    /// - Throws: ``EgressError/Code/streamExists`` for every start but the first.
    mutating func reserve(_ id: String) throws(EgressError) {
        if isClosed { throw .shutDown }
        guard slots[id] == nil else {
            throw EgressError(code: .streamExists, message: "webrtc: process \"\(id)\" already has an active stream")
        }
        slots[id] = .reserved
    }

    mutating func release(_ id: String) {
        if case .reserved = slots[id] { slots[id] = nil }
    }

    /// False when the table was closed in the meantime; the reservation is given back then.
    mutating func activate(_ stream: ProcessStream) -> Bool {
        guard !isClosed else {
            slots[stream.id] = nil
            return false
        }
        set(stream)
        return true
    }

    /// Sets the legs that a stream has from now on.
    /// - Returns: Whether the stream is still running.
    mutating func change(_ stream: ProcessStream, to config: WebRTCConfig, _ outputs: [ConfigIO]) -> Bool {
        guard var running = running(stream.id), running.engineID == stream.engineID else { return false }
        running.config = config
        running.outputs = outputs
        set(running)
        return true
    }

    /// Removes a running stream, which can be read until ``forget(_:)``. A start that is still under way is not stopped by this.
    mutating func remove(_ id: String) -> ProcessStream? {
        guard let stream = running(id) else { return nil }
        slots[id] = nil
        stopping[id] = stream
        return stream
    }

    /// The stream is gone from the engine too.
    mutating func forget(_ stream: ProcessStream) {
        streams[stream.engineID] = nil
        if stopping[stream.id]?.engineID == stream.engineID { stopping[stream.id] = nil }
    }

    /// Refuses every further start and returns the ids that are left to stop.
    mutating func close() -> [String] {
        isClosed = true
        return slots.keys.sorted()
    }

    private mutating func set(_ stream: ProcessStream) {
        slots[stream.id] = .running(stream)
        streams[stream.engineID] = stream
    }

    // MARK: Looking up

    subscript(engineID: UInt64) -> ProcessStream? { streams[engineID] }

    func running(_ id: String) -> ProcessStream? {
        guard case .running(let stream) = slots[id] else { return nil }
        return stream
    }

    func isRunning(_ stream: ProcessStream) -> Bool { running(stream.id)?.engineID == stream.engineID }

    /// A running stream, else one that is being stopped.
    func known(_ id: String) -> ProcessStream? { running(id) ?? stopping[id] }

    /// Streams that are running or being stopped.
    var all: [ProcessStream] { Set(slots.keys).union(stopping.keys).compactMap(known) }

    /// Streams that had `id` and are not running any more.
    func stopped(_ id: String) -> [ProcessStream] {
        let running = running(id)?.engineID
        return streams.values.filter { $0.id == id && $0.engineID != running }
    }
}

extension EgressError {
    static func streamNotFound(_ id: String) -> EgressError {
        EgressError(code: .notFound, message: "webrtc: process \"\(id)\" has no active stream")
    }
}
