#if Server
internal import ArgumentParser
internal import Egress

struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Runs the server with a test pattern to watch: a clock, and a flash and a beep every second."
    )

    @OptionGroup var options: ServerOptions

    func run() async throws {
        try await Server.main(configuration: configuration) { _, tools in
            let hasClock = await Tool.output(of: tools.ffmpeg, DemoInput.clockTrial) != nil
            let webrtc = WebRTCConfig(encodings: DemoInput.encodings(tools.abilities))
            return [StreamDefinition(id: "demo", input: StreamInput(graph: DemoInput.graph(hasClock: hasClock)), webrtc: webrtc)]
        }
    }

    private var configuration: ServerConfiguration {
        get throws {
            do {
                var configuration = try ServerConfiguration(file: nil, flags: options.flags)
                configuration.isDemo = true
                return configuration
            } catch {
                Console.complain(error.description)
                throw ExitCode.configuration
            }
        }
    }
}
#endif
