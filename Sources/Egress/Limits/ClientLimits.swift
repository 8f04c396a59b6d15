/// What clients may take, each and all together. The defaults suit a server on the open internet. When a client reaches a limit, it is counted
/// and the client is told why. This is the field `limits` of ``EgressConfiguration``; in JSON the names are those of ``CodingKeys``, and absent
/// fields have their defaults.
///
/// An address is an IPv4 address or the /64 of an IPv6 one. Limits per address apply to clients whose address is known: behind a reverse
/// proxy the host has to pass the original client's address.
public struct ClientLimits: Sendable, Hashable {
    /// The bit rate that is sent, in bit/s, with IP and UDP headers: a viewer that would raise it beyond this is refused. 0: no limit.
    public var bitRate = 0
    /// Requests for a new viewer, from all clients together.
    public var joins = RateLimit(perSecond: 500, burst: 2_000)
    public var joinsPerStream = RateLimit(perSecond: 300, burst: 1_500)
    public var joinsPerAddress = RateLimit(perSecond: 5, burst: 100)
    /// Requests that change or end a viewer, from all clients together: PATCH, DELETE, and POST for events.
    public var changes = RateLimit(perSecond: 2_000, burst: 10_000)
    public var changesPerAddress = RateLimit(perSecond: 20, burst: 200)
    /// How many addresses are told apart at a time. Beyond that, a new address shares its allowance with its neighbours.
    public var addressesMax = 65_536
    /// Viewers that have an answer and no connection yet.
    public var connectingMax = 5_000
    public var connectingPerAddressMax = 64
    /// DTLS handshakes that are under way: about 65 KiB each. Beyond that, a client has to repeat its first message.
    public var handshakesMax = 1_000
    public var handshakesPerAddressMax = 64
    /// How long a handshake may take, from the first ICE check to the keys.
    public var handshakeTimeout = Duration.seconds(10)
    /// How much a client may send for its handshake, in bytes.
    public var handshakeSizeMax = 65_536
    /// The size of an offer in bytes; at most ``WHEPHandler/bodySizeMax``.
    public var offerSizeMax = SDPOffer.Limits.standard.sizeMax
    public var offerLinesMax = SDPOffer.Limits.standard.linesMax
    public var offerSectionsMax = SDPOffer.Limits.standard.sectionsMax
    public var offerCandidatesMax = SDPOffer.Limits.standard.candidatesMax

    public init() {}

    /// - Throws: ``EgressError/Code/invalidConfiguration``, naming the JSON field.
    public func validate() throws(EgressError) {
        try Self.check(bitRate, 0...Int.max, .bitRate)
        try joins.validate(Self.name(.joins))
        try joinsPerStream.validate(Self.name(.joinsPerStream))
        try joinsPerAddress.validate(Self.name(.joinsPerAddress))
        try changes.validate(Self.name(.changes))
        try changesPerAddress.validate(Self.name(.changesPerAddress))
        try Self.check(addressesMax, 1...1_048_576, .addressesMax)
        try Self.check(connectingMax, 1...65_536, .connectingMax)
        try Self.check(connectingPerAddressMax, 1...65_536, .connectingPerAddressMax)
        // The limits of the C engine.
        try Self.check(handshakesMax, 1...65_536, .handshakesMax)
        try Self.check(handshakesPerAddressMax, 1...65_536, .handshakesPerAddressMax)
        try Self.check(handshakeSizeMax, 4_096...65_536, .handshakeSizeMax)
        guard handshakeTimeout >= .seconds(1), handshakeTimeout <= .seconds(60) else {
            throw .invalid(Self.name(.handshakeTimeout), "\(handshakeTimeout) is not within 1..60")
        }
        // A browser's offer has 7 KB, 150 lines, 2 sections and some candidates in each.
        try Self.check(offerSizeMax, 16_384...WHEPHandler.bodySizeMax, .offerSizeMax)
        try Self.check(offerLinesMax, 512...65_536, .offerLinesMax)
        try Self.check(offerSectionsMax, 2...1_024, .offerSectionsMax)
        try Self.check(offerCandidatesMax, 32...65_536, .offerCandidatesMax)
    }

