#if Server
internal import ArgumentParser

struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Runs the server.",
        discussion: """
            Streams come from the configuration file, from --stream, or from a host that runs FFmpeg itself and asks for ports with \
            PUT /api/v1/streams/ID. Flags override the file.

            The file is JSON:
            {
              "http": "0.0.0.0:8443",
              "tls": { "certificate": "/etc/egress/chain.pem", "key": "/etc/egress/key" },
              "auth": { "token": ["TOKEN", "NEXT"], "streams": { "cam": "TOKEN" } },
              "api": { "token": "TOKEN" },
              "trusted_proxies": ["10.0.0.0/8"], "base_path": "/live",
              "egress": { "udp_port": 8189, "public_ips": ["203.0.113.7"], "max_viewers": 20000, "limits": { } },
              "drain": { "seconds": 2, "url": "https://other.example/whep" },
              "redirect": { "far": "https://other.example/whep/far" },
              "streams": {
                "cam": { "input": "rtsp://camera/live", "input_options": [], "loop": true,
                         "stale_timeout_seconds": 10,
                         "webrtc": { "encodings": "auto", "audio_codec": "opus" } }
              }
            }

            "encodings" is a list of the stream's video legs, the preferred one first: each viewer gets the first that it can play. Fields of each: \
            "rid", "codec" (h264, h265, vp8, vp9, av1), "width", "height", "frame_rate", "bit_rate", "gop_ms", "map", "payload_type", and \
            "copy": true, which never encodes. "auto" stands for the input as it is where browsers can play it, and VP8. "ladder" stands for up to \
            three H.264 encodings of decreasing size, for example 1080p, 720p and 360p, none larger than the input: each viewer gets the one that \
            its link takes. Encodings of one codec in a list are a ladder too; "bit_rate" (bit/s) says what each takes. "audio_codec" is opus, pcmu, \
            pcma or g722.

            When a stream's FFmpeg has sent nothing for "stale_timeout_seconds" (default: 10, or 30 for HLS and DASH; 0: never), it is restarted. \
            An input that waits for a publisher (RTMP and SRT listeners, UDP) may wait for ever; once media has come, it has to keep coming.

            "auth" says who may watch. It may be left out only when the server listens on loopback:
              token    one or more; a client with one of them may watch every stream
              streams  for a single stream, one or more tokens
              jwt      { "keys": [{ "algorithm": "HS256", "secret_file": "F" },
                         { "algorithm": "ES256", "public_key_file": "F" }],
                       "issuer": "I", "audience": "A" }
                       a JSON Web Token needs "exp", and "egress:streams",
                       a list of ids or "*"; "max_bit_rate", in bit/s, bounds
                       what its viewer gets of a ladder
              hook     { "url": "U", "timeout_seconds": 3, "cache_seconds": 0 }
                       an HTTP service that is asked: 2xx lets in, 401 and 403 do not;
                       a 2xx may answer { "max_bit_rate": N } likewise
              "none"   instead of all that: everyone may watch

            A page takes its token after the # of its address: /watch/cam#token=TOKEN. The API and the metrics have their own tokens ("api"); \
            without one they answer only clients on this machine. On SIGHUP the server reads the certificate and its key again, and \
            the files that hold tokens and their keys; it reads this file only at the start.

            "limits" says what clients may take; these are the defaults. A refused client is told why and counted in egress_refused_total.
            "bit_rate": 0 (bit/s sent in all; 0: no limit), \
            "joins": { "per_second": 500, "burst": 2000 }, "joins_per_stream": { "per_second": 300, "burst": 1500 }, \
            "joins_per_address": { "per_second": 5, "burst": 100 }, "changes": { "per_second": 2000, "burst": 10000 }, \
            "changes_per_address": { "per_second": 20, "burst": 200 }, "addresses": 65536, \
            "connections": 32768, "connections_per_address": 1024, \
            "connecting": 5000, "connecting_per_address": 64, "handshakes": 1000, "handshakes_per_address": 64, \
            "handshake_seconds": 10, "handshake_bytes": 65536, \
            "offer_bytes": 65536, "offer_lines": 2048, "offer_sections": 32, "offer_candidates": 256.

            "drain" says what SIGTERM does: for so many seconds no new viewer is let in, and players are asked to continue at "url", or at the \
            address they came from. The server ends sooner when no viewer is left. Ctrl-C ends it at once. POST /api/v1/drain drains without ending.

            "redirect" sends the viewers of a stream to another server's WHEP endpoint (307).

            Exit codes: 64 the command line is wrong, 69 something needed is missing (FFmpeg, a free port), 78 the configuration is wrong.
            """
    )

    @Option(help: ArgumentHelp("A configuration file in JSON.", valueName: "file"))
    var config: String?

    @OptionGroup var options: ServerOptions

    @Option(
        name: .customLong("stream"), parsing: .singleValue,
        help: ArgumentHelp(
            """
            A stream and what FFmpeg reads for it; may be repeated. Files, films and playlists behind a link are read in real time. A file plays \
            over and over, so that there is always something to watch; with "loop": false in the configuration file it plays again only after \
            FFmpeg has ended.
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
        (path, try ConfigurationFile.read(path, mayWait: true))
    }
}
#endif
