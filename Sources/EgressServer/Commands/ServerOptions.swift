#if Server
public import ArgumentParser
public import Egress
internal import Logging

/// What `serve` and `demo` have in common.
struct ServerOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Where HTTP is served (default: 127.0.0.1:8080).", valueName: "host:port"))
    var http: HTTPAddress?

    @Option(name: .customLong("udp-port"), help: "The one UDP port of all viewers; 0: any (default: 8189).")
    var udpPort: UInt16?

    @Option(
        name: .customLong("public-ip"), parsing: .singleValue,
        help: ArgumentHelp("An address that viewers reach this machine at, for NAT and containers; may be repeated.", valueName: "ip"))
    var publicAddresses: [String] = []

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
        ServerFlags(
            http: http, udpPort: udpPort, publicAddresses: publicAddresses, io: io, ffmpeg: ffmpeg, ffprobe: ffprobe, logLevel: logLevel)
    }
}

extension HTTPAddress: ExpressibleByArgument {
    init?(argument: String) { self.init(argument) }
}

extension IOBackend: ExpressibleByArgument {}
#endif
