#if Server
internal import ArgumentParser
internal import Egress
internal import Glibc
internal import Logging
internal import NIOCore
internal import ServiceLifecycle
internal import SystemPackage

/// Puts engine, HTTP and supervisors together and runs them until a signal stops them.
///
/// Services are shut down in reverse order: supervisors end their FFmpeg and call the stop hooks, HTTP finishes its answers, the engine says
/// goodbye to the viewers that are left.
struct Server {
    /// How long all services together may take to stop; FFmpeg itself gets 2 s before it is killed.
    private static let shutdownMax = Duration.seconds(5)

    private let group: ServiceGroup
    private let reloader: Reloader
    private let logger: Logger
    private let drain: Drain
    /// The engine's.
    private let threads: WaitingThreads

    private init(
        configuration: ServerConfiguration, streams: [StreamDefinition], tools: FFmpegTools?, tls: TLSCredentials?, access: AccessControl,
        logger: Logger
    ) throws {
        self.logger = logger
        let engine = try EgressEngine(configuration: configuration.egress, logger: logger)
        threads = engine.threads
        Self.log(engine.info, logger)
        let board = SupervisionBoard(ids: streams.map(\.id))
        let connections = Connections(
            configuration.connections, refusals: ConnectionRefusals(logger: logger), proxies: configuration.trustedProxies
        ) { Descriptors.process.connectionRoom(connections: $0) }
        Self.reserveDescriptors(configuration, for: connections, logger)
        let routes = Routes(
            engine: engine, board: board, access: access, base: configuration.basePath, logger: logger, drain: configuration.drain,
            redirect: configuration.redirect, connections: connections)
        drain = routes.drain
        reloader = Reloader(tls: tls, access: routes.currentAccess, logger: logger) { try configuration.accessReadAgain() }
        let http = try HTTPService(
            address: configuration.http, routes: routes, connections: connections, tls: tls, proxies: configuration.trustedProxies,
            logger: logger
        ) { port in
            let address = HTTPAddress(host: configuration.http.host, port: UInt16(clamping: port))
            logger.info("HTTP is served", metadata: ["address": "\(address)", "tls": "\(tls != nil)"])
            let url = address.url(scheme: tls == nil ? "http" : "https")
            if configuration.isDemo { Console.say("Open \(url)watch/demo in a browser. Press Ctrl-C to end the server.") }
        }
        var services: [any Service] = [engine]
        if let hook = access.hook { services.append(hook) }
        services.append(http)
        if let tools, !streams.isEmpty {
            let probes = ProbeQueue(limits: .init(cores: MachineProbe.current().cores))
            let supervisors = streams.map {
                StreamSupervisor(stream: $0, engine: engine, tools: tools, board: board, probes: probes, logger: logger)
            }
            services.append(SupervisorService(supervisors: supervisors, board: board))
        }
        var quiet = logger
        quiet.logLevel = max(logger.logLevel, .warning)
        var settings = ServiceGroupConfiguration(services: services, logger: quiet)
        settings.maximumGracefulShutdownDuration = Self.shutdownMax
        group = ServiceGroup(configuration: settings)
    }