    var offer: SDPOffer.Limits {
        var limits = SDPOffer.Limits.standard
        limits.sizeMax = offerSizeMax
        limits.linesMax = offerLinesMax
        limits.sectionsMax = offerSectionsMax
        limits.candidatesMax = offerCandidatesMax
        return limits
    }

    private static func name(_ key: CodingKeys) -> String { "limits.\(key.rawValue)" }

    private static func check(_ value: Int, _ range: ClosedRange<Int>, _ key: CodingKeys) throws(EgressError) {
        guard range.contains(value) else {
            throw .invalid(name(key), "\(value) is not within \(range.lowerBound)..\(range.upperBound)")
        }
    }
}

extension ClientLimits: Codable {
    public enum CodingKeys: String, CodingKey, CaseIterable {
        case bitRate = "bit_rate"
        case joins
        case joinsPerStream = "joins_per_stream"
        case joinsPerAddress = "joins_per_address"
        case changes
        case changesPerAddress = "changes_per_address"
        case addressesMax = "addresses"
        case connectingMax = "connecting"
        case connectingPerAddressMax = "connecting_per_address"
        case handshakesMax = "handshakes"
        case handshakesPerAddressMax = "handshakes_per_address"
        case handshakeTimeout = "handshake_seconds"
        case handshakeSizeMax = "handshake_bytes"
        case offerSizeMax = "offer_bytes"
        case offerLinesMax = "offer_lines"
        case offerSectionsMax = "offer_sections"
        case offerCandidatesMax = "offer_candidates"
    }

    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        for (key, field) in Self.numbers {
            if let number = try values.decodeIfPresent(Int.self, forKey: key) { self[keyPath: field] = number }
        }
        for (key, field) in Self.rates { try self[keyPath: field].read(values, key) }
        guard let seconds = try values.decodeIfPresent(Double.self, forKey: .handshakeTimeout) else { return }
        // A number that no `Duration` holds would trap.
        guard (0...86_400).contains(seconds) else {
            throw DecodingError.dataCorruptedError(
                forKey: .handshakeTimeout, in: values, debugDescription: "\(seconds) is not within 1..60")
        }
        handshakeTimeout = Duration(outsideSeconds: seconds) ?? handshakeTimeout
    }

    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        for (key, field) in Self.numbers { try values.encode(self[keyPath: field], forKey: key) }
        for (key, field) in Self.rates { try values.encode(self[keyPath: field], forKey: key) }
        try values.encode(handshakeTimeout / .seconds(1), forKey: .handshakeTimeout)
    }

    private static var numbers: [(CodingKeys, WritableKeyPath<ClientLimits, Int>)] {
        [
            (.bitRate, \.bitRate), (.addressesMax, \.addressesMax), (.connectingMax, \.connectingMax),
            (.connectingPerAddressMax, \.connectingPerAddressMax), (.handshakesMax, \.handshakesMax),
            (.handshakesPerAddressMax, \.handshakesPerAddressMax), (.handshakeSizeMax, \.handshakeSizeMax),
            (.offerSizeMax, \.offerSizeMax), (.offerLinesMax, \.offerLinesMax), (.offerSectionsMax, \.offerSectionsMax),
            (.offerCandidatesMax, \.offerCandidatesMax),
        ]
    }

    private static var rates: [(CodingKeys, WritableKeyPath<ClientLimits, RateLimit>)] {
        [
            (.joins, \.joins), (.joinsPerStream, \.joinsPerStream), (.joinsPerAddress, \.joinsPerAddress), (.changes, \.changes),
            (.changesPerAddress, \.changesPerAddress),
        ]
    }
}

extension RateLimit {
    /// A field that is absent stays as it is.
    fileprivate mutating func read(
        _ values: KeyedDecodingContainer<ClientLimits.CodingKeys>, _ key: ClientLimits.CodingKeys
    ) throws {
        guard values.contains(key), try !values.decodeNil(forKey: key) else { return }
        let fields = try values.nestedContainer(keyedBy: CodingKeys.self, forKey: key)
        perSecond = try fields.decodeIfPresent(Double.self, forKey: .perSecond) ?? perSecond
        burst = try fields.decodeIfPresent(Int.self, forKey: .burst) ?? burst
    }
}
