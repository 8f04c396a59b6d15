/// The encodings that a viewer may be switched among. They are settled when its offer is answered.
struct ViewerLadder: Sendable, Hashable {
    struct Rung: Sendable, Hashable {
        /// Its place in the stream's configuration.
        var index: Int
        var encoding: Encoding
    }

    /// In the operator's order; at least two.
    var rungs: [Rung]
    /// In bit/s: what the viewer is not to get above, unless it is the lowest; `nil`: no bound.
    var bitRateMax: Int?
    /// The place of the video section in the SDP, and its name there: both are how clients call the video.
    var section: Int
    var mid: String?

    func rung(at index: Int) -> Rung? { rungs.first { $0.index == index } }

    func rung(named rid: String) -> Rung? { rungs.first { $0.encoding.rid == rid } }

    func isVideo(_ mediaID: String) -> Bool { mediaID == String(section) || mediaID == mid }

    /// The rungs that the viewer may get.
    /// - Parameter readings: of all rungs; what is missing is not known.
    func allowed(_ readings: [Int: EncodingReading]) -> [Rung] {
        rungs.within(bitRateMax) { $0.encoding.boundedBitRate(measured: readings[$0.index]?.bitRate) }
    }
}

extension EgressEngine {
    /// Pins a viewer to one encoding of its ladder: it is switched at that encoding's next key picture, and stays however its link does. Should the
    /// encoding fall silent, another one stands in until it is back.
    /// - Parameters:
    ///   - id: as ``viewers(of:after:max:)`` has named it.
    ///   - rid: the encoding; `nil`: the viewer's link decides again.
    /// - Throws: ``EgressError/Code/notFound``: the stream does not have this viewer, or not any more. ``EgressError/Code/unavailableEncoding``: the
    ///   encoding is not one of the viewer's ladder, or above its bound. Nothing has changed then.
    public func pinViewer(_ id: String, of stream: String, to rid: String?) throws(EgressError) {
        guard let session = registry.session(ofViewer: id, of: stream) else {
            throw EgressError(code: .notFound, message: "there is no such viewer, or not any more")
        }
        try pin(session, to: rid)
    }

    func pin(_ session: ViewerSession, to rid: String?) throws(EgressError) {
        guard let engine else { throw .shutDown }
        var rung: ViewerLadder.Rung?
        if let rid {
            guard let ladder = session.ladder else {
                throw EgressError(code: .unavailableEncoding, message: "the viewer has no encodings to choose among")
            }
            let allowed = ladder.allowed(ladder.bitRateMax == nil ? [:] : readings(of: session, ladder))
            rung = allowed.first { $0.encoding.rid == rid }
            guard rung != nil else { throw Self.unavailable(rid, ladder, allowed) }
        }
        try engine.handle.pin(session.viewer, to: rung?.index)
        viewerEvents.tellLayers(of: [session.id], session.stream)
    }

    private static func unavailable(_ rid: String, _ ladder: ViewerLadder, _ allowed: [ViewerLadder.Rung]) -> EgressError {
        let names = allowed.map { "\"\($0.encoding.rid)\"" }.joined(separator: ", ")
        let reason =
            if let bitRateMax = ladder.bitRateMax, ladder.rung(named: rid) != nil {
                "the encoding \"\(rid)\" is above the \(bitRateMax) bit/s that this viewer may get"
            } else {
                "the viewer has no such encoding"
            }
        return EgressError(code: .unavailableEncoding, message: "\(reason): it may choose among \(names)")
    }

    func readings(of session: ViewerSession, _ ladder: ViewerLadder) -> [Int: EncodingReading] {
        guard let stream = registry.stream(withEngineID: session.engineStream) else { return [:] }
        return ladder.rungs.reduce(into: [:]) { $0[$1.index] = reading(of: stream, encoding: $1.index) }
    }
}
