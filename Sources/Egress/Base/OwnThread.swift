import Glibc

/// A thread that waits for nobody else's turn. Swift's own threads are few, and all tasks share them: whatever may wait in a system call, or
/// for a thread of the engine, waits on one of these instead.
package enum OwnThread {
    private final class Body: Sendable {
        let run: @Sendable () -> Void

        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    /// Begins a thread that ends when `run` returns. It takes no signal, and a pipe that was closed is an error to it (EPIPE), no signal either.
    /// - Returns: False when the system has no thread to give; `run` is not called then.
    package static func start(_ run: @escaping @Sendable () -> Void) -> Bool {
        var all = sigset_t()
        var before = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_BLOCK, &all, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        var thread = pthread_t()
        let body = Unmanaged.passRetained(Body(run))
        let status = pthread_create(
            &thread, nil,
            { context in
                if let context { Unmanaged<Body>.fromOpaque(context).takeRetainedValue().run() }
                return nil
            }, body.toOpaque())
        guard status == 0 else {
            body.release()
            return false
        }
        pthread_detach(thread)
        return true
    }
}
