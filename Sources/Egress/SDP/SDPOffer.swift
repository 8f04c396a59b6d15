/// What a viewer's offer says, as far as answering it needs (RFC 8866, RFC 8829, RFC 8839, RFC 8843). ``SDPParser`` makes it.
struct SDPOffer: Sendable, Hashable {
    /// The most that is accepted. A browser's offer is 7 KB with 2 sections and 2 candidates in each. An operator may choose other limits, by
    /// ``ClientLimits``.
    struct Limits: Sendable, Hashable {
        var sizeMax = 64 * 1024
        var linesMax = 2_048
        var lineSizeMax = 4_096
        var sectionsMax = 32
        var formatsMax = 128
        var candidatesMax = 256

        static let standard = Limits()
    }

    enum Direction: String, Sendable {
        case sendReceive = "sendrecv"
        case sendOnly = "sendonly"
        case receiveOnly = "recvonly"
        case inactive

        var receives: Bool { self == .sendReceive || self == .receiveOnly }
    }

    /// The transport that a bundle shares. What a section lacks of it is filled in from the session and from the bundle's first section.
    struct Transport: Sendable, Hashable {
        var iceUfrag: String?
        var icePwd: String?
        /// The fingerprint to check the viewer's certificate against, `sha-256 AB:CD:…`.
        var fingerprint: String?
        var setup: String?
    }

    /// The codec that a payload type stands for.
    struct Codec: Sendable, Hashable {
        var name: String
        var clockRate: Int
        var channels: Int

        func isNamed(_ other: String) -> Bool { name.lowercased() == other.lowercased() }

        /// Formats for repair and tones, which an error message need not name.
        var isAuxiliary: Bool {
            ["rtx", "red", "ulpfec", "flexfec-03", "telephone-event", "cn"].contains(name.lowercased())
        }

        /// As `a=rtpmap` writes it: a single channel is not named (RFC 8866 §6.6).
        var text: String { "\(name)/\(clockRate)" + (channels > 1 ? "/\(channels)" : "") }
    }

    /// `a=extmap` (RFC 8285 §5).
    struct HeaderExtension: Sendable, Hashable {
        static let transportCC = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"

        var id: Int
        /// `nil`: the section's.
        var direction: Direction?
        var uri: String
    }

    struct Section: Sendable, Hashable {
        var kind: String
        var port: UInt16
        /// `UDP/TLS/RTP/SAVPF`; an answer repeats it as it is (RFC 8829 §5.1.2).
        var transportProtocol: String
        /// The formats of the m= line; for RTP they are payload types.
        var formats: [String]
        var mid: String?
        var direction: Direction
        var transport: Transport
        var isBundleOnly = false
        var hasRTCPMux = false
        var hasReducedSizeRTCP = false
        var codecs: [UInt8: Codec] = [:]
        var parameters: [UInt8: String] = [:]
        var feedback: [UInt8: [String]] = [:]
        var feedbackOfAll: [String] = []
        var extensions: [HeaderExtension] = []
        /// It asks for several encodings at once (RFC 8853).
        var isSimulcast = false
        /// The attributes `sctp-port` and `sctpmap` of data channels.
        var dataAttributes: [String] = []
    }

    var sections: [Section] = []
    /// The mids of each group.
    var bundles: [[String]] = []
}

extension SDPOffer.Section {
    /// In the order of preference. 64 to 95 are left out: they can't be told from RTCP, which comes over the same port (RFC 5761 §4).
    var payloadTypes: [UInt8] { formats.compactMap { UInt8($0, radix: 10) }.filter { $0 < 64 || (96..<128).contains($0) } }

    /// The names of DTLS-SRTP itself.
    private static let secureProfiles: Set<String> = ["UDP/TLS/RTP/SAVPF", "UDP/TLS/RTP/SAVP", "TCP/DTLS/RTP/SAVPF", "TCP/DTLS/RTP/SAVP"]
    /// Some clients write these and mean DTLS-SRTP. A fingerprint shows that they do (RFC 8829 §5.1.2).
    private static let looseProfiles: Set<String> = ["RTP/SAVPF", "RTP/SAVP", "RTP/AVPF", "RTP/AVP"]

    var isDTLSSRTP: Bool {
        Self.secureProfiles.contains(transportProtocol) || (Self.looseProfiles.contains(transportProtocol) && transport.fingerprint != nil)
    }

    var isOff: Bool { port == 0 && !isBundleOnly }

    /// Why this side can't send to the section, worded to follow "a section", as in "that is off"; `nil` when it can.
    var obstacle: String? {
        if isOff { return "that is off (port 0)" }
        if !direction.receives { return "that is \(direction.rawValue)" }
        if !isDTLSSRTP { return "without UDP/TLS/RTP/SAVPF" }
        if !hasRTCPMux { return "without rtcp-mux" }
        return nil
    }

    /// Whether this side may send to the section, over a transport that is served.
    var isReceivable: Bool { obstacle == nil }

    /// The extension for transport-wide numbers, as far as this side can send it: its id has to fit the header of one byte (RFC 8285 §4.2), and
    /// must not be another extension's too.
    var transportCC: SDPOffer.HeaderExtension? {
        extensions.first { candidate in
            candidate.uri == SDPOffer.HeaderExtension.transportCC && (1...14).contains(candidate.id)
                && candidate.direction?.receives != false && extensions.allSatisfy { $0.id != candidate.id || $0.uri == candidate.uri }
        }
    }

    func feedback(of payloadType: UInt8) -> [String] {
        feedback[payloadType, default: []] + feedbackOfAll
    }

    /// A parameter of `a=fmtp`, which is a list of `name=value;`.
    func parameter(_ name: String, of payloadType: UInt8) -> String? {
        for parameter in parameters[payloadType, default: ""].split(separator: ";") {
            let parts = parameter.split(separator: "=", maxSplits: 1).map { $0.trimmed }
            if parts.count == 2, parts[0].lowercased() == name { return parts[1] }
        }
        return nil
    }

    /// The retransmission format of a payload type (RFC 4588 §8.1).
    func retransmission(of payloadType: UInt8) -> UInt8? {
        payloadTypes.first { codecs[$0]?.isNamed("rtx") == true && parameter("apt", of: $0) == String(payloadType) }
    }

}

extension SDPOffer {
    func sharesBundle(_ first: Section, _ second: Section) -> Bool {
        guard let first = first.mid, let second = second.mid else { return false }
        return bundles.contains { $0.contains(first) && $0.contains(second) }
    }

    /// What a viewer asks for.
    var receives: Set<LegPlan.Leg> { Set(sections.filter(\.isReceivable).compactMap { LegPlan.Leg(rawValue: String($0.kind)) }) }

    /// Whether the viewer asks for video. If so, a playable format has to be known before the viewer is answered.
    var receivesVideo: Bool { sections.contains { $0.kind == "video" && $0.isReceivable } }
}

extension Substring {
    /// The text without blanks at either end.
    var trimmed: String {
        String(drop { $0 == " " || $0 == "\t" }.reversed().drop { $0 == " " || $0 == "\t" }.reversed())
    }
}
