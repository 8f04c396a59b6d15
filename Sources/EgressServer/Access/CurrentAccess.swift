#if Server
internal import Egress
internal import Synchronization

/// The present ``AccessControl``, which reading files again replaces.
final class CurrentAccess: Sendable {
    private let current: Mutex<AccessControl>

    init(_ access: AccessControl) { current = Mutex(access) }

    var value: AccessControl { current.withLock { $0 } }

    /// For ``WHEPHandler``; nil where there is nothing to decide. Reading files again does not change that.
    var authorizer: WHEPAuthorizer? {
        if value.listIsPublic { nil } else { { [self] access in await value.mayWatch(access) } }
    }

    /// Takes over new tokens and keys. A hook holds nothing that is read from a file, so it continues.
    func replace(_ configuration: AccessConfiguration) async {
        let operators = configuration.operators
        guard case .tokens(let tokens, let settings) = configuration.viewers else {
            current.withLock { $0.operators = operators }
            return
        }
        var verifier: JWTVerifier?
        if let settings { verifier = await JWTVerifier(settings) }
        current.withLock { [verifier] access in
            access.operators = operators
            access.viewers = .tokens(tokens, verifier)
        }
    }
}
#endif
