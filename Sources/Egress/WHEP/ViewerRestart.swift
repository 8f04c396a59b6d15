/// What a viewer gets for an ICE restart.
struct ViewerRestart: Sendable, Hashable {
    let fragment: String
    let entityTag: String
}

extension EgressEngine {
    /// Replaces a session's ICE credentials. Media goes where it went before until a check with the new credentials arrives.
    /// - Parameter tag: the entity tag of the ICE session to replace.
    /// - Throws: ``EgressError``; the session continues as it was.
    func restartICE(of session: String, _ stream: String, replacing tag: String, with remote: ICECredentials) throws(EgressError)
        -> ViewerRestart
    {
        guard let engine else { throw .sessionNotFound }
        let held = try registry.beginRestart(of: session, stream, replacing: tag)
        guard remote.ufrag != held.ice.remote.ufrag, remote.pwd != held.ice.remote.pwd else {
            registry.endRestart(of: session, with: nil)
            throw .invalidOffer("an ICE restart changes both a=ice-ufrag and a=ice-pwd (RFC 8839 §4.4.1.1.1)")
        }
        let identity: ViewerIdentity
        do {
            identity = try engine.handle.restartICE(held.viewer, remote)
        } catch {
            registry.endRestart(of: session, with: nil)
            throw error
        }
        var ice = held.ice
        ice.remote = remote
        ice.entityTag = identity.iceUfrag
        registry.endRestart(of: session, with: ice)
        let local = ICECredentials(ufrag: identity.iceUfrag, pwd: identity.icePwd)
        return ViewerRestart(fragment: SDPFragment.write(ice.section, local, candidates), entityTag: ice.entityTag)
    }
}
