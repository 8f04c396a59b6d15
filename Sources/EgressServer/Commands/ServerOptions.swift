#if Server
public import ArgumentParser
public import Egress
internal import Logging

/// The options that `serve` and `demo` have in common.
struct ServerOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Where HTTP is served (default: 127.0.0.1:8080).", valueName: "host:port"))
    var http: HTTPAddress?

    @Option(
        name: .customLong("token-file"),
        help: ArgumentHelp("Tokens for watching, one per line. A client with any of them may watch every stream.", valueName: "file"))
    var tokenFile: String?

    @Option(
        name: .customLong("api-token-file"),
        help: ArgumentHelp(
            "Tokens for the API and the metrics, one per line. Without a token they answer only clients on this machine.", valueName: "file"
        ))
    var apiTokenFile: String?

    @Flag(name: .customLong("no-auth"), help: "Everyone may watch, even when other machines can reach the server.")
    var isOpenToEverybody = false

    @Option(
        name: .customLong("tls-certificate"),
        help: ArgumentHelp("The certificate chain in PEM, for HTTPS; read again at SIGHUP.", valueName: "file"))
    var tlsCertificate: String?

    @Option(name: .customLong("tls-key"), help: ArgumentHelp("The certificate's private key in PEM.", valueName: "file"))
    var tlsKey: String?

    @Option(
        name: .customLong("trusted-proxy"), parsing: .singleValue,
        help: ArgumentHelp(
            "An address or range (10.0.0.0/8) of reverse proxies whose X-Forwarded-For is believed; may be repeated.", valueName: "range"
        ))
    var trustedProxies: [String] = []

    @Option(
        name: .customLong("base-path"),
        help: ArgumentHelp("The path that a reverse proxy puts the server under. The proxy may remove it from requests.", valueName: "path")
    )
    var basePath: String?

    @Option(name: .customLong("udp-port"), help: "The one UDP port of all viewers; 0: any (default: 8189).")
    var udpPort: UInt16?

    @Option(
        name: .customLong("public-ip"), parsing: .singleValue,
        help: ArgumentHelp("An address at which viewers reach this machine, for NAT and containers; may be repeated.", valueName: "ip"))
    var publicAddresses: [String] = []

    @Option(help: ArgumentHelp("How many threads share the viewers, 1 to 32 (default: the number of cores).", valueName: "n"))
    var workers: Int?

    @Option(help: "How packets get in and out: auto, uring or epoll (default: auto).")
    var io: IOBackend?

    @Option(help: ArgumentHelp("FFmpeg, by name or path.", valueName: "path"))
    var ffmpeg: String?

    @Option(help: ArgumentHelp("ffprobe, by name or path; it is looked for beside FFmpeg first.", valueName: "path"))
    var ffprobe: String?

    @Option(
        name: .customLong("log-level"), help: "trace, debug, info, notice, warning, error or critical (default: info).",
        transform: { text in
            guard let level = Logger.Level(rawValue: text) else { throw ValidationError("there is no log level \"\(text)\"") }
            return level
        })
    var logLevel: Logger.Level?

    var flags: ServerFlags {
        var flags = ServerFlags(
            http: http, udpPort: udpPort, publicAddresses: publicAddresses, workers: workers, io: io, ffmpeg: ffmpeg, ffprobe: ffprobe,
            logLevel: logLevel)
        flags.tokenFile = tokenFile
        flags.apiTokenFile = apiTokenFile
        flags.isOpenToEverybody = isOpenToEverybody
        flags.tlsCertificate = tlsCertificate
        flags.tlsKey = tlsKey
        flags.trustedProxies = trustedProxies
        flags.basePath = basePath
        return flags
    }
}

extension HTTPAddress: ExpressibleByArgument {
    init?(argument: String) { self.init(argument) }
}

extension IOBackend: ExpressibleByArgument {}
#endif
