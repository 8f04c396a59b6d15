#if Server
internal import Glibc
internal import NIOCore

/// Stands in the listener's pipeline and handles that the system can't accept a connection.
///
/// When descriptors or memory are short, the listener stops accepting for a while. NIO's own `AcceptBackoffHandler` stays registered for reading
/// meanwhile, so that epoll wakes its loop without end.
final class AcceptWatch: ChannelInboundHandler {
    typealias InboundIn = any Channel

    static let pause = TimeAmount.milliseconds(250)

    private let onShortage: () -> Void
    private let onFailure: (any Error) -> Void

    /// - Parameters:
    ///   - onShortage: called when there was no descriptor or no memory. The listener continues.
    ///   - onFailure: called on any other error. NIO then closes the listener.
    init(onShortage: @escaping () -> Void, onFailure: @escaping (any Error) -> Void) {
        self.onShortage = onShortage
        self.onFailure = onFailure
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let code = (error as? IOError)?.errnoCode else {
            // The error of a connection that was refused or could not be set up. It is closed already.
            return
        }
        switch code {
        case EMFILE, ENFILE, ENOBUFS, ENOMEM:
            onShortage()
            stopForAWhile(context)
        case ECONNABORTED: break
        default: onFailure(error)
        }
    }

    private func stopForAWhile(_ context: ChannelHandlerContext) {
        let channel = context.channel
        try? channel.syncOptions?.setOption(.autoRead, value: false)
        context.eventLoop.assumeIsolated().scheduleTask(in: Self.pause) {
            try? channel.syncOptions?.setOption(.autoRead, value: true)
        }
    }
}
#endif
