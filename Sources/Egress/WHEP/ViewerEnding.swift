/// How a viewer ended, as far as it is worth telling its client and the operator.
struct ViewerEnding: Sendable, Hashable {
    let reason: CloseReason
    /// What its DTLS handshake failed with.
    var alert: TLSAlert?
    /// How long it was there.
    var lasted: Duration?

    init(_ reason: CloseReason, alert: TLSAlert? = nil, lasted: Duration? = nil) {
        self.reason = reason
        self.alert = alert
        self.lasted = lasted
    }

    /// For the log, for the API, and for the viewer when it asks.
    func words(udpPort: UInt16) -> String {
        let words = reason.words(udpPort: udpPort)
        switch reason {
        case .handshakeTimeout, .handshakeFailed, .noHandshake, .fingerprint, .noSRTPProfile:
            return alert.map { "\(words); \($0.words)" } ?? words
        case .consentExpired: return lasted.map { "\(words), after \($0.components.seconds) s" } ?? words
        default: return words
        }
    }
}
