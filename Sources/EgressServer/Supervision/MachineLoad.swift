#if Server
internal import Egress
internal import SystemPackage

/// How busy all cores together have been since the machine began, from `/proc/stat`.
struct MachineLoad: Sendable, Hashable {
    var busy: Double
    var total: Double

    init(busy: Double, total: Double) {
        self.busy = busy
        self.total = total
    }

    /// nil where the file does not exist.
    static func now() -> MachineLoad? {
        guard let file = try? FileDescriptor.open("/proc/stat", .readOnly) else { return nil }
        defer { try? file.close() }
        var bytes = [UInt8](repeating: 0, count: 512)
        guard let count = try? bytes.withUnsafeMutableBytes({ try file.read(into: $0) }) else { return nil }
        return MachineLoad(String(decoding: bytes[..<count], as: UTF8.self).prefix { $0 != "\n" })
    }

    /// `cpu user nice system idle iowait irq softirq steal …` (proc(5)); time that a virtual machine was kept from running is not idle.
    init?(_ line: some StringProtocol) {
        let fields = line.split(separator: " ")
        guard fields.first == "cpu" else { return nil }
        let times = fields.dropFirst().prefix(8).compactMap { Double(finite: $0) }
        guard times.count >= 5 else { return nil }
        total = times.reduce(0, +)
        busy = total - times[3] - times[4]
    }

    /// 1 means that every core was busy all the time.
    func share(since earlier: MachineLoad) -> Double {
        total > earlier.total ? (busy - earlier.busy) / (total - earlier.total) : 0
    }
}
#endif
