#if Server
internal import ArgumentParser

@main
struct EgressCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "egress",
        abstract: "Sends live video to browsers over WebRTC (WHEP).",
        version: Self.version,
        subcommands: [ServeCommand.self, DemoCommand.self, DoctorCommand.self]
    )

    static let version = "0.1.0"
}

/// Exit codes with a meaning, as sysexits.h defines them. The argument parser uses 64 for a wrong command line.
extension ExitCode {
    /// Something that is needed is missing: FFmpeg, a free port.
    static let unavailable = ExitCode(69)
    /// The configuration cannot be used.
    static let configuration = ExitCode(78)
}
#endif
