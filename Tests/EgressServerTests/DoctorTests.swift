#if Server
import Egress
import Testing

@testable import EgressServer

@Suite struct DoctorTests {
    static let good = MachineProbe(
        receiveBufferSize: 8_388_608, receiveBufferAsked: 4_194_304, crypto: "ipsec-mb", openSSLVersion: "OpenSSL 3", cores: 4)

    @Test func findsNothingWrongWithAGoodMachine() {
        let findings = Doctor.examine(Self.good, kernel: "Linux 6")
        #expect(findings.allSatisfy { $0.grade == .ok && $0.advice == nil })
        #expect(findings.map(\.subject) == ["kernel", "cores", "io_uring", "UDP GSO", "receive buffer", "SRTP", "OpenSSL"])
    }

    @Test func saysWhatToDoAboutWhatIsSlow() {
        var machine = Self.good
        machine.ioUringProblem = "forbidden by seccomp"
        machine.gsoProblem = "not in this kernel"
        machine.receiveBufferSize = 212_992
        machine.crypto = "openssl"
        let findings = Doctor.examine(machine, kernel: "Linux 6")
        let warnings = findings.filter { $0.grade == .warn }
        #expect(warnings.map(\.subject) == ["io_uring", "UDP GSO", "receive buffer", "SRTP"])
        #expect(warnings.allSatisfy { $0.advice != nil })
        #expect(warnings[0].text == "forbidden by seccomp")
        #expect(warnings[2].advice?.hasPrefix("sysctl -w net.core.rmem_max=4194304") == true)
    }

    @Test func looksForTheEncodersByName() {
        let table = [" V....D libx264              libx264 H.264 (codec h264)", " A....D libopusenc           not it"]
        let findings = Doctor.encoders(listed: table)
        #expect(findings.map(\.grade) == [.ok, .missing])
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
