/// How packets get in and out.
public enum IOBackend: String, Sendable, Hashable, Codable, CaseIterable {
    /// io_uring where it works, else epoll.
    case auto
    /// io_uring or nothing.
    case uring
    case epoll
}

/// The configuration of an engine. In JSON the names are those of ``CodingKeys``; an absent field has its default, an unknown field is
/// ignored.
public struct EgressConfiguration: Sendable, Hashable {
    /// With `false` no port is opened and every process starts without egress.
    public var isEnabled = true
    /// The numeric address to receive viewers on; `nil`: every address, IPv4 and IPv6.
    public var udpAddress: String?
    /// The one UDP port of all viewers; 0: the system picks one, which ``EgressEngine/info`` returns.
    public var udpPort: UInt16 = 8189
    /// The addresses that SDP answers name, for NAT 1:1 and containers. Empty: the addresses of this machine's interfaces.
    public var publicAddresses: [String] = []
    /// The STUN and TURN servers that clients are told about.
    public var iceServers: [ICEServer] = []
    public var viewersPerStreamMax = 5_000
    /// How many viewers all streams together may have.
    public var viewersMax = 20_000
    public var streamsMax = 1_024
    /// How many threads share the viewers, behind the one port; `nil`: as many as the cores that this process may use, see
    /// ``MachineProbe/cores``.
    public var workers: Int?
    public var io = IOBackend.auto
    /// Loopback ports that streams receive on, two for each; `nil`: the system's ephemeral range.
    public var sourcePorts: ClosedRange<UInt16>?
    /// How long viewers stay connected to a silent source.
    public var sourceGrace = Duration.seconds(30)
    /// The bit rate of one joining viewer's catch-up, at most, in bit/s.
    public var burstBitRateMax = 16_000_000
    /// The bit rate of the catch-up of all joining viewers together, at most, in bit/s. Beyond it viewers wait for the next IDR.
    public var burstBitRateAllMax = 1_000_000_000
    /// What clients may take.
    public var limits = ClientLimits()

    public init() {}

    /// - Throws: ``EgressError/Code/invalidConfiguration``, naming the JSON field.
    public func validate() throws(EgressError) {
        if let udpAddress, !IPAddress.isNumeric(udpAddress) {
            throw .invalid("udp_address", "\"\(udpAddress)\" is not a numeric address")
        }
        for address in publicAddresses where !IPAddress.isNumeric(address) {
            throw .invalid("public_ips", "\"\(address)\" is not a numeric address, and browsers refuse names")
        }
        for server in iceServers { try server.validate() }
        // The limits of the C engine. It would refuse higher values too, but would name its own fields.
        try Self.check(viewersPerStreamMax, within: 1...65_536, "max_viewers_per_stream")
        try Self.check(viewersMax, within: 1...65_536, "max_viewers")
        try Self.check(streamsMax, within: 1...4_096, "max_streams")
        if let workers { try Self.check(workers, within: 1...32, "workers") }
        try Self.check(burstBitRateMax, within: 1...Int(clamping: UInt32.max), "burst_bit_rate_max")
        try Self.check(burstBitRateAllMax, within: 1000...Int(clamping: UInt32.max) * 1000, "burst_bit_rate_all_max")
        try limits.validate()
        if let sourcePorts {
            guard sourcePorts.lowerBound > 0 else { throw .invalid("source_port_min", "0 is not a port") }
            guard sourcePorts.count >= 2 else { throw .invalid("source_port_max", "a stream needs two ports, but the range has one") }
        }
        guard sourceGrace >= .zero, sourceGrace <= .seconds(86_400) else {
            throw .invalid("source_grace_seconds", "\(sourceGrace) is not within 0..86400")
        }
    }

    private static func check(_ value: Int, within range: ClosedRange<Int>, _ field: String) throws(EgressError) {
        guard range.contains(value) else {
            throw .invalid(field, "\(value) is not within \(range.lowerBound)..\(range.upperBound)")
        }
    }
}

