#if Server
internal import Egress

/// Examines the machine and reports what it found, line by line.
enum Doctor {
    enum Grade: String, Sendable {
        case ok
        /// Works, but not as well as it could.
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

    /// - Parameter openFilesMax: the limit of open files, raised as far as it goes.
    static func examine(_ machine: MachineProbe, _ kernel: RunningKernel, openFilesMax: Int) -> [Finding] {
        [
            self.kernel(kernel, machine), cores(machine), openFiles(limit: openFilesMax, cores: machine.cores),
            ioUring(machine, kernel), gso(machine), receiveBuffer(machine), crypto(machine, kernel),
            Finding(grade: .ok, subject: "OpenSSL", text: machine.openSSLVersion),
        ]
    }

    static func examineFFmpeg(ffmpeg: String, ffprobe: String?) async -> [Finding] {
        let install = "apt-get install ffmpeg, or give --ffmpeg PATH"
        guard let path = FFmpegTools.locate(ffmpeg) else {
            return [Finding(grade: .missing, subject: "FFmpeg", text: "\(ffmpeg) was not found", advice: install)]
        }
        var findings: [Finding] = []
        if let version = await Tool.output(of: path, ["-version"])?.first {
            findings.append(Finding(grade: .ok, subject: "FFmpeg", text: "\(version.prefix { $0 != "C" }.trimmed) at \(path)"))
        } else {
            findings.append(Finding(grade: .missing, subject: "FFmpeg", text: "\(path) does not run", advice: install))
        }
        findings += codecs(await .asking(path))
        let tools = try? FFmpegTools(ffmpeg: path, ffprobe: ffprobe)
        findings.append(
            tools.map { Finding(grade: .ok, subject: "ffprobe", text: $0.ffprobe) }
                ?? Finding(
                    grade: .missing, subject: "ffprobe", text: "\(ffprobe ?? "ffprobe") was not found",
                    advice: "install FFmpeg, which includes it, or give --ffprobe PATH"))
        return findings
    }

    /// What legs can be made of. H.264 and Opus are what a stream has that says nothing else; the others are for those that ask for them.
    static func codecs(_ ffmpeg: FFmpegAbilities) -> [Finding] {
        let videos = VideoCodec.allCases.map { codec in
            finding(
                codec.name, codec.encoder, sending: ffmpeg.lack(sending: codec), encoding: ffmpeg.lack(encoding: codec),
                isNeeded: codec == .h264)
        }
        let sounds = AudioCodec.allCases.map { codec in
            finding(codec.name, codec.encoder, sending: nil, encoding: ffmpeg.lack(encoding: codec), isNeeded: codec == .opus)
        }
        return videos + sounds
    }

    private static func finding(
        _ codec: String, _ encoder: String, sending: FFmpegAbilities.Lack?, encoding: FFmpegAbilities.Lack?, isNeeded: Bool
    ) -> Finding {
        let grade: Grade = isNeeded ? .missing : .warn
        if let sending {
            let encoder = encoding == nil ? "; it could encode it, with \(encoder)" : "; nor can it encode it"
            return Finding(grade: grade, subject: codec, text: sending.text + encoder, advice: sending.advice)
        }
        if let encoding { return Finding(grade: grade, subject: codec, text: encoding.text, advice: encoding.advice) }
        return Finding(grade: .ok, subject: codec, text: "encoded with \(encoder), and sent")
    }

    /// A kernel that is too old by its number but has io_uring, as some distributions' kernels do, is good enough.
    private static func kernel(_ kernel: RunningKernel, _ machine: MachineProbe) -> Finding {
        guard kernel.isTooOldForIOUring, machine.ioUringProblem != nil else {
            return Finding(grade: .ok, subject: "kernel", text: kernel.description)
        }
        return Finding(
            grade: .warn, subject: "kernel", text: kernel.description,
            advice: "epoll is used instead of io_uring, which needs Linux 6.1 or later")
    }

