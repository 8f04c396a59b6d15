#if Server
import HTTPTypes
import Logging
import NIOCore
import NIOEmbedded
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1
import Testing

@testable import EgressServer

/// What the handlers of a connection do with bytes and time, without a socket. The time is the embedded loop's.
@Suite struct ConnectionTests {
    /// Sees what gets through to where requests are answered.
    private final class Requests: ChannelInboundHandler {
        typealias InboundIn = HTTPRequestPart

        var paths: [String] = []
        var ended = 0
        var bodySize = 0

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head(let head): paths.append(head.path ?? "")
            case .body(let part): bodySize += part.readableBytes
            case .end: ended += 1
            }
        }
    }

    /// A connection as ``HTTPConnectionChannel`` builds it, but for TLS and what waits for parts in tasks.
    private struct Peer {
        let loop = EmbeddedEventLoop()
        let channel: EmbeddedChannel
        let requests = Requests()
        let connections: Connections
        let refusals = ConnectionRefusals(logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })

        init(isTLS: Bool = false, _ limits: ConnectionLimits = ConnectionLimits()) throws {
            connections = Connections(limits, refusals: refusals)
            channel = EmbeddedChannel(loop: loop)
            let id = try #require(connections.admit(channel))
            let guarding = ConnectionGuard(id, connections, isTLS: isTLS, now: loop.now)
            let gate = RequestGate(guarding, limits)
            let pipeline = channel.pipeline.syncOperations
            try pipeline.addHandler(guarding)
            try pipeline.addHandler(gate)
            try pipeline.configureHTTPServerPipeline(withPipeliningAssistance: false, withErrorHandling: false)
            try pipeline.addHandler(HTTP1ToHTTPServerCodec(secure: false))
            try pipeline.addHandler(RequestWatch(guarding, gate))
            try pipeline.addHandler(requests)
            channel.closeFuture.whenComplete { [connections] _ in connections.remove(id) }
            try channel.connect(to: SocketAddress(ipAddress: "192.0.2.1", port: 4711)).wait()
        }

        func send(_ text: String) throws { try channel.writeInbound(ByteBuffer(string: text)) }

        /// The bytes of an answer are in the kernel when `isTaken`, else in the channel.
        func answer(_ size: Int = 10, isTaken: Bool = true) throws {
            let head = HTTPResponse(status: .ok, headerFields: [.contentLength: "\(size)"])
            channel.write(HTTPResponsePart.head(head), promise: nil)
            channel.write(HTTPResponsePart.body(ByteBuffer(repeating: 0, count: size)), promise: nil)
            channel.write(HTTPResponsePart.end(nil), promise: nil)
            if isTaken { channel.flush() }
        }

        func wait(_ seconds: Int64) { loop.advanceTime(by: .seconds(seconds)) }

        var isOpen: Bool { channel.isActive }

        func refused(_ limit: ConnectionLimit) -> UInt64? { refusals.all[limit.rawValue] }
    }

    private static let request = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n"

    // MARK: One at a time

    @Test func theNextRequestIsParsedWhenTheAnswerToTheOneBeforeHasLeft() throws {
        let peer = try Peer()
        try peer.send((1...50).map { "GET /\($0) HTTP/1.1\r\nHost: x\r\n\r\n" }.joined())
        #expect(peer.requests.paths == ["/1"])
        try peer.answer(isTaken: false)
        #expect(peer.requests.paths == ["/1"])
        peer.channel.flush()
        #expect(peer.requests.paths == ["/1", "/2"])
        for _ in 2...50 { try peer.answer() }
        #expect(peer.requests.paths == (1...50).map { "/\($0)" })
        #expect(peer.requests.ended == 50)
    }

    @Test(arguments: [1, 2, 3, 7, 1000]) func requestsComeWholeHoweverTheirBytesAreCut(size: Int) throws {
        let peer = try Peer()
        let posted = "POST /b HTTP/1.1\r\nContent-Length: 9\r\n\r\nv=0\n\ns=-\n"
        let chunked = "POST /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n\r\n\r\n\n\r\n0\r\n\r\n"
        var bytes = ByteBuffer(string: posted + chunked + Self.request)
        while let piece = bytes.readSlice(length: min(size, bytes.readableBytes)), piece.readableBytes > 0 {
            try peer.channel.writeInbound(piece)
        }
        for count in 1...3 {
            #expect(peer.requests.ended == count)
            try peer.answer()
        }
        #expect(peer.requests.paths == ["/b", "/c", "/a"])
        #expect(peer.requests.bodySize == 14)
    }

    @Test func aClientThatClosesItsSideBehindRequestsGetsAllAnswers() throws {
        let peer = try Peer()
        let closed = Closed()
        try peer.channel.pipeline.syncOperations.addHandler(closed)
        try peer.send(Self.request + Self.request)
        peer.channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        #expect(!closed.isSeen)
        try peer.answer()
        #expect(peer.requests.ended == 2)
        #expect(closed.isSeen)
    }

    private final class Closed: ChannelInboundHandler {
        typealias InboundIn = HTTPRequestPart
        var isSeen = false

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            if case ChannelEvent.inputClosed = event { isSeen = true }
        }
    }

    @Test func whatIsPipelinedBeyondTheLimitClosesTheConnection() throws {
        let peer = try Peer()
        try peer.send(Self.request)
        let more = String(repeating: "x", count: 16 * 1024)
        for _ in 0..<16 { try peer.send(more) }
        #expect(peer.isOpen)
        try peer.send(more)
        #expect(!peer.isOpen)
        #expect(peer.refused(.waitingSize) == 1)
    }

    // MARK: Sizes

    @Test func aHeadThatIsTooLongIsRefusedWhetherItEndsOrNot() throws {
        let peer = try Peer()
        try peer.send("GET / HTTP/1.1\r\n")
        for index in 0..<40 where peer.refused(.headSize) == 0 {
            try peer.send("X-\(index): \(String(repeating: "a", count: 1000))\r\n")
        }
        #expect(peer.refused(.headSize) == 1)
        let answer = try #require(try peer.channel.readOutbound(as: ByteBuffer.self))
        #expect(String(buffer: answer).hasPrefix("HTTP/1.1 431 "))
        #expect(peer.requests.paths.isEmpty)
        peer.wait(2)
        #expect(!peer.isOpen)
    }

    @Test func aBodyWithoutAnEndIsCutOffAndOneThatIsMerelyTooLargeGetsItsAnswer() throws {
        let peer = try Peer()
        let part = String(repeating: "a", count: 16 * 1024)
        try peer.send("POST / HTTP/1.1\r\nContent-Length: 200000\r\n\r\n" + String(repeating: "a", count: 100_000))
        try peer.answer()
        try peer.send(String(repeating: "a", count: 100_000) + Self.request)
        #expect(peer.requests.paths == ["/", "/a"])
        try peer.answer()
        try peer.send("POST /c HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n")
        for _ in 0..<63 { try peer.send(part) }
        #expect(peer.isOpen)
        // That the request has no end is an error to the parser.
        for _ in 0..<2 where peer.isOpen { try? peer.send(part) }
        #expect(!peer.isOpen)
        #expect(peer.refused(.requestSize) == 1)
    }

    // MARK: Deadlines

    @Test func aConnectionThatIsNotUsedIsClosedAndOneThatIsUsedIsNot() throws {
        let peer = try Peer()
        for _ in 0..<10 {
            peer.wait(29)
            try peer.send(Self.request)
            try peer.answer()
        }
        #expect(peer.isOpen)
        peer.wait(30)
        #expect(!peer.isOpen)
        #expect(peer.refusals.all.values.allSatisfy { $0 == 0 })
        #expect(peer.connections.count == 0)
    }

    @Test func aHeadHasItsTimeHoweverItsBytesDrip() throws {
        let peer = try Peer()
        for byte in "GET / HTTP/1.1\r\nX: aaaa".prefix(9) {
            try peer.send(String(byte))
            peer.wait(1)
        }
        #expect(peer.isOpen)
        peer.wait(1)
        #expect(!peer.isOpen)
        #expect(peer.refused(.headTime) == 1)
    }

    @Test func aBodyHasItsTimeHoweverItsBytesDrip() throws {
        let peer = try Peer()
        try peer.send("POST / HTTP/1.1\r\nContent-Length: 5000\r\n\r\n")
        for _ in 0..<3 {
            peer.wait(5)
            try peer.send("v")
        }
        #expect(peer.isOpen)
        peer.wait(5)
        #expect(!peer.isOpen)
        #expect(peer.refused(.bodyTime) == 1)
    }

    @Test func anAnswerTakesAsLongAsItTakesAndAListenerThatHearsNothingStays() throws {
        let peer = try Peer()
        try peer.send(Self.request)
        peer.wait(3600)
        #expect(peer.isOpen)
        // An event now and then, which is read.
        peer.channel.write(HTTPResponsePart.head(HTTPResponse(status: .ok)), promise: nil)
        for _ in 0..<5 {
            peer.channel.writeAndFlush(HTTPResponsePart.body(ByteBuffer(string: "event")), promise: nil)
            peer.wait(600)
        }
        #expect(peer.isOpen)
        // And one that is not.
        peer.channel.write(HTTPResponsePart.body(ByteBuffer(string: "event")), promise: nil)
        peer.wait(15)
        #expect(!peer.isOpen)
        #expect(peer.refused(.writeTime) == 1)
    }

    @Test func aClientThatDoesNotReadItsAnswerIsCutOff() throws {
        let peer = try Peer()
        try peer.send(Self.request)
        try peer.answer(isTaken: false)
        peer.wait(14)
        #expect(peer.isOpen)
        peer.wait(1)
        #expect(!peer.isOpen)
        #expect(peer.refused(.writeTime) == 1)
    }

    @Test func aSlowReaderStaysAsLongAsItGetsOn() {
        var clock = WriteClock(ConnectionLimits())
        let start = NIODeadline.uptimeNanoseconds(0)
        clock.write(1_000_000, waiting: 0, now: start)
        var waiting = 1_000_000
        for span in 1...10 {
            waiting -= 64 * 1024
            let isReading = clock.check(waiting: waiting, now: start + .seconds(Int64(15 * span)))
            #expect(isReading)
        }
        let isReading = clock.check(waiting: waiting - 60_000, now: start + .seconds(15 * 11))
        #expect(!isReading)
    }

    @Test func aTLSHandshakeHasItsTime() throws {
        let peer = try Peer(isTLS: true)
        peer.wait(10)
        #expect(!peer.isOpen)
        #expect(peer.refused(.handshakeTime) == 1)
    }

    // MARK: Giving way

    @Test func aConnectionThatWaitsGivesWayAndOneThatIsAnsweredDoesNot() throws {
        let peer = try Peer()
        try peer.send(Self.request)
        peer.connections.giveWay(1)
        #expect(peer.isOpen)
        try peer.answer()
        peer.connections.giveWay(1)
        #expect(!peer.isOpen)
        // Each is a shortage, whether anybody could give way or not.
        #expect(peer.refused(.descriptors) == 2)
    }
}

