#if Server
internal import ArgumentParser
internal import Egress

struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Says what this machine offers, and what to do where something is missing.",
        discussion: "Exits with 1 when something that is needed is missing."
    )

    @Option(help: ArgumentHelp("FFmpeg, by name or path.", valueName: "path"))
    var ffmpeg = "ffmpeg"

    @Option(help: ArgumentHelp("ffprobe, by name or path.", valueName: "path"))
    var ffprobe: String?

    func run() async throws {
        var findings = Doctor.examine(MachineProbe.current(), .current(), openFilesMax: Descriptors.process.limit)
        findings += await Doctor.examineFFmpeg(ffmpeg: ffmpeg, ffprobe: ffprobe)
        for finding in findings { Console.say(finding.description) }
        if findings.contains(where: { $0.grade == .missing }) { throw ExitCode.failure }
    }
}
#endif
