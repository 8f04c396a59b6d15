/// Counts the calls that are under way, by references, so that the last one out destroys the engine.
final class EngineOwner: Sendable {
    let handle: EngineHandle

    init(_ handle: consuming EngineHandle) { self.handle = handle }
}
