#if Server
internal import ArgumentParser
internal import FoundationEssentials

struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Runs the server.",
        discussion: """
            Streams come from the configuration file, from --stream, or from a host that runs FFmpeg itself and asks for ports with \
            PUT /api/v1/streams/ID. Flags win over the file.

            The file is JSON:
            {
              "http": "127.0.0.1:8080",
              "egress": { "udp_port": 8189, "public_ips": ["203.0.113.7"] },
              "streams": {
                "cam": { "input": "rtsp://camera/live", "input_options": [], "loop": true, "webrtc": { "force_transcode": false } }
              }
            }

            Exit codes: 64 a wrong command line, 69 something needed is missing (FFmpeg, a free port), 78 a wrong configuration.
            """
    )

    @Option(help: ArgumentHelp("A configuration file in JSON.", valueName: "file"))
    var config: String?

    @OptionGroup var options: ServerOptions

    @Option(
        name: .customLong("stream"), parsing: .singleValue,
        help: ArgumentHelp(
            """
            A stream and what FFmpeg reads for it; may be repeated. A file is read in real time and over and over, so that there is always \
            something to watch; "loop": false in the configuration file plays it again only after FFmpeg has ended.
            """, valueName: "id=input"))
    var streams: [String] = []

    func run() async throws {
        try await Server.main(configuration: configuration) { configuration, _ in configuration.streams }
    }

    private var configuration: ServerConfiguration {
        get throws {
            var flags = options.flags
            flags.streams = streams
            do {
                return try ServerConfiguration(file: try config.map(Self.read), flags: flags)
            } catch {
                Console.complain(error.description)
                throw error.isOfCommandLine ? ExitCode.validationFailure : ExitCode.configuration
            }
        }
    }

    private static func read(_ path: String) throws(ConfigurationError) -> (name: String, bytes: [UInt8]) {
        do {
            return (path, Array(try Data(contentsOf: URL(fileURLWithPath: path))))
        } catch {
            throw ConfigurationError(source: path, field: nil, problem: "cannot be read")
        }
    }
}
#endif