@Suite struct ConnectionTableTests {
    private static func address(_ text: String) throws -> ConnectionAddress { ConnectionAddress(try #require(NumericAddress(text))) }

    private struct Unexpected: Error { var verdict: ConnectionTable.Verdict }

    private static func admit(
        _ table: inout ConnectionTable, _ address: ConnectionAddress? = nil, countMax: Int = 100
    ) throws -> (id: ConnectionTable.ID, evicted: ConnectionTable.ID?) {
        let verdict = table.admit(address, countMax: countMax)
        guard case .admitted(let id, let eviction) = verdict else { throw Unexpected(verdict: verdict) }
        return (id, eviction?.id)
    }

    @Test func theOneThatHasWaitedLongestGivesWay() throws {
        var table = ConnectionTable(perAddressMax: 100)
        let ids = try (0..<3).map { _ in try Self.admit(&table, nil, countMax: 3).id }
        table.answer(ids[0])
        table.wait(ids[0])
        table.answer(ids[1])
        let evicted1 = try Self.admit(&table, nil, countMax: 3).evicted
        #expect(evicted1 == ids[2])
        let evicted2 = try Self.admit(&table, nil, countMax: 3).evicted
        #expect(evicted2 == ids[0])
        table.remove(ids[2])
        table.remove(ids[0])
        #expect(table.count == 3)
    }

    @Test func whereAllAreAnsweredNobodyIsLetIn() throws {
        var table = ConnectionTable(perAddressMax: 100)
        for _ in 0..<3 { table.answer(try Self.admit(&table, nil, countMax: 3).id) }
        let verdict = table.admit(nil, countMax: 3)
        #expect(verdict == .refused(.connections))
    }

    @Test func anAddressMakesRoomForItselfAndNotAtTheCostOfOthers() throws {
        var table = ConnectionTable(perAddressMax: 2)
        let here = try Self.address("2001:db8::1")
        let alsoHere = try Self.address("2001:db8::2")
        let there = try Self.address("192.0.2.1")
        let other = try Self.admit(&table, there, countMax: 100).id
        let first = try Self.admit(&table, here, countMax: 100).id
        let second = try Self.admit(&table, alsoHere, countMax: 100).id
        let evicted3 = try Self.admit(&table, here, countMax: 100).evicted
        #expect(evicted3 == first)
        table.answer(second)
        table.remove(first)
        let third = try Self.admit(&table, try Self.address("::ffff:192.0.2.1"), countMax: 100)
        #expect(third.evicted == nil)
        let evicted4 = try Self.admit(&table, there, countMax: 100).evicted
        #expect(evicted4 == other)
    }

    @Test func theQueuesStayAsLongAsThereAreConnections() throws {
        var table = ConnectionTable(perAddressMax: 100)
        let here = try Self.address("192.0.2.1")
        let ids = try (0..<10).map { _ in try Self.admit(&table, here, countMax: 100).id }
        for _ in 0..<1000 {
            for id in ids {
                table.answer(id)
                table.wait(id)
            }
        }
        #expect(table.queued <= 2 * 10 + 64 + 2 * 10 + 16)
        let evicted5 = try Self.admit(&table, here, countMax: 10).evicted
        #expect(evicted5 == ids[0])
    }

    @Test func aConnectionThatIsSlowToCloseDoesNotLetInMoreThanAFew() throws {
        var table = ConnectionTable(perAddressMax: 1000)
        var verdicts: [ConnectionTable.Verdict] = []
        for _ in 0..<100 { verdicts.append(table.admit(nil, countMax: 50)) }
        #expect(table.count == 50 + ConnectionTable.leavingMax)
        #expect(verdicts.last == .refused(.connections))
    }
}
#endif
