/// Events of the engine, as the registry knows them: which stream and which session they are about.
extension StreamRegistry {
    /// The stream and the session that an event is about.
    struct Subject: Sendable {
        let stream: String
        let session: String?
        /// Of a viewer that is gone.
        var ending: ViewerEnding?
    }

    /// Handles an event of the engine, on the engine's thread, and returns what is worth a line in the log.
    func receive(_ event: EngineEvent) -> EventLog.Entry? {
        let subject: Subject?
        var event = event
        var encoding: Encoding?
        switch event {
        case .viewerConnected(let viewer, _):
            subject = viewerConnected(viewer)
        case .viewerClosed(let viewer, let reason, _, let alert):
            subject = viewerEnded(viewer, reason, alert: alert)
        case .viewerSwitched(let viewer, let engineID, let index, _):
            subject = session(ofViewer: viewer)
            encoding = index.flatMap { stream(withEngineID: engineID)?.encoding(at: $0) }
        case .videoFormat(let engineID, let index, var format):
            let stream = stream(withEngineID: engineID)
            stream?.formatsKnown[index].raise()
            encoding = stream?.encoding(at: index)
            // The engine has numbers; which codec they are of is the stream's to say.
            if let encoding { format.codec = encoding.codec }
            event = .videoFormat(stream: engineID, encoding: index, format)
            subject = stream.map { Subject(stream: $0.id, session: nil) }
        case .streamHasOtherCodec(let engineID, let index):
            let stream = stream(withEngineID: engineID)
            encoding = stream?.encoding(at: index)
            subject = stream.map { Subject(stream: $0.id, session: nil) }
        case .streamActive(let engineID), .streamInactive(let engineID), .streamRestarted(let engineID), .streamHasBFrames(let engineID):
            subject = stream(withEngineID: engineID).map { Subject(stream: $0.id, session: nil) }
        }
        return subject.map { EventLog.Entry(event: event, stream: $0.stream, session: $0.session, encoding: encoding, ending: $0.ending) }
    }
}

extension ProcessStream {
    fileprivate func encoding(at index: Int) -> Encoding? {
        let encodings = base.videoEncodings
        return encodings.indices.contains(index) ? encodings[index] : nil
    }
}
