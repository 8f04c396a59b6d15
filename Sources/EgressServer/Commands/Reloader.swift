#if Server
internal import Egress
internal import Logging
internal import Synchronization

/// On SIGHUP, reads again what can be read while the server runs: the certificate and its key, and the files that hold tokens and their keys. A
/// thread of its own reads them, because a file system may take its time.
final class Reloader: Sendable {
    private struct State {
        var isBusy = false
        var isAskedAgain = false
    }

    private let tls: TLSCredentials?
    private let access: CurrentAccess
    private let readAccess: @Sendable () throws -> AccessConfiguration
    private let logger: Logger
    private let threads = WaitingThreads(count: 1)
    private let state = Mutex(State())

    /// - Parameter readAccess: returns the configuration as it was read at the start, with the present content of the files that it names.
    init(
        tls: TLSCredentials?, access: CurrentAccess, logger: Logger, readAccess: @escaping @Sendable () throws -> AccessConfiguration
    ) {
        self.tls = tls
        self.access = access
        self.logger = logger
        self.readAccess = readAccess
    }

    /// Returns at once. A request that comes while files are being read has them read once more.
    func reload() {
        let isFirst = state.withLock { state in
            state.isAskedAgain = state.isBusy
            defer { state.isBusy = true }
            return !state.isBusy
        }
        guard isFirst else { return }
        Task(executorPreference: threads) { [self] in
            repeat { await carryOut() } while isAskedAgain
        }
    }

    private var isAskedAgain: Bool {
        state.withLock { state in
            defer { state.isAskedAgain = false }
            state.isBusy = state.isAskedAgain
            return state.isAskedAgain
        }
    }

    func carryOut() async {
        if let tls {
            do throws(ConfigurationError) {
                try tls.reload()
                logger.info("The certificate was read again", metadata: tls.validity)
            } catch {
                logger.error("The certificate could not be read again, so the old one stays in use: \(error)")
            }
        }
        do {
            try await access.replace(readAccess())
            logger.notice(
                "The files of tokens and keys were read again. The configuration itself is read only at the start: restart to change it")
        } catch {
            logger.error("The files of tokens and keys could not be read again, so the old ones stay in use: \(error)")
        }
    }
}
#endif
