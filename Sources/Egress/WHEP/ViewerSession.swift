/// A viewer as its client sees it. The client's later requests are checked against this.
struct ViewerSession: Sendable {
    let id: String
    let stream: String
    let engineStream: UInt64
    let viewer: UInt64
    /// The address that its HTTP request came from.
    var client: String?
    var network: ClientNetwork?
    /// `nil` where that does not matter.
    var created: ContinuousClock.Instant?
    var ice = ICE()
    /// The encoding that the viewer begins with; `nil` when it gets no video.
    var encoding: Encoding?
    /// The encodings that it is switched among; `nil`: it stays where it begins.
    var ladder: ViewerLadder?
    /// Legs that the viewer asked for when the stream did not have them.
    var missed: Set<LegPlan.Leg> = []
    var isConnected = false
    /// Why it is being closed. Only the first call that closes it sets this; the engine's event follows.
    var closing: CloseReason?
    var isClosing: Bool { closing != nil }

    /// The id by which an operator names it.
    var viewerID: String { viewer.hex }

    /// The present state of its ICE, which later requests are checked against.
    struct ICE: Sendable, Hashable {
        /// The viewer's credentials.
        var remote = ICECredentials(ufrag: "", pwd: "")
        /// Changes with the engine's credentials.
        var entityTag = ""
        var section = SDPFragment.Section(media: "", mid: nil, bundle: [])
        /// Whether a restart is under way. There is one at a time, so that these credentials and the engine's belong to the same restart.
        var isRestarting = false
    }

    /// Whether the session would have one more leg if it was made now.
    func lacksLeg(of stream: ProcessStream) -> Bool { !isClosing && !missed.isDisjoint(with: stream.config.legs) }
}
