#if Server
internal import Glibc

/// The running kernel, as far as advice depends on it.
struct RunningKernel: Sendable, Hashable, CustomStringConvertible {
    /// For example "6.1.0-18-amd64".
    var release: String
    /// For example "x86_64".
    var architecture: String
    /// The sysctl `kernel.io_uring_disabled`: 0: everyone may use io_uring, 1: only one group may, 2: nobody may.
    var ioUringDisabled = 0

    static func current() -> RunningKernel {
        var name = utsname()
        guard uname(&name) == 0 else { return RunningKernel(release: "unknown", architecture: "unknown") }
        return RunningKernel(
            release: withUnsafeBytes(of: name.release) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) },
            architecture: withUnsafeBytes(of: name.machine) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) },
            ioUringDisabled: readIOUringDisabled())
    }

    var description: String { "Linux \(release) \(architecture)" }

    /// The engine's rings need IORING_SETUP_DEFER_TASKRUN, which came with Linux 6.1. A release without numbers is not called old.
    var isTooOldForIOUring: Bool {
        let numbers = release.split(whereSeparator: { !("0"..."9").contains($0) }).prefix(2).compactMap { Int($0, radix: 10) }
        return numbers.count == 2 && (numbers[0], numbers[1]) < (6, 1)
    }

    /// 0 where the kernel has no such sysctl: it came with Linux 6.6.
    private static func readIOUringDisabled() -> Int {
        let file = open("/proc/sys/kernel/io_uring_disabled", O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return 0 }
        defer { close(file) }
        var digit: UInt8 = 0
        guard read(file, &digit, 1) == 1, ("0"..."2").contains(Character(UnicodeScalar(digit))) else { return 0 }
        return Int(clamping: digit - UInt8(ascii: "0"))
    }
}
#endif
