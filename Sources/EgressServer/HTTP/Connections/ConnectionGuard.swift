#if Server
internal import Glibc
internal import NIOCore
internal import NIOTLS

/// Stands first in a connection's pipeline, where bytes come from the wire and go to it, and closes the connection when a deadline
/// passes. ``RequestGate`` and ``RequestWatch`` tell it how far the request has got.
///
/// It closes the connection from this place, so that no handler behind it, such as TLS, can wait for the client any more.
final class ConnectionGuard: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = IOData
    typealias OutboundOut = IOData

    private let id: ConnectionTable.ID
    let connections: Connections
    private var clock: ConnectionClock
    private var writes: WriteClock
    private var context: ChannelHandlerContext?
    private var timer: (at: NIODeadline, task: Scheduled<Void>)?

    init(_ id: ConnectionTable.ID, _ connections: Connections, isTLS: Bool, now: NIODeadline) {
        self.id = id
        self.connections = connections
        clock = ConnectionClock(connections.limits, isTLS: isTLS, now: now)
        writes = WriteClock(connections.limits)
    }

    // MARK: Told by the handlers behind it

    var phase: ConnectionClock.Phase { clock.phase }

    func handshakeDone() { advance { $0.handshakeDone(now: $1) } }

    func bytesRead() { advance { $0.bytesRead(now: $1) } }

    func headRead() { advance { $0.headRead(now: $1) } }

    func requestRead() {
        advance { $0.requestRead(now: $1) }
        if clock.phase == .answering { connections.answer(id) }
    }

    func answered() {
        advance { $0.answered(now: $1) }
        connections.wait(id)
    }

    /// Sends nothing more. The client may still read what was sent.
    func closed() { advance { $0.closed(now: $1) } }

    /// Closes at once. What the client has not read is lost.
    func cut(_ limit: ConnectionLimit?) {
        guard let context else { return }
        if let limit { connections.refusals.count(limit) }
        // Otherwise the kernel would keep trying to deliver what this client does not read.
        if limit == .writeTime, let options = context.channel as? any SocketOptionProvider {
            _ = options.setSoLinger(linger(l_onoff: 1, l_linger: 0))
        }
        context.close(promise: nil)
    }

    private func advance(_ change: (inout ConnectionClock, NIODeadline) -> Void) {
        guard let context else { return }
        change(&clock, context.eventLoop.now)
        schedule(context)
    }

    // MARK: ChannelHandler

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        schedule(context)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        timer?.task.cancel()
        timer = nil
        self.context = nil
    }

    func channelInactive(context: ChannelHandlerContext) {
        timer?.task.cancel()
        timer = nil
        context.fireChannelInactive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case is Connections.GiveWay:
            if clock.phase == .answering { connections.wait(id) } else { context.close(promise: nil) }
        case is ChannelShouldQuiesceEvent where clock.phase != .answering:
            context.close(promise: nil)
        default:
            context.fireUserInboundEventTriggered(event)
        }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let size = unwrapOutboundIn(data).readableBytes
        writes.write(size, waiting: waiting(context), now: context.eventLoop.now)
        schedule(context)
        context.write(data, promise: promise)
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        context.close(mode: mode, promise: promise)
        if mode == .output { closed() }
    }

    // MARK: Deadlines

    private func waiting(_ context: ChannelHandlerContext) -> Int {
        (try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
    }

    /// A client that still reads what waits for it is not cut off although this side has closed.
    private func nextDeadline(_ context: ChannelHandlerContext) -> NIODeadline? {
        if clock.phase == .closing { return waiting(context) > 0 ? writes.deadline : clock.deadline }
        return [clock.deadline, writes.deadline].compactMap { $0 }.min()
    }

    /// There is one timer. It is set again only for an earlier deadline, since most deadlines move before they come.
    private func schedule(_ context: ChannelHandlerContext) {
        guard let next = nextDeadline(context) else { return }
        if let timer {
            guard next < timer.at else { return }
            timer.task.cancel()
        }
        timer = (next, context.eventLoop.assumeIsolated().scheduleTask(deadline: next) { self.check(context) })
    }

    private func check(_ context: ChannelHandlerContext) {
        timer = nil
        let now = context.eventLoop.now
        guard writes.check(waiting: waiting(context), now: now) else { return cut(.writeTime) }
        if let deadline = clock.deadline, now >= deadline, clock.phase != .closing || waiting(context) == 0 { return cut(clock.limit) }
        schedule(context)
    }
}
#endif
