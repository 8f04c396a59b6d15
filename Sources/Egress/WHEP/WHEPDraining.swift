import Synchronization

/// Before a server stops: nobody new, and those who listen go elsewhere.
extension WHEPHandler {
    /// Refuses new viewers (503, `Retry-After`) and asks those who listen for it to connect again. Viewers stay; to be closed when their time is
    /// up, by ``EgressEngine/closeViewers()`` or with the engine. Again only the URL changes.
    /// - Parameter base: of another server's endpoints, to which the stream's id is appended; `nil`: they come back to the one they came from,
    ///   which by then should lead to another server.
    public func beginDraining(to base: String? = nil) {
        isRefusingViewers.store(true, ordering: .relaxed)
        let base = base.map { $0.hasSuffix("/") ? String($0.dropLast()) : $0 }
        engine.viewerEvents.reconnectAll { stream in base.map { "\($0)/\(WHEPTarget.encoded(stream))" } }
    }

    /// Lets viewers in again.
    public func endDraining() {
        isRefusingViewers.store(false, ordering: .relaxed)
        engine.viewerEvents.reconnectAll(nil)
    }

    public var isDraining: Bool { isRefusingViewers.load(ordering: .relaxed) }

    func refusalOfDraining(_ request: WHEPRequest) -> WHEPResponse? {
        guard isDraining else { return nil }
        let detail = "this server is about to stop and takes no new viewers"
        return refusal(Refusal(limit: .draining, detail: detail, wait: .seconds(2)), request)
    }
}
