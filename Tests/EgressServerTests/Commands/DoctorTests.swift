#if Server
import Egress
import Testing

@testable import EgressServer

@Suite struct DoctorTests {
    static let good = MachineProbe(
        receiveBufferSize: 8_388_608, receiveBufferAsked: 4_194_304, crypto: "ipsec-mb", openSSLVersion: "OpenSSL 3", cores: 4)

    static let kernel = RunningKernel(release: "6.6.15-amd64", architecture: "x86_64")

    @Test func findsNothingWrongWithAGoodMachine() {
        let findings = Doctor.examine(Self.good, Self.kernel, openFilesMax: 65_536)
        #expect(findings.allSatisfy { $0.grade == .ok && $0.advice == nil })
        #expect(findings.map(\.subject) == ["kernel", "cores", "open files", "io_uring", "UDP GSO", "receive buffer", "SRTP", "OpenSSL"])
    }

    @Test(arguments: [(65_536, Doctor.Grade.ok), (1_024, .warn), (60, .missing)]) func saysWhatTheLimitOfOpenFilesIsGoodFor(
        limit: Int, grade: Doctor.Grade
    ) throws {
        let finding = try #require(
            Doctor.examine(Self.good, Self.kernel, openFilesMax: limit).first { $0.subject == "open files" })
        #expect(finding.grade == grade)
        #expect(finding.text.hasPrefix("\(limit) at most"))
        #expect((finding.advice == nil) == (grade == .ok))
    }

    @Test func saysWhatToDoAboutWhatIsSlow() {
        var machine = Self.good
        machine.ioUringProblem = "forbidden by seccomp"
        machine.gsoProblem = "not in this kernel"
        machine.receiveBufferSize = 212_992
        machine.crypto = "openssl"
        let findings = Doctor.examine(machine, Self.kernel, openFilesMax: 65_536)
        let warnings = findings.filter { $0.grade == .warn }
        #expect(warnings.map(\.subject) == ["io_uring", "UDP GSO", "receive buffer", "SRTP"])
        #expect(warnings.allSatisfy { $0.advice != nil })
        #expect(warnings[0].text == "forbidden by seccomp")
        #expect(warnings[2].advice?.hasPrefix("sysctl -w net.core.rmem_max=4194304") == true)
    }

    static let remedies: [(release: String, disabled: Int, reason: String, advice: String)] = [
        ("6.6.15", 0, "blocked, probably by a seccomp profile such as Docker's default", "a seccomp profile that allows it"),
        ("6.6.15", 2, "disabled by sysctl kernel.io_uring_disabled=2", "sysctl -w kernel.io_uring_disabled=0 makes"),
        (
            "6.6.15", 1, "left to one group by sysctl kernel.io_uring_disabled=1 (see kernel.io_uring_group)",
            "sysctl -w kernel.io_uring_disabled=0, or a user in the group"
        ),
        // The group is let in: what keeps the engine out is something else.
        ("6.6.15", 1, "memory refused, perhaps by the limit of locked memory (ulimit -l)", "ulimit -l unlimited"),
        ("6.1.0", 0, "memory refused, perhaps by the limit of locked memory (ulimit -l)", "ulimit -l unlimited"),
        (
            "6.1.0", 0, "kernel 6.1.0 is built without it, or a seccomp profile hides it",
            "a kernel with CONFIG_IO_URING, or a seccomp profile"
        ),
        ("5.15.0", 0, "kernel too old: 5.15.0, 6.1 is the first that will do", "Linux 6.1 or later"),
        ("4.4.0", 0, "kernel 4.4.0 is built without it, or a seccomp profile hides it", "Linux 6.1 or later"),
        ("6.0.9", 0, "blocked, probably by a seccomp profile such as Docker's default", "Linux 6.1 or later"),
    ]

    @Test(arguments: remedies.indices) func saysWhatBringsIOUringBack(row: Int) throws {
        let (release, disabled, reason, advice) = Self.remedies[row]
        var machine = Self.good
        machine.ioUringProblem = reason
        let kernel = RunningKernel(release: release, architecture: "x86_64", ioUringDisabled: disabled)
        let finding = try #require(Doctor.examine(machine, kernel, openFilesMax: 65_536).first { $0.subject == "io_uring" })
        #expect(finding.grade == .warn)
        #expect(finding.text == reason)
        #expect(finding.advice?.hasPrefix("epoll is used instead; \(advice)") == true, "\(finding)")
    }

    @Test func hasNoAdviceAboutAReasonThatItDoesNotKnow() throws {
        var machine = Self.good
        machine.ioUringProblem = "Too many open files"
        let finding = try #require(Doctor.examine(machine, Self.kernel, openFilesMax: 65_536).first { $0.subject == "io_uring" })
        #expect(finding.advice == "epoll is used instead")
    }

    @Test(arguments: [
        ("5.15.0-101-generic", true), ("6.0.19", true), ("4.19", true), ("6.1.0-18-amd64", false), ("6.18.5", false), ("10.0", false),
        ("unknown", false), ("6", false),
    ])
    func warnsOfAKernelWithoutWhatIOUringNeeds(release: String, isTooOld: Bool) {
        var machine = Self.good
        machine.ioUringProblem = "kernel too old"
        let kernel = RunningKernel(release: release, architecture: "x86_64")
        let finding = Doctor.examine(machine, kernel, openFilesMax: 65_536)[0]
        #expect(finding.text == "Linux \(release) x86_64")
        #expect(finding.grade == (isTooOld ? .warn : .ok))
        #expect(finding.advice?.contains("6.1 or later") == (isTooOld ? true : nil))
        // Distributions bring parts of later kernels to older ones: what works is not complained of.
        #expect(Doctor.examine(Self.good, kernel, openFilesMax: 65_536)[0].grade == .ok)
    }

    @Test(arguments: [("x86_64", Doctor.Grade.warn), ("aarch64", .ok)])
    func advisesIPSecMBWhereThereIsOne(architecture: String, grade: Doctor.Grade) throws {
        var machine = Self.good
        machine.crypto = "openssl"
        let kernel = RunningKernel(release: "6.6.15", architecture: architecture)
        let finding = try #require(Doctor.examine(machine, kernel, openFilesMax: 65_536).first { $0.subject == "SRTP" })
        #expect(finding.grade == grade)
        #expect(finding.text == "openssl")
        #expect(finding.advice?.contains("libipsec-mb-dev") == (grade == .warn ? true : nil))
    }

    @Test func looksAtTheKernelThatRuns() {
        let kernel = RunningKernel.current()
        #expect(kernel.description.hasPrefix("Linux "))
        #expect(kernel.release.first?.isNumber == true)
        #expect((0...2).contains(kernel.ioUringDisabled))
    }

    @Test func saysOfEachCodecWhetherItCanBeEncodedAndSent() throws {
        var ffmpeg = FFmpegAbilities(version: FFmpegVersion(major: 8, minor: 0))
        let all = Doctor.codecs(ffmpeg)
        #expect(all.map(\.subject) == ["H.264", "H.265", "VP8", "VP9", "AV1", "Opus", "PCMU", "PCMA", "G.722"])
        #expect(all.allSatisfy { $0.grade == .ok && $0.advice == nil })
        #expect(all[3].text == "encoded with libvpx-vp9, and sent")

        ffmpeg = FFmpegAbilities(version: FFmpegVersion(major: 5, minor: 1), encoders: ["libvpx", "pcm_alaw"])
        let some = Doctor.codecs(ffmpeg)
        #expect(some.map(\.grade) == [.missing, .warn, .ok, .warn, .warn, .missing, .warn, .ok, .warn])
        #expect(some[0].text == "this FFmpeg cannot encode H.264: it was built without libx264")
        #expect(some[4].text == "this FFmpeg, 5.1, cannot send AV1: 8.0 is the first that can; nor can it encode it")
        #expect(some[4].advice?.contains("--ffmpeg") == true)
        ffmpeg.encoders?.insert("libsvtav1")
        #expect(Doctor.codecs(ffmpeg)[4].text.hasSuffix("; it could encode it, with libsvtav1"))
    }

    @Test func missesFFmpegWhereThereIsNone() async {
        let findings = await Doctor.examineFFmpeg(ffmpeg: "/nowhere/ffmpeg", ffprobe: nil)
        #expect(findings.map(\.grade) == [.missing])
        #expect(findings[0].advice?.hasPrefix("apt-get install ffmpeg") == true)
    }

    @Test func printsAdviceBelowTheLine() {
        let finding = Doctor.Finding(grade: .warn, subject: "SRTP", text: "openssl", advice: "do this")
        #expect(finding.description == "warn    SRTP            openssl\n                        → do this")
    }
}

@Suite struct FFmpegToolsTests {
    @Test func findsAProgramInTheSearchPath() {
        #expect(FFmpegTools.locate("sh", path: "/nowhere:/bin") == "/bin/sh")
        #expect(FFmpegTools.locate("/bin/sh", path: "") == "/bin/sh")
        #expect(FFmpegTools.locate("sh", path: "/nowhere") == nil)
        #expect(FFmpegTools.locate("/bin", path: "") == nil)
        #expect(FFmpegTools.locate("", path: "/bin") == nil)
    }

    @Test func saysHowToGetWhatIsMissing() {
        let missing = #expect(throws: FFmpegTools.Missing.self) { try FFmpegTools(ffmpeg: "ffmpeg", ffprobe: nil, path: "/nowhere") }
        #expect(missing?.description.contains("apt-get install ffmpeg") == true)
    }
}
#endif
