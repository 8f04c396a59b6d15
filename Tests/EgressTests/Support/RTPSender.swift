import Glibc

/// Sends H.264 over RTP to a loopback port, as FFmpeg does.
final class RTPSender {
    private let descriptor: Int32
    private let port: UInt16
    private let payloadType: UInt8
    private var sequence: UInt16 = 1
    private var timestamp: UInt32 = 90_000

    init(port: UInt16, payloadType: UInt8 = 102) {
        descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
        self.port = port
        self.payloadType = payloadType
    }

    deinit { close(descriptor) }

    /// Parameter sets and an IDR slice: one picture.
    func sendIDR(_ sps: [UInt8]) {
        send(sps)
        send([0x68, 0xCE, 0x3C, 0x80])
        send([0x65, 0x88, 0x84, 0x00] + [UInt8](repeating: 0x55, count: 200), marker: true)
        timestamp &+= 3_000
    }

    func send(_ payload: [UInt8], marker: Bool = false) {
        var packet: [UInt8] = [0x80, (marker ? 0x80 : 0) | payloadType, UInt8(sequence >> 8), UInt8(sequence & 0xFF)]
        packet += (0..<4).map { UInt8(truncatingIfNeeded: timestamp >> (24 - 8 * $0)) }
        packet += [0x12, 0x34, 0x56, 0x78] + payload
        sequence &+= 1
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        _ = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                sendto(descriptor, packet, packet.count, 0, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }
}

/// A sequence parameter set, written bit by bit (ITU-T H.264 §7.3.2.1.1).
enum SPS {
    static func write(profileIDC: UInt8 = 66, constraints: UInt8 = 0xC0, levelIDC: UInt8 = 31, width: Int = 1280, height: Int = 720)
        -> [UInt8]
    {
        var bits = ""
        func ue(_ value: Int) {
            let text = String(value + 1, radix: 2)
            bits += String(repeating: "0", count: text.count - 1) + text
        }
        ue(0)  // seq_parameter_set_id
        if profileIDC >= 100 {
            ue(1)  // chroma_format_idc
            ue(0)  // bit_depth_luma_minus8
            ue(0)  // bit_depth_chroma_minus8
            bits += "00"  // No bypass, no scaling matrix.
        }
        ue(0)  // log2_max_frame_num_minus4
        ue(2)  // pic_order_cnt_type
        ue(1)  // max_num_ref_frames
        bits += "0"
        ue(width / 16 - 1)
        ue(height / 16 - 1)
        bits += "11001"  // Frames only, direct 8x8, no cropping, no VUI; stop bit.
        while bits.count % 8 != 0 { bits += "0" }
        var bytes: [UInt8] = [0x67, profileIDC, constraints, levelIDC]
        var rest = bits[...]
        while !rest.isEmpty {
            bytes.append(UInt8(rest.prefix(8), radix: 2) ?? 0)
            rest = rest.dropFirst(8)
        }
        return bytes
    }
}
