/// Events of the engine, as the registry knows them: which stream and which session they are about.
extension StreamRegistry {
    /// The stream and the session that an event is about.
    struct Subject: Sendable {
        let stream: String
        let session: String?
    }

    /// Handles an event of the engine, on the engine's thread, and returns what is worth a line in the log.
    func receive(_ event: EngineEvent) -> EventLog.Entry? {
        let subject: Subject?
        switch event {
        case .viewerConnected(let viewer, _):
            subject = viewerConnected(viewer)
        case .viewerClosed(let viewer, let reason, _):
            subject = viewerEnded(viewer, reason)
        case .videoFormat(let engineID, _):
            let stream = stream(withEngineID: engineID)
            stream?.formatKnown.raise()
            subject = stream.map { Subject(stream: $0.id, session: nil) }
        case .streamActive(let engineID), .streamInactive(let engineID), .streamRestarted(let engineID), .streamHasBFrames(let engineID):
            subject = stream(withEngineID: engineID).map { Subject(stream: $0.id, session: nil) }
        }
        return subject.map { EventLog.Entry(event: event, stream: $0.stream, session: $0.session) }
    }
}
