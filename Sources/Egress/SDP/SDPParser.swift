/// Reads an offer line by line, forwards only, within ``SDPOffer/Limits``.
struct SDPParser {
    private let limits: SDPOffer.Limits
    private var offer = SDPOffer()
    private var session = SDPOffer.Transport()
    private var sessionDirection = SDPOffer.Direction.sendReceive
    private var candidates = 0
    private var line = 0
    private var hasBegun = false

    private init(_ limits: SDPOffer.Limits) { self.limits = limits }

    /// - Throws: ``EgressError/Code/invalidOffer``, which names the line.
    static func parse(_ bytes: some Collection<UInt8>, limits: SDPOffer.Limits = .standard) throws(EgressError) -> SDPOffer {
        guard bytes.count <= limits.sizeMax else {
            throw .invalidOffer("the offer is longer than \(limits.sizeMax) bytes", limit: .description)
        }
        guard let lines = SDPText.lines(of: bytes) else { throw .invalidOffer("the offer is not text") }
        var parser = SDPParser(limits)
        for line in lines { try parser.take(line) }
        return try parser.finished()
    }

    private mutating func take(_ text: Substring) throws(EgressError) {
        line += 1
        guard line <= limits.linesMax else {
            throw .invalidOffer("the offer has more than \(limits.linesMax) lines", limit: .description)
        }
        guard !text.isEmpty else { return }
        guard text.utf8.count <= limits.lineSizeMax else { throw excess("it is longer than \(limits.lineSizeMax) bytes") }
        // A lone carriage return or another control character could begin a new line when the value is written into the answer.
        guard text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }) else { throw failure("it holds a control character") }
        guard text.dropFirst().first == "=", let type = text.first, type.isASCII, type.isLowercase else {
            throw failure("it is not an SDP line")
        }
        let value = text.dropFirst(2)
        guard hasBegun || text == "v=0" else { throw failure("an SDP begins with v=0") }
        hasBegun = true
        switch type {
        case "m": try takeMedia(value)
        case "a": try takeAttribute(value)
        default: break
        }
    }

    private mutating func takeMedia(_ value: Substring) throws(EgressError) {
        guard offer.sections.count < limits.sectionsMax else { throw excess("it is one m= section too many") }
        let fields = value.split(separator: " ")
        // A number of ports may follow the port. WebRTC does not use it.
        guard fields.count >= 4, let port = fields[1].split(separator: "/").first.flatMap({ UInt16($0, radix: 10) }) else {
            throw failure("m= needs a kind, a port, a protocol and formats")
        }
        let formats = fields[3...].map(String.init)
        guard formats.count <= limits.formatsMax else { throw excess("m= has more than \(limits.formatsMax) formats") }
        offer.sections.append(
            SDPOffer.Section(
                kind: String(fields[0]), port: port, transportProtocol: String(fields[2]), formats: formats,
                direction: sessionDirection, transport: SDPOffer.Transport()))
    }

    private mutating func takeAttribute(_ text: Substring) throws(EgressError) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let name = parts[0]
        let value = parts.count > 1 ? parts[1] : ""
        if try takeTransport(name, value) { return }
        if let direction = SDPOffer.Direction(rawValue: String(name)) {
            if offer.sections.isEmpty { sessionDirection = direction } else { offer.sections[last].direction = direction }
            return
        }
        if offer.sections.isEmpty {
            if name == "group" { takeGroup(value) }
            return
        }
        try takeSectionAttribute(name, value)
    }

    /// A valid group names each section once at most: further names are ignored.
    private mutating func takeGroup(_ value: Substring) {
        let fields = value.split(separator: " ").prefix(limits.sectionsMax + 1).map(String.init)
        guard fields.first == "BUNDLE", offer.bundles.count < limits.sectionsMax else { return }
        offer.bundles.append(fields.dropFirst().reduce(into: []) { mids, mid in if !mids.contains(mid) { mids.append(mid) } })
    }

    private mutating func takeTransport(_ name: Substring, _ value: Substring) throws(EgressError) -> Bool {
        var transport = offer.sections.isEmpty ? session : offer.sections[last].transport
        switch name {
        case "ice-ufrag": transport.iceUfrag = try credential(value, ICECredentials.ufragSizes)
        case "ice-pwd": transport.icePwd = try credential(value, ICECredentials.pwdSizes)
        case "setup": transport.setup = value.trimmed
        case "fingerprint": transport.fingerprint = try better(transport.fingerprint, value)
        default: return false
        }
        if offer.sections.isEmpty { session = transport } else { offer.sections[last].transport = transport }
        return true
    }

    private mutating func takeSectionAttribute(_ name: Substring, _ value: Substring) throws(EgressError) {
        switch name {
        case "mid":
            let mid = value.trimmed
            guard !mid.isEmpty, !mid.contains(" ") else { throw failure("a=mid needs one name") }
            guard !offer.sections.contains(where: { $0.mid == mid }) else { throw failure("two sections have the mid \(mid)") }
            offer.sections[last].mid = mid
        case "rtcp-mux", "rtcp-mux-only": offer.sections[last].hasRTCPMux = true
        case "rtcp-rsize": offer.sections[last].hasReducedSizeRTCP = true
        case "sctp-port", "sctpmap": offer.sections[last].dataAttributes.append("\(name):\(value)")
        case "bundle-only": offer.sections[last].isBundleOnly = true
        case "extmap": if let header = headerExtension(value) { offer.sections[last].extensions.append(header) }
        case "simulcast": offer.sections[last].isSimulcast = true
        case "candidate":
            // Candidates are not used, since media goes where the viewer's checks come from. They are counted for the limit.
            candidates += 1
            guard candidates <= limits.candidatesMax else { throw excess("it is one candidate too many") }
        case "rtpmap":
            guard let (payloadType, text) = format(value) else { throw failure("a=rtpmap needs a payload type and a codec") }
            offer.sections[last].codecs[payloadType] = try codec(text)
        case "fmtp":
            // The fmtp of something that isn't RTP is ignored.
            if let (payloadType, text) = format(value) { offer.sections[last].parameters[payloadType] = text }
        case "rtcp-fb":
            if let (payloadType, text) = format(value) {
                offer.sections[last].feedback[payloadType, default: []].append(text)
            } else if value.hasPrefix("* ") {
                offer.sections[last].feedbackOfAll.append(value.dropFirst(2).trimmed)
            }
        default: break
        }
    }

    /// Splits `102 the rest`.
    private func format(_ value: Substring) -> (UInt8, String)? {
        let parts = value.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, let payloadType = UInt8(parts[0], radix: 10), payloadType < 128 else { return nil }
        return (payloadType, parts[1].trimmed)
    }

    /// Reads `4/recvonly URI attributes`. One that makes no sense is as good as none, since a section does without any.
    private func headerExtension(_ value: Substring) -> SDPOffer.HeaderExtension? {
        let fields = value.split(separator: " ", maxSplits: 2)
        guard fields.count >= 2 else { return nil }
        let parts = fields[0].split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts[0].first != "+", let id = UInt16(parts[0], radix: 10) else { return nil }
        let direction = parts.count > 1 ? SDPOffer.Direction(rawValue: String(parts[1])) : nil
        guard parts.count == 1 || direction != nil else { return nil }
        return SDPOffer.HeaderExtension(id: Int(clamping: id), direction: direction, uri: String(fields[1]))
    }

    /// Reads `opus/48000/2`.
    private func codec(_ text: String) throws(EgressError) -> SDPOffer.Codec {
        let parts = text.split(separator: "/")
        guard parts.count >= 2, let clockRate = Int(parts[1], radix: 10) else { throw failure("a=rtpmap needs a clock rate") }
        return SDPOffer.Codec(name: String(parts[0]), clockRate: clockRate, channels: parts.count > 2 ? Int(parts[2], radix: 10) ?? 1 : 1)
    }

    /// RFC 8839 §5.4.
    private func credential(_ value: Substring, _ sizes: ClosedRange<Int>) throws(EgressError) -> String {
        let text = value.trimmed
        guard ICECredentials.isSound(text, sizes) else {
            throw failure("an ICE credential has \(sizes.lowerBound) to \(sizes.upperBound) letters, digits, + or /")
        }
        return text
    }

    private static let hashes: [(name: String, size: Int)] = [("sha-256", 32), ("sha-384", 48), ("sha-512", 64), ("sha-1", 20)]

    /// A certificate may be named by several hashes, any one of which is enough (RFC 8122 §5). The one that is first in `hashes` is kept;
    /// hashes that can't be checked are ignored.
    private func better(_ kept: String?, _ value: Substring) throws(EgressError) -> String? {
        let fields = value.split(separator: " ")
        guard fields.count == 2 else { throw failure("a=fingerprint needs a hash and a value") }
        let name = fields[0].lowercased()
        guard let rank = Self.hashes.firstIndex(where: { $0.name == name }) else { return kept }
        let pairs = fields[1].split(separator: ":", omittingEmptySubsequences: false)
        guard pairs.count == Self.hashes[rank].size,
            pairs.allSatisfy({ $0.utf8.count == 2 && $0.allSatisfy(\.isHexDigit) && $0.allSatisfy(\.isASCII) })
        else { throw failure("a \(name) fingerprint has \(Self.hashes[rank].size) pairs of hexadecimal digits") }
        if let kept, let keptRank = Self.hashes.firstIndex(where: { kept.hasPrefix($0.name + " ") }), keptRank <= rank { return kept }
        return "\(name) \(fields[1].uppercased())"
    }

    private func finished() throws(EgressError) -> SDPOffer {
        var offer = offer
        let media = offer.sections.indices.filter { ["audio", "video"].contains(offer.sections[$0].kind) }
        guard !media.isEmpty else { throw .invalidOffer("the offer has no audio and no video section") }
        for index in offer.sections.indices {
            offer.sections[index].transport.fill(from: session)
            guard let tagged = tagged(of: offer.sections[index]) else { continue }
            offer.sections[index].transport.fill(from: tagged.transport)
            // The bundle's first section says it for all: a bundle-only section need not repeat it (RFC 9143 §9.3).
            if offer.sections[index].isBundleOnly && tagged.hasRTCPMux { offer.sections[index].hasRTCPMux = true }
        }
        for section in media.map({ offer.sections[$0] }) where section.isReceivable {
            let name = "the \(section.kind) section"
            guard section.transport.iceUfrag != nil, section.transport.icePwd != nil else {
                throw .invalidOffer("\(name) has no ICE credentials (a=ice-ufrag, a=ice-pwd)")
            }
            guard section.transport.fingerprint != nil else {
                throw .invalidOffer("\(name) has no fingerprint that can be checked (sha-256, sha-384, sha-512, sha-1)")
            }
        }
        return offer
    }

    /// The section that describes the transport of the bundle that a section is in.
    private func tagged(of section: SDPOffer.Section) -> SDPOffer.Section? {
        guard let mid = section.mid, let group = offer.bundles.first(where: { $0.contains(mid) }) else { return nil }
        return offer.tagged(of: group).map { offer.sections[$0] }
    }

    private var last: Int { offer.sections.count - 1 }

    private func failure(_ reason: String) -> EgressError { .invalidOffer("line \(line) of the offer: \(reason)") }

    private func excess(_ reason: String) -> EgressError { .invalidOffer("line \(line) of the offer: \(reason)", limit: .description) }
}

extension SDPOffer.Transport {
    /// ICE credentials belong together: user name and password are never taken from two places.
    fileprivate mutating func fill(from other: Self) {
        if iceUfrag == nil && icePwd == nil { (iceUfrag, icePwd) = (other.iceUfrag, other.icePwd) }
        fingerprint = fingerprint ?? other.fingerprint
        setup = setup ?? other.setup
    }
}