extension EgressConfiguration: Codable {
    public enum CodingKeys: String, CodingKey, CaseIterable {
        case isEnabled = "enabled"
        case udpAddress = "udp_address"
        case udpPort = "udp_port"
        case publicAddresses = "public_ips"
        case iceServers = "ice_servers"
        case viewersPerStreamMax = "max_viewers_per_stream"
        case viewersMax = "max_viewers"
        case streamsMax = "max_streams"
        case workers
        case io
        case sourcePortMin = "source_port_min"
        case sourcePortMax = "source_port_max"
        case sourceGrace = "source_grace_seconds"
        case burstBitRateMax = "burst_bit_rate_max"
        case burstBitRateAllMax = "burst_bit_rate_all_max"
        case limits
    }

    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        func value<T: Decodable>(_ key: CodingKeys, else fallback: T) throws -> T {
            try values.decodeIfPresent(T.self, forKey: key) ?? fallback
        }
        let defaults = EgressConfiguration()
        isEnabled = try value(.isEnabled, else: defaults.isEnabled)
        udpAddress = try values.decodeIfPresent(String.self, forKey: .udpAddress)
        udpPort = try value(.udpPort, else: defaults.udpPort)
        publicAddresses = try value(.publicAddresses, else: [])
        iceServers = try value(.iceServers, else: [])
        viewersPerStreamMax = try value(.viewersPerStreamMax, else: defaults.viewersPerStreamMax)
        viewersMax = try value(.viewersMax, else: defaults.viewersMax)
        streamsMax = try value(.streamsMax, else: defaults.streamsMax)
        workers = try values.decodeIfPresent(Int.self, forKey: .workers)
        io = try value(.io, else: defaults.io)
        sourcePorts = try Self.decodePorts(values)
        sourceGrace = try value(.sourceGrace, else: 30.0).asSeconds(for: .sourceGrace, in: values)
        burstBitRateMax = try value(.burstBitRateMax, else: defaults.burstBitRateMax)
        burstBitRateAllMax = try value(.burstBitRateAllMax, else: defaults.burstBitRateAllMax)
        limits = try value(.limits, else: defaults.limits)
    }

    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(isEnabled, forKey: .isEnabled)
        try values.encodeIfPresent(udpAddress, forKey: .udpAddress)
        try values.encode(udpPort, forKey: .udpPort)
        try values.encode(publicAddresses, forKey: .publicAddresses)
        try values.encode(iceServers, forKey: .iceServers)
        try values.encode(viewersPerStreamMax, forKey: .viewersPerStreamMax)
        try values.encode(viewersMax, forKey: .viewersMax)
        try values.encode(streamsMax, forKey: .streamsMax)
        try values.encodeIfPresent(workers, forKey: .workers)
        try values.encode(io, forKey: .io)
        try values.encodeIfPresent(sourcePorts?.lowerBound, forKey: .sourcePortMin)
        try values.encodeIfPresent(sourcePorts?.upperBound, forKey: .sourcePortMax)
        try values.encode(sourceGrace / .seconds(1), forKey: .sourceGrace)
        try values.encode(burstBitRateMax, forKey: .burstBitRateMax)
        try values.encode(burstBitRateAllMax, forKey: .burstBitRateAllMax)
        try values.encode(limits, forKey: .limits)
    }

    private static func decodePorts(_ values: KeyedDecodingContainer<CodingKeys>) throws -> ClosedRange<UInt16>? {
        let lower = try values.decodeIfPresent(UInt16.self, forKey: .sourcePortMin)
        let upper = try values.decodeIfPresent(UInt16.self, forKey: .sourcePortMax)
        switch (lower, upper) {
        case (nil, nil): return nil
        case (let lower?, let upper?) where lower <= upper: return lower...upper
        case (_?, _?):
            throw DecodingError.dataCorruptedError(forKey: .sourcePortMax, in: values, debugDescription: "is below source_port_min")
        case (_, nil):
            throw DecodingError.dataCorruptedError(forKey: .sourcePortMax, in: values, debugDescription: "source_port_min needs it")
        case (nil, _):
            throw DecodingError.dataCorruptedError(forKey: .sourcePortMin, in: values, debugDescription: "source_port_max needs it")
        }
    }
}

extension Double {
    /// A duration in JSON. A number that no `Duration` holds would trap, so it is refused here.
    fileprivate func asSeconds(
        for key: EgressConfiguration.CodingKeys, in values: KeyedDecodingContainer<EgressConfiguration.CodingKeys>
    ) throws -> Duration {
        guard self >= 0, self <= 86_400 else {
            throw DecodingError.dataCorruptedError(forKey: key, in: values, debugDescription: "\(self) is not within 0..86400")
        }
        return Duration(outsideSeconds: self) ?? .zero
    }
}
