/// A viewer as its client sees it: what it does next is held against this.
struct ViewerSession: Sendable {
    let id: String
    let stream: String
    let engineStream: UInt64
    let viewer: UInt64
    /// Where its HTTP request came from.
    var client: String?
    var network: ClientNetwork?
    var ice = ICE()
    /// Legs that it asked for when the stream did not have them.
    var missed: Set<LegPlan.Leg> = []
    var isConnected = false
    /// Why it is being closed. Whoever closed it first has closed it; the engine's event follows.
    var closing: CloseReason?
    var isClosing: Bool { closing != nil }

    /// How an operator names it.
    var viewerID: String { viewer.hex }

    /// What its ICE has come to: what a later request is held against.
    struct ICE: Sendable, Hashable {
        /// The viewer's.
        var remote = ICECredentials(ufrag: "", pwd: "")
        /// Changes with the engine's credentials.
        var entityTag = ""
        var section = SDPFragment.Section(media: "", mid: nil, bundle: [])
        /// One restart at a time: the engine's credentials and these have to be of the same one.
        var isRestarting = false
    }

    /// Whether it would have a leg more if it was made now.
    func lacksLeg(of stream: ProcessStream) -> Bool { !isClosing && !missed.isDisjoint(with: stream.config.legs) }
}
