#if Server
internal import Egress
internal import Logging

/// What the command line says; nil or empty where it says nothing.
struct ServerFlags: Sendable {
    var http: HTTPAddress?
    var udpPort: UInt16?
    var publicAddresses: [String] = []
    var workers: Int?
    var io: IOBackend?
    var ffmpeg: String?
    var ffprobe: String?
    var logLevel: Logger.Level?
    var streams: [String] = []
    var tokenFile: String?
    var apiTokenFile: String?
    var isOpenToEverybody = false
    var tlsCertificate: String?
    var tlsKey: String?
    var trustedProxies: [String] = []
    var basePath: String?
}

/// What the server runs with: the file, overridden by the command line.
struct ServerConfiguration: Sendable {
    var http = HTTPAddress.standard
    var egress = EgressConfiguration()
    var streams: [StreamDefinition] = []
    var ffmpeg = "ffmpeg"
    var ffprobe: String?
    var logLevel = Logger.Level.info
    var drain = DrainConfiguration()
    var redirect = RedirectConfiguration()
    var isDemo = false
    var access = AccessConfiguration()
    /// nil: plain HTTP.
    var tls: TLSFiles?
    var trustedProxies = TrustedProxies()
    var connections = ConnectionLimits()
    var basePath = BasePath.root
    private var file: (name: String, bytes: [UInt8])?
    private var flags = ServerFlags()

    init() {}

    /// - Parameter file: The file's name and bytes.
    init(file: (name: String, bytes: [UInt8])?, flags: ServerFlags) throws(ConfigurationError) {
        self.file = file
        self.flags = flags
        if let file { try read(file.bytes, source: file.name) }
        try apply(flags)
        do {
            try egress.validate()
        } catch {
            throw ConfigurationError(source: file?.name ?? "configuration", field: nil, problem: error.message)
        }
    }

    /// The access rules by this configuration and the present content of the files of tokens and keys that it names.
    func accessReadAgain() throws(ConfigurationError) -> AccessConfiguration { try ServerConfiguration(file: file, flags: flags).access }

    private static let fields: Set<String> = [
        "http", "egress", "streams", "ffmpeg", "ffprobe", "log_level", "auth", "api", "tls", "trusted_proxies", "base_path", "drain",
        "redirect",
    ]
    static let egressFields = Set(EgressConfiguration.CodingKeys.allCases.map(\.rawValue))

    private mutating func read(_ bytes: [UInt8], source: String) throws(ConfigurationError) {
        let fields = try JSONFields(JSONFields.parse(bytes, source: source), source: source, known: Self.fields)
        if let text = try fields.string("http") {
            guard let address = HTTPAddress(text) else { throw fields.failure("http", "expected HOST:PORT, found \"\(text)\"") }
            http = address
        }
        if let block = fields.values["egress"] {
            let block = try JSONFields(block, source: source, path: "egress", known: Self.egressFields)
            if let limits = block.values["limits"] {
                let path = block.field("limits")
                try ClientLimits.check(limits, source: source, path: path)
                connections = try ConnectionLimits(json: limits, source: source, path: path)
            }
            egress = try block.decode(EgressConfiguration.self)
        }
        if let block = fields.values["drain"] { drain = try DrainConfiguration(json: block, source: source, path: "drain") }
        if let block = fields.values["redirect"] { redirect = try RedirectConfiguration(json: block, source: source, path: "redirect") }
        if let text = try fields.string("log_level") {
            guard let level = Logger.Level(rawValue: text) else { throw fields.failure("log_level", "expected \(Self.levels)") }
            logLevel = level
        }
        ffmpeg = try fields.string("ffmpeg") ?? ffmpeg
        ffprobe = try fields.string("ffprobe")
        try access.readViewers(fields)
        try access.readOperators(fields)
        try readExposure(fields)
        guard let block = fields.values["streams"] else { return }
        guard case .object(let entries) = block else { throw fields.failure("streams", "expected an object, found \(block.kind)") }
        for (id, entry) in entries.sorted(by: { $0.key < $1.key }) {
            streams.append(try StreamDefinition(id: id, json: entry, source: source))
        }
    }

    private mutating func apply(_ flags: ServerFlags) throws(ConfigurationError) {
        http = flags.http ?? http
        egress.udpPort = flags.udpPort ?? egress.udpPort
        if !flags.publicAddresses.isEmpty { egress.publicAddresses = flags.publicAddresses }
        egress.workers = flags.workers ?? egress.workers
        egress.io = flags.io ?? egress.io
        ffmpeg = flags.ffmpeg ?? ffmpeg
        ffprobe = flags.ffprobe ?? ffprobe
        logLevel = flags.logLevel ?? logLevel
        try applyExposure(flags)
        var named: Set<String> = []
        for flag in flags.streams {
            let stream = try StreamDefinition(flag: flag)
            guard named.insert(stream.id).inserted else {
                throw ConfigurationError(source: "--stream", field: stream.id, problem: "is given twice")
            }
            streams.removeAll { $0.id == stream.id }
            streams.append(stream)
        }
    }

    private static var levels: String { Logger.Level.allCases.map(\.rawValue).joined(separator: ", ") }
}
#endif