    private static func cores(_ machine: MachineProbe) -> Finding {
        let text = machine.cores == 1 ? "1, so one worker" : "\(machine.cores), so as many workers unless --workers says otherwise"
        return Finding(grade: .ok, subject: "cores", text: text)
    }

    private static func openFiles(limit: Int, cores: Int) -> Finding {
        let needed = Descriptors.needed(streams: 0, threads: cores)
        guard limit >= needed else {
            return Finding(
                grade: .missing, subject: "open files", text: "\(limit) at most, of which a server needs \(needed) without any stream",
                advice: "ulimit -n 65536 (LimitNOFILE=65536 in a systemd unit)")
        }
        let text = "\(limit) at most, so about \(limit - needed) viewers' pages or \((limit - needed) / Descriptors.ofStream) streams"
        guard limit < 4_096 else { return Finding(grade: .ok, subject: "open files", text: "\(limit) at most") }
        return Finding(
            grade: .warn, subject: "open files", text: text,
            advice: "a viewer's page keeps a connection open: ulimit -n 65536 (LimitNOFILE=65536 in a systemd unit)")
    }

    private static func ioUring(_ machine: MachineProbe, _ kernel: RunningKernel) -> Finding {
        guard let reason = machine.ioUringProblem else { return Finding(grade: .ok, subject: "io_uring", text: "works") }
        return Finding(
            grade: .warn, subject: "io_uring", text: reason,
            advice: "epoll is used instead" + (remedy(forIOUring: reason, kernel).map { "; \($0) makes io_uring available" } ?? ""))
    }

    /// The reason is the engine's text. What the kernel itself says comes first: where it forbids io_uring, no profile or limit helps.
    private static func remedy(forIOUring reason: String, _ kernel: RunningKernel) -> String? {
        if kernel.isTooOldForIOUring || reason.contains("kernel too old") { return "Linux 6.1 or later" }
        if kernel.ioUringDisabled == 2 { return "sysctl -w kernel.io_uring_disabled=0" }
        if kernel.ioUringDisabled == 1, reason.contains("io_uring_disabled") {
            return "sysctl -w kernel.io_uring_disabled=0, or a user in the group that kernel.io_uring_group names,"
        }
        if reason.contains("locked memory") { return "ulimit -l unlimited (LimitMEMLOCK=infinity in a systemd unit)" }
        if reason.contains("built without it") {
            return "a kernel with CONFIG_IO_URING, or a seccomp profile that allows it where one hides it,"
        }
        if reason.contains("seccomp") { return "a seccomp profile that allows it (Docker's default does not)" }
        return nil
    }

    private static func gso(_ machine: MachineProbe) -> Finding {
        guard let reason = machine.gsoProblem else { return Finding(grade: .ok, subject: "UDP GSO", text: "works") }
        return Finding(
            grade: .warn, subject: "UDP GSO", text: reason,
            advice: "packets are sent one by one, at about three times the cost; install Linux 4.18 or later")
    }

    private static func receiveBuffer(_ machine: MachineProbe) -> Finding {
        let asked = machine.receiveBufferAsked
        let text = "\(machine.receiveBufferSize / 1024) KiB granted of \(asked / 1024) KiB asked for"
        guard machine.receiveBufferSize < asked else { return Finding(grade: .ok, subject: "receive buffer", text: text) }
        return Finding(
            grade: .warn, subject: "receive buffer", text: text,
            advice: "sysctl -w net.core.rmem_max=\(asked), so that no burst of a source is lost")
    }

    /// libipsec-mb is for x86-64: on other machines there is nothing better to install.
    private static func crypto(_ machine: MachineProbe, _ kernel: RunningKernel) -> Finding {
        guard machine.crypto != "ipsec-mb", kernel.architecture == "x86_64" else {
            return Finding(grade: .ok, subject: "SRTP", text: machine.crypto)
        }
        return Finding(
            grade: .warn, subject: "SRTP", text: machine.crypto,
            advice: "ipsec-mb is about four times as fast: apt-get install libipsec-mb-dev, then build with the trait IPSecMB")
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
