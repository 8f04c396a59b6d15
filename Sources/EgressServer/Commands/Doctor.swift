#if Server
internal import Egress
internal import Glibc

/// What a look at the machine found, line by line.
enum Doctor {
    enum Grade: String, Sendable {
        case ok
        /// It works, but not as well as it could.
        case warn
        case missing
    }

    struct Finding: Sendable, Hashable, CustomStringConvertible {
        var grade: Grade
        var subject: String
        var text: String
        var advice: String?

        var description: String {
            let head = grade.rawValue.padded(to: 8) + subject.padded(to: 16) + text
            return advice.map { "\(head)\n\(String(repeating: " ", count: 24))→ \($0)" } ?? head
        }
    }

    static func examine(_ machine: MachineProbe, kernel: String) -> [Finding] {
        [
            Finding(grade: .ok, subject: "kernel", text: kernel), cores(machine),
            ioUring(machine), gso(machine), receiveBuffer(machine), crypto(machine),
            Finding(grade: .ok, subject: "OpenSSL", text: machine.openSSLVersion),
        ]
    }

    static func examineFFmpeg(ffmpeg: String, ffprobe: String?) async -> [Finding] {
        let install = "apt-get install ffmpeg, or --ffmpeg PATH"
        guard let path = FFmpegTools.locate(ffmpeg) else {
            return [Finding(grade: .missing, subject: "FFmpeg", text: "\(ffmpeg) was not found", advice: install)]
        }
        var findings: [Finding] = []
        if let version = await Tool.output(of: path, ["-version"])?.first {
            findings.append(Finding(grade: .ok, subject: "FFmpeg", text: "\(version.prefix { $0 != "C" }.trimmed) at \(path)"))
        } else {
            findings.append(Finding(grade: .missing, subject: "FFmpeg", text: "\(path) does not run", advice: install))
        }
        findings += encoders(listed: await Tool.output(of: path, ["-hide_banner", "-encoders"]) ?? [])
        let tools = try? FFmpegTools(ffmpeg: path, ffprobe: ffprobe)
        findings.append(
            tools.map { Finding(grade: .ok, subject: "ffprobe", text: $0.ffprobe) }
                ?? Finding(
                    grade: .missing, subject: "ffprobe", text: "\(ffprobe ?? "ffprobe") was not found",
                    advice: "it comes with FFmpeg; or --ffprobe PATH"))
        return findings
    }

    /// From the table that `ffmpeg -encoders` prints: flags, name, description.
    static func encoders(listed lines: [String]) -> [Finding] {
        let names = Set(lines.compactMap { $0.split(separator: " ").dropFirst().first.map(String.init) })
        return ["libx264", "libopus"].map { encoder in
            names.contains(encoder)
                ? Finding(grade: .ok, subject: encoder, text: "FFmpeg has it")
                : Finding(
                    grade: .missing, subject: encoder, text: "this FFmpeg was built without it",
                    advice: "use your distribution's build of FFmpeg")
        }
    }

    static var kernel: String {
        var name = utsname()
        guard uname(&name) == 0 else { return "unknown" }
        let release = withUnsafeBytes(of: name.release) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        let machine = withUnsafeBytes(of: name.machine) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        return "Linux \(release) \(machine)"
    }

    private static func cores(_ machine: MachineProbe) -> Finding {
        let text = machine.cores == 1 ? "1, so one worker" : "\(machine.cores), so as many workers unless --workers says otherwise"
        return Finding(grade: .ok, subject: "cores", text: text)
    }

    private static func ioUring(_ machine: MachineProbe) -> Finding {
        guard let reason = machine.ioUringProblem else { return Finding(grade: .ok, subject: "io_uring", text: "works") }
        return Finding(
            grade: .warn, subject: "io_uring", text: reason,
            advice: "epoll does its work; in Docker, a seccomp profile that allows io_uring brings it back")
    }

    private static func gso(_ machine: MachineProbe) -> Finding {
        guard let reason = machine.gsoProblem else { return Finding(grade: .ok, subject: "UDP GSO", text: "works") }
        return Finding(
            grade: .warn, subject: "UDP GSO", text: reason,
            advice: "packets are sent one by one, at about three times the cost; Linux 4.18 has it")
    }

    private static func receiveBuffer(_ machine: MachineProbe) -> Finding {
        let asked = machine.receiveBufferAsked
        let text = "\(machine.receiveBufferSize / 1024) KiB granted of \(asked / 1024) KiB asked for"
        guard machine.receiveBufferSize < asked else { return Finding(grade: .ok, subject: "receive buffer", text: text) }
        return Finding(
            grade: .warn, subject: "receive buffer", text: text,
            advice: "sysctl -w net.core.rmem_max=\(asked), so that no burst of a source is lost")
    }

    private static func crypto(_ machine: MachineProbe) -> Finding {
        guard machine.crypto != "ipsec-mb" else { return Finding(grade: .ok, subject: "SRTP", text: "ipsec-mb") }
        return Finding(
            grade: .warn, subject: "SRTP", text: machine.crypto,
            advice: "on x86-64, ipsec-mb is about four times as fast: apt-get install libipsec-mb-dev, then build with the trait IPSecMB")
    }
}

extension StringProtocol {
    fileprivate func padded(to width: Int) -> String { self + String(repeating: " ", count: Swift.max(1, width - count)) }

    fileprivate var trimmed: String {
        var rest = self[...]
        while rest.last == " " { rest = rest.dropLast() }
        return String(rest)
    }
}
#endif
