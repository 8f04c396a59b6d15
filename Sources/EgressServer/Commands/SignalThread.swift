#if Server
internal import Egress
internal import Glibc
internal import Synchronization

/// The descriptor that the signal handler writes the signal's number to. A process has one, as it has one disposition of signals.
private let signalPipe = Atomic<Int32>(-1)

/// Receives signals on a thread of its own, even when everything else hangs: it needs neither Swift's threads nor the log.
enum SignalThread {
    /// From here on `sequence` decides what signals mean.
    ///
    /// - Parameters:
    ///   - act: told to begin and to reload, on the thread that receives signals: it must not wait.
    ///   - exit: ends the process with that code; it does not return.
    static func start(
        _ sequence: StopSequence, act: @escaping @Sendable (StopSequence.Action) -> Void, exit: @escaping @Sendable (Int32) -> Void
    ) {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { preconditionFailure("no pipe for signals: \(String(cString: strerror(errno)))") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        let (source, sink) = (ends[0], ends[1])
        // The handler must not wait. When 64 KiB of signals are unread, one more adds nothing.
        _ = fcntl(sink, F_SETFL, O_NONBLOCK)
        signalPipe.store(sink, ordering: .sequentiallyConsistent)
        let hasStarted = OwnThread.start {
            var sequence = sequence
            while true {
                let action =
                    next(from: source, until: sequence.deadline).map { sequence.receive($0, now: .now) } ?? sequence.wait(now: .now)
                switch action {
                case .exit(let code): exit(code)
                case .begin, .reload: act(action)
                case .none: break
                }
            }
        }
        precondition(hasStarted, "no thread for signals: the system has none to give")
        for signal in [SIGTERM, SIGINT, SIGHUP] { install(signal) }
    }

    private static func install(_ signal: Int32) {
        var action = sigaction()
        action.__sigaction_handler.sa_handler = { number in
            let before = errno
            var byte = UInt8(truncatingIfNeeded: number)
            _ = write(signalPipe.load(ordering: .relaxed), &byte, 1)
            errno = before
        }
        action.sa_flags = SA_RESTART
        sigaction(signal, &action, nil)
    }

    /// nil when no signal has come in time.
    private static func next(from source: Int32, until deadline: ContinuousClock.Instant?) -> Int32? {
        let left = deadline.map { max(.zero, ContinuousClock.now.duration(to: $0)) / .milliseconds(1) }
        var wanted = pollfd(fd: source, events: Int16(truncatingIfNeeded: POLLIN), revents: 0)
        // The deadline is minutes away at most.
        guard poll(&wanted, 1, left.map { Int32(exactly: min($0, 1e9).rounded(.up)) ?? 0 } ?? -1) > 0 else { return nil }
        var byte: UInt8 = 0
        return read(source, &byte, 1) == 1 ? Int32(truncatingIfNeeded: byte) : nil
    }
}

/// The terminal that the process was started from.
enum Terminal {
    /// Whether the process has a terminal that it can still write to.
    static var isThere: Bool {
        let file = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else { return false }
        close(file)
        return true
    }

    /// Tells later whether the terminal has gone. A process that was started with `nohup` does not care.
    static func loss() -> @Sendable () -> Bool {
        var before = sigaction()
        sigaction(SIGHUP, nil, &before)
        let isIgnored = unsafeBitCast(before.__sigaction_handler.sa_handler, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
        guard !isIgnored, isThere else { return { false } }
        return { !isThere }
    }
}
#endif