    /// Runs to the end and turns failures into exit codes.
    ///
    /// - Parameter streams: Called once FFmpeg has been found.
    static func main(
        configuration: ServerConfiguration,
        streams: (ServerConfiguration, FFmpegTools) async -> [StreamDefinition]
    ) async throws {
        // From here on SIGHUP does not end the server. It gets its meaning once there is something to read again.
        let hasLostTerminal = Terminal.loss()
        signal(SIGHUP, SIG_IGN)
        defer { LineWriter.standardError.flush() }
        var logger = Logger(label: "egress") { LineLogHandler(label: $0) { LineWriter.standardError.write($0) } }
        logger.logLevel = configuration.logLevel
        do {
            try configuration.checkExposure()
            try Self.checkDescriptors(configuration)
            let tls = try configuration.tls.map { files throws(ConfigurationError) in try TLSCredentials(files) }
            let needsFFmpeg = configuration.isDemo || !configuration.streams.isEmpty
            var tools = needsFFmpeg ? try FFmpegTools(ffmpeg: configuration.ffmpeg, ffprobe: configuration.ffprobe) : nil
            await tools?.readAbilities()
            let definitions: [StreamDefinition] = if let tools { await streams(configuration, tools) } else { [] }
            if let tools { for definition in definitions { try definition.check(tools.abilities) } }
            let access = await AccessControl(configuration.access, logger: logger)
            do {
                let server = try Server(
                    configuration: configuration, streams: definitions, tools: tools, tls: tls, access: access, logger: logger)
                for note in configuration.accessNotes { logger.warning("\(note)") }
                try await server.run(hasLostTerminal)
            } catch {
                await access.hook?.shutdown()
                throw error
            }
        } catch let error as ConfigurationError {
            Console.complain(error.description)
            throw ExitCode.configuration
        } catch let shortage as Descriptors.ConfigurationShortage {
            Console.complain(shortage.description)
            throw ExitCode.unavailable
        } catch let missing as FFmpegTools.Missing {
            Console.complain(missing.description)
            throw ExitCode.unavailable
        } catch let unable as FFmpegTools.Unable {
            Console.complain(unable.description)
            throw ExitCode.unavailable
        } catch let error as EgressError {
            Console.complain(error.message)
            throw error.code == .invalidConfiguration ? ExitCode.configuration : ExitCode.unavailable
        } catch let error as IOError {
            Console.complain("HTTP cannot be served at \(configuration.http): \(Errno(rawValue: error.errnoCode))")
            throw ExitCode.unavailable
        }
    }

    /// SIGTERM, which comes from a service manager, lets viewers go elsewhere first; Ctrl-C doesn't. Then everything stops in order, within
    /// ``shutdownMax``. A second signal ends the process at once, and so does the first one when something hangs; FFmpeg ends with it. SIGHUP has
    /// files read again.
    private func run(_ hasLostTerminal: @escaping @Sendable () -> Bool) async throws {
        // FFmpeg may take 2 s longer than its time, before it is killed.
        let sequence = StopSequence(
            drain: drain.configuration.duration, shutdownMax: Self.shutdownMax + .seconds(3), hasLostTerminal: hasLostTerminal)
        SignalThread.start(sequence) { [group, drain, reloader, threads] action in
            switch action {
            case .reload: reloader.reload()
            case .begin(let duration):
                Task(executorPreference: threads) {
                    drain.begin(within: duration)
                    await drain.finished()
                    await group.triggerGracefulShutdown()
                }
            case .exit, .none: break
            }
        } exit: {
            _exit($0)
        }
        try await group.run()
    }

    private static func threads(_ configuration: ServerConfiguration) -> Int {
        max(System.coreCount, configuration.egress.workers ?? 0)
    }

    private static func checkDescriptors(_ configuration: ServerConfiguration) throws(Descriptors.ConfigurationShortage) {
        try Descriptors.process.check(streams: configuration.streams.count, threads: threads(configuration))
    }

    /// The server's own work comes first: when descriptors are short, waiting connections are closed.
    private static func reserveDescriptors(_ configuration: ServerConfiguration, for connections: Connections, _ logger: Logger) {
        let descriptors = Descriptors.process
        descriptors.reserve(streams: configuration.streams.count, threads: threads(configuration)) {
            connections.giveWay(Descriptors.ofChild)
        }
        let room = min(configuration.connections.countMax, descriptors.connectionRoom(connections: 0))
        logger.info("open files", metadata: ["limit": "\(descriptors.limit)", "http_connections_max": "\(room)"])
    }

    private static func log(_ info: EngineInfo, _ logger: Logger) {
        logger.info(
            "engine is running",
            metadata: [
                "udp_port": "\(info.udpPort)", "workers": "\(info.workers)", "io": "\(info.io.rawValue)", "crypto": "\(info.crypto)",
                "gso": "\(info.gso)",
            ])
    }
}
#endif
