#if Server
internal import Glibc
internal import HummingbirdCore
internal import Logging
internal import NIOCore
internal import NIOPosix
internal import ServiceLifecycle
internal import Synchronization

/// Accepts connections at an address. When the system takes its listener away, it opens it again. Media does not depend on it.
struct HTTPListener: Sendable {
    private static let backlog: Int32 = 1_024
    /// When sent data is not acknowledged or not read for so long, the client is gone and the connection ends.
    private static let userTimeoutMilliseconds = 30_000
    private static let keepAliveSeconds = 60
    /// A listener that lasted so long counts as a success.
    private static let healthyLife = Duration.seconds(30)

    private struct State {
        var listener: (any Channel)?
        var isStopping = false
    }

    /// The error that closed a listener.
    private final class Failure: Sendable {
        let error = Mutex<(any Error)?>(nil)
    }

    private final class Shared: Sendable {
        let state = Mutex(State())
    }

    let address: HTTPAddress
    let channel: HTTPConnectionChannel
    let logger: Logger
    private let shared = Shared()

    init(address: HTTPAddress, channel: HTTPConnectionChannel, logger: Logger) {
        self.address = address
        self.channel = channel
        self.logger = logger
    }

    /// Returns after a graceful shutdown, when the last connection has ended.
    /// - Parameter onListening: called once with the port, when connections are taken.
    /// - Throws: `IOError` when the address can't be opened at the beginning.
    func run(_ onListening: @Sendable (_ port: Int) -> Void) async throws {
        let (accepted, accept) = AsyncStream.makeStream(of: HTTPConnectionChannel.Value.self)
        let (first, failure) = try await open(port: Int(clamping: address.port), accept)
        let port = first.localAddress?.port ?? Int(clamping: address.port)
        onListening(port)
        await withTaskCancellationHandler {
            await withGracefulShutdownHandler {
                await withDiscardingTaskGroup { group in
                    group.addTask { await keepOpen(first, failure, port: port, accept) }
                    for await connection in accepted {
                        group.addTask { await channel.handle(value: connection, logger: quiet) }
                    }
                }
            } onGracefulShutdown: {
                stop(accept)
            }
        } onCancel: {
            stop(accept)
        }
        await Self.dispose(accepted)
    }

    private func stop(_ accept: AsyncStream<HTTPConnectionChannel.Value>.Continuation) {
        let listener = shared.state.withLock { state in
            state.isStopping = true
            return state.listener
        }
        listener?.close(promise: nil)
        channel.connections.shutdown()
        accept.finish()
    }

    private var isStopping: Bool { shared.state.withLock { $0.isStopping } }

    private var quiet: Logger {
        var quiet = logger
        quiet.logLevel = max(logger.logLevel, .notice)
        return quiet
    }

    // MARK: Keeping it open

    private func keepOpen(
        _ first: any Channel, _ firstFailure: Failure, port: Int, _ accept: AsyncStream<HTTPConnectionChannel.Value>.Continuation
    ) async {
        var (listener, failure) = (first, firstFailure)
        var backoff = Backoff()
        while true {
            let openedAt = ContinuousClock.now
            try? await listener.closeFuture.get()
            if isStopping { return }
            if ContinuousClock.now - openedAt >= Self.healthyLife { backoff.reset() }
            var problem = "\(failure.error.withLock { $0 }.map { "\($0)" } ?? "it was closed")"
            var said = ""
            repeat {
                let delay = backoff.delay()
                if problem != said {
                    logger.error("HTTP accepts no connections: \(problem). The listener is opened again in \(delay); media continues")
                }
                said = problem
                guard await sleep(delay) else { return }
                do {
                    (listener, failure) = try await open(port: port, accept)
                } catch {
                    problem = "\(error)"
                }
            } while !listener.isActive && !isStopping
            if !isStopping { logger.notice("HTTP is served again", metadata: ["address": "\(address.host):\(port)"]) }
        }
    }

    /// Returns false when it makes no sense to continue.
    private func sleep(_ delay: Duration) async -> Bool {
        await cancelWhenGracefulShutdown { (try? await Task.sleep(for: delay)) != nil } && !isStopping
    }

    private func open(
        port: Int, _ accept: AsyncStream<HTTPConnectionChannel.Value>.Continuation
    ) async throws -> (any Channel, Failure) {
        let failure = Failure()
        let listener = try await bootstrap(accept, failure).bind(host: address.host, port: port).get()
        let isLate = shared.state.withLock { state in
            state.listener = listener
            return state.isStopping
        }
        if isLate { listener.close(promise: nil) }
        return (listener, failure)
    }

    private func bootstrap(_ accept: AsyncStream<HTTPConnectionChannel.Value>.Continuation, _ failure: Failure) -> ServerBootstrap {
        ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.backlog, value: Self.backlog)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            // Accepted connections inherit these options.
            .serverChannelOption(.socketOption(.so_rcvbuf), value: numericCast(ConnectionLimits.receiveBufferSize))
            .serverChannelOption(.socketOption(.so_sndbuf), value: numericCast(ConnectionLimits.sendBufferSize))
            .serverChannelInitializer { server in
                server.eventLoop.makeCompletedFuture {
                    try server.pipeline.syncOperations.addHandler(
                        AcceptWatch(
                            onShortage: { [connections = channel.connections] in connections.giveWay(1) },
                            onFailure: { error in failure.error.withLock { $0 = error } }))
                }
            }
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(.maxMessagesPerRead, value: 1)
            .childChannelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: ConnectionLimits.readSize))
            .childChannelOption(.socketOption(.so_keepalive), value: 1)
            .childChannelOption(.tcpOption(.init(rawValue: TCP_KEEPIDLE)), value: numericCast(Self.keepAliveSeconds))
            .childChannelOption(.tcpOption(.init(rawValue: TCP_USER_TIMEOUT)), value: numericCast(Self.userTimeoutMilliseconds))
            .childChannelInitializer { [channel, logger = quiet] child in
                channel.setup(channel: child, logger: logger).map { connection in
                    guard case .terminated = accept.yield(connection) else { return }
                    Task { await Self.dispose(connection) }
                }
            }
    }

    // MARK: Disposing

    /// Closes connections that came when they were not accepted any more.
    private static func dispose(_ accepted: AsyncStream<HTTPConnectionChannel.Value>) async {
        // A cancelled task does not read a stream to its end.
        await Task { for await connection in accepted { await dispose(connection) } }.value
    }

    private static func dispose(_ connection: HTTPConnectionChannel.Value) async {
        connection.channel.close(promise: nil)
        try? await connection.executeThenClose { _, _ in }
    }
}
#endif
