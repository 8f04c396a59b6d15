import Synchronization

/// Draining, before a server stops: no new viewer gets in, and viewers that listen for it go elsewhere.
extension WHEPHandler {
    /// Refuses new viewers (503, `Retry-After`) and asks the viewers that listen for it to connect again. Viewers stay connected. When their time
    /// is up, close them by ``EgressEngine/closeViewers()`` or with the engine. A further call only replaces the URL.
    /// - Parameter base: the base URL of another server's endpoints, to which the stream's id is appended; `nil`: viewers come back to the endpoint
    ///   that they came from, which by then should lead to another server.
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
