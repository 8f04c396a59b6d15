/// What the engine reports from its own threads, in Swift's terms.
enum EngineEvent: Sendable {
    case viewerConnected(viewer: UInt64, remoteAddress: String)
    /// `alert`: what the DTLS handshake failed with, as far as that is known.
    case viewerClosed(viewer: UInt64, reason: CloseReason, remoteAddress: String, alert: TLSAlert? = nil)
    case videoFormat(stream: UInt64, encoding: Int = 0, VideoFormat)
    case streamActive(stream: UInt64)
    case streamInactive(stream: UInt64)
    case streamRestarted(stream: UInt64)
    case streamHasBFrames(stream: UInt64)
    /// No key picture of its codec comes to the port of an encoding.
    case streamHasOtherCodec(stream: UInt64, encoding: Int)
    /// A viewer gets another encoding from now on; `nil`: sound alone. `reason` is `nil` where a newer engine has one that is not known here.
    case viewerSwitched(viewer: UInt64, stream: UInt64, encoding: Int?, reason: SwitchReason?)
}

/// Why a viewer is gone.
enum CloseReason: Sendable, Hashable {
    case requested, streamStopped, peer, noCheck, consentExpired, handshakeTimeout, handshakeFailed, fingerprint, sourceLost, congestion
    case wrongPassword, noHandshake, noSRTPProfile
    case other(Int32)

    /// Part of a viewer's normal life.
    var isExpected: Bool {
        switch self {
        case .requested, .streamStopped, .peer, .consentExpired, .sourceLost: true
        case .noCheck, .wrongPassword, .noHandshake, .handshakeTimeout, .handshakeFailed, .fingerprint, .noSRTPProfile, .congestion, .other:
            false
        }
    }

    /// The reason's name for programs, the same as in the metrics.
    var name: String {
        switch self {
        case .requested: "requested"
        case .streamStopped: "stream_stopped"
        case .peer: "peer"
        case .noCheck: "no_check"
        case .consentExpired: "consent_expired"
        case .handshakeTimeout: "handshake_timeout"
        case .handshakeFailed: "handshake_failed"
        case .fingerprint: "fingerprint"
        case .sourceLost: "source_lost"
        case .congestion: "congestion"
        case .wrongPassword: "wrong_password"
        case .noHandshake: "no_handshake"
        case .noSRTPProfile: "no_srtp_profile"
        case .other: "other"
        }
    }

    /// For the log, and for the viewer when it asks. The UDP port is named because a closed port is the most frequent reason of all.
    func words(udpPort: UInt16) -> String {
        switch self {
        case .requested: "it or this side asked for it"
        case .streamStopped: "the stream stopped"
        case .peer: "it said goodbye"
        case .noCheck: "no STUN check ever reached UDP port \(udpPort): is it open, and are the addresses in the answer reachable?"
        case .consentExpired: "its STUN checks stopped: the network or the browser is gone"
        case .handshakeTimeout: "the DTLS handshake did not finish in time"
        case .handshakeFailed: "the DTLS handshake failed"
        case .fingerprint: "its certificate is not the one its offer named"
        case .sourceLost: "the source stayed silent beyond the grace period"
        case .congestion: "it lost a quarter of its packets for 15 s: its link is too slow for the stream"
        case .wrongPassword:
            "STUN checks came with a wrong password: the client uses an answer of another session, or something on the way changes the answer"
        case .noHandshake:
            "STUN checks came and were answered, but no DTLS: the answers do not get back to the client, or a filter lets nothing but STUN through"
        case .noSRTPProfile: "the client has no SRTP profile that this server has (AEAD_AES_128_GCM, AES_CM_128_HMAC_SHA1_80)"
        case .other(let code): "reason \(code)"
        }
    }
}
