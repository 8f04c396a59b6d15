#if Server
import Egress
import Glibc

/// A UDP port of loopback that takes what FFmpeg sends for one encoding, and knows at which times of the medium its key pictures stand.
final class RTPReceiver {
    struct Unavailable: Error {}

    let port: UInt16
    let encoding: Encoding
    private let socket: Int32
    /// RTP timestamps, each once.
    private(set) var pictures: [UInt32] = []
    private(set) var keyPictures: [UInt32] = []
    /// What a sender report says: an RTP timestamp, and the wall clock in units of that.
    private var report: (timestamp: UInt32, clock: Double)?

    init(_ encoding: Encoding) throws {
        self.encoding = encoding
        let socket = Glibc.socket(AF_INET, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(INADDR_LOOPBACK).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let status = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(socket, $0, size) == 0 ? getsockname(socket, $0, &size) : -1 }
        }
        self.socket = socket
        port = UInt16(bigEndian: address.sin_port)
        guard socket >= 0, status == 0 else { throw Unavailable() }
        makeRoom()
    }

    /// FFmpeg sends as fast as it encodes, and a busy machine reads late. The second is for those who may not do the first, and gives less.
    private func makeRoom() {
        var size: Int32 = 16 * 1024 * 1024
        let length = socklen_t(MemoryLayout<Int32>.size)
        if setsockopt(socket, SOL_SOCKET, SO_RCVBUFFORCE, &size, length) != 0 {
            _ = setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &size, length)
        }
    }

    deinit { close(socket) }

    /// Takes in what has come so far.
    func read() {
        var bytes = [UInt8](repeating: 0, count: 2_048)
        while true {
            let count = recv(socket, &bytes, bytes.count, 0)
            guard count > 12 else { return }
            take(bytes[..<count])
        }
    }

    /// Times of key pictures by the sender's clock, in 90,000ths of a second; nil without a report.
    var keyTimes: [Double]? { report.map { report in keyPictures.map { Self.time($0, report) } } }

    private static func time(_ timestamp: UInt32, _ report: (timestamp: UInt32, clock: Double)) -> Double {
        report.clock + Double(Int32(bitPattern: timestamp &- report.timestamp))
    }

    private func take(_ packet: ArraySlice<UInt8>) {
        func word(_ offset: Int) -> UInt32 { packet[offset..<offset + 4].reduce(0) { $0 << 8 | UInt32($1) } }
        switch packet[1] {
        case 200:
            // Seconds since 1900 are cut to what a double has room for beside the fraction.
            let clock = Double(word(8) & 0xFFFF) + Double(word(12)) / 4_294_967_296
            if report == nil { report = (word(16), clock * 90_000) }
        case 192...223: break
        default:
            let timestamp = word(4)
            if pictures.last != timestamp { pictures.append(timestamp) }
            if keyPictures.last != timestamp, Self.beginsKeyPicture(Array(packet[12...]), encoding.codec) { keyPictures.append(timestamp) }
        }
    }

    private static func beginsKeyPicture(_ payload: [UInt8], _ codec: VideoCodec) -> Bool {
        guard payload.count > 4 else { return false }
        switch codec {
        // The parameter sets of a key picture come in one packet, and with them SEI.
        case .h264: return payload[0] & 0x1F == 24 && units(of: payload[1...]).contains { $0 & 0x1F == 7 }
        case .h265: return payload[0] >> 1 & 0x3F == 48 && units(of: payload[2...]).contains { $0 >> 1 & 0x3F == 32 }
        case .vp8:
            guard payload[0] & 0x17 == 0x10 else { return false }
            var offset = 1
            if payload[0] & 0x80 != 0 { offset += payload[1] & 0x80 == 0 ? 1 : payload[2] & 0x80 == 0 ? 2 : 3 }
            return payload[offset] & 1 == 0
        case .vp9: return payload[0] & 0x08 != 0 && payload[1] & 0xCC == 0x80
        case .av1: return payload[0] & 0x88 == 0x08
        }
    }

    /// The first byte of each NAL unit in an aggregation, behind its header.
    private static func units(of aggregation: ArraySlice<UInt8>) -> [UInt8] {
        var rest = aggregation
        var units: [UInt8] = []
        while rest.count > 2 {
            let size = Int(rest[rest.startIndex]) << 8 | Int(rest[rest.startIndex + 1])
            units.append(rest[rest.startIndex + 2])
            rest = rest.dropFirst(2 + size)
        }
        return units
    }
}
#endif
