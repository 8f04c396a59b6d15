#if Server
internal import NIOCore
internal import NIOTLS

/// Lets one request at a time through to the parser: the next one only when the answer to the one before has left.
///
/// It stands before the parser, and keeps pipelined requests as the bytes that came in. A parsed request takes thirty times the memory
/// of a short one on the wire, so what waits must not be parsed. Bytes are handed on up to the next empty line, which is where a head ends, so
/// that the end of a request is noticed before the next one is parsed.
final class RequestGate: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = IOData
    typealias OutboundOut = IOData

    private let guarding: ConnectionGuard
    private let limits: ConnectionLimits
    private var context: ChannelHandlerContext?
    private var held = ByteBuffer()
    private var lines = EmptyLineFinder()
    /// The size of the request that is being read, in bytes.
    private var requestSize = 0
    private var isHeadRead = false
    private(set) var isShut = false
    private var isDelivering = false
    /// Whether bytes are read and discarded: this side has sent all that it had to send.
    private var isDeaf = false
    private var isReadWanted = false
    private var isInputClosed = false

    init(_ guarding: ConnectionGuard, _ limits: ConnectionLimits) {
        self.guarding = guarding
        self.limits = limits
    }

    // MARK: Told by RequestWatch

    func headRead() { isHeadRead = true }

    func requestRead(isAnswered: Bool) {
        isHeadRead = false
        requestSize = 0
        isShut = !isAnswered
    }

    /// The next request may come; ``resume()`` hands on what has come of it.
    func open() { isShut = false }

    func resume() {
        guard !isShut, !isDelivering, let context else { return }
        if deliver(context) { context.fireChannelReadComplete() }
        goOn(context)
    }

    // MARK: ChannelHandler

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isDeaf else { return }
        var bytes = unwrapInboundIn(data)
        held.writeBuffer(&bytes)
        guard !isDelivering else { return }
        _ = deliver(context)
        if isShut, held.readableBytes > limits.waitingSizeMax { guarding.cut(.waitingSize) }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        context.fireChannelReadComplete()
        goOn(context)
    }

    func read(context: ChannelHandlerContext) {
        if isShut || held.readableBytes > 0 { isReadWanted = true } else { context.read() }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case TLSUserEvent.handshakeCompleted(_):
            guarding.handshakeDone()
            context.fireUserInboundEventTriggered(event)
        case ChannelEvent.inputClosed where held.readableBytes > 0:
            // The end of the input is handed on after the requests that came before it.
            isInputClosed = true
        default:
            context.fireUserInboundEventTriggered(event)
        }
    }

    // MARK: Delivering

    /// Returns whether anything was handed on.
    private func deliver(_ context: ChannelHandlerContext) -> Bool {
        isDelivering = true
        defer { isDelivering = false }
        var isAnything = false
        while !isShut, !isDeaf, let piece = nextPiece() {
            guarding.bytesRead()
            requestSize += piece.readableBytes
            if !isHeadRead, requestSize > limits.headSizeMax { return refuse(.headSize, "431 Request Header Fields Too Large", context) }
            if requestSize > limits.requestSizeMax {
                guarding.cut(.requestSize)
                return isAnything
            }
            context.fireChannelRead(wrapInboundOut(piece))
            isAnything = true
        }
        return isAnything
    }

    private func nextPiece() -> ByteBuffer? {
        guard held.readableBytes > 0 else {
            held.clear(minimumCapacity: 0)
            return nil
        }
        let size = held.withUnsafeReadableBytes { lines.next(in: $0) }
        return held.readSlice(length: size)
    }

    private func goOn(_ context: ChannelHandlerContext) {
        guard held.readableBytes == 0 else { return }
        if isInputClosed {
            isInputClosed = false
            context.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        }
        guard isReadWanted, !isShut else { return }
        isReadWanted = false
        context.read()
    }

    /// Answers the request here, since no handler behind knows of it yet.
    private func refuse(_ limit: ConnectionLimit, _ status: String, _ context: ChannelHandlerContext) -> Bool {
        guarding.connections.refusals.count(limit)
        isDeaf = true
        held.clear(minimumCapacity: 0)
        let answer = "HTTP/1.1 \(status)\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        context.writeAndFlush(wrapOutboundOut(.byteBuffer(ByteBuffer(string: answer))), promise: nil)
        guarding.closed()
        return false
    }
}

/// Finds where empty lines end. A line ends with CR LF or, which a parser may let pass, with LF alone (RFC 9112 §2.2).
struct EmptyLineFinder {
    private enum State {
        case inLine
        case afterLine
        /// After it, a CR.
        case afterReturn
    }

    private var state = State.inLine

    /// The number of bytes up to the end of the first empty line, or of all bytes when there is none.
    mutating func next(in bytes: UnsafeRawBufferPointer) -> Int {
        for (index, byte) in bytes.enumerated() {
            switch (byte, state) {
            case (UInt8(ascii: "\n"), .inLine): state = .afterLine
            case (UInt8(ascii: "\n"), _):
                state = .afterLine
                return index + 1
            case (UInt8(ascii: "\r"), .afterLine): state = .afterReturn
            default: state = .inLine
            }
        }
        return bytes.count
    }
}
#endif
