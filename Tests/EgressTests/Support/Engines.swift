import Glibc
import Logging
import Synchronization
import Testing

@testable import Egress

/// Tests that open ports run one after the other, so that counting descriptors means something. Each file adds its own to it.
@Suite(.serialized) struct WithEngine {}

/// A line of the log.
struct LogLine: Sendable {
    let level: Logger.Level
    let message: String
    let metadata: [String: String]
}

/// Keeps what is logged.
final class LogRecorder: Sendable {
    private let recorded = Mutex<[LogLine]>([])

    var lines: [LogLine] { recorded.withLock { $0 } }
    var logger: Logger { Logger(label: "test") { _ in Handler(recorder: self) } }

    private struct Handler: LogHandler {
        let recorder: LogRecorder
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let line = LogLine(
                level: event.level, message: "\(event.message)", metadata: (event.metadata ?? [:]).mapValues { "\($0)" })
            recorder.recorded.withLock { $0.append(line) }
        }
    }
}

enum Engines {
    static let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    /// On a port that the system picks; answers name 192.0.2.1; it is always one second past 1970.
    static func make(logger: Logger = silent, _ change: (inout EgressConfiguration) -> Void = { _ in }) throws -> EgressEngine {
        var configuration = EgressConfiguration()
        configuration.udpPort = 0
        configuration.publicAddresses = ["192.0.2.1"]
        change(&configuration)
        return try EgressEngine(configuration: configuration, logger: logger, now: { 1_000_000 })
    }

    static let enabled = ProcessConfig(webrtc: WebRTCConfig(isEnabled: true))

    /// An engine with one stream that has sent a picture.
    static func playing(
        _ id: String = "show", sps: [UInt8] = SPS.write(), logger: Logger = silent, _ change: (inout EgressConfiguration) -> Void = { _ in }
    ) async throws -> EgressEngine {
        let engine = try make(logger: logger, change)
        _ = try engine.onProcessStart(id: id, config: enabled)
        try await play(engine, id, sps)
        return engine
    }

    static func play(_ engine: EgressEngine, _ id: String, _ sps: [UInt8] = SPS.write()) async throws {
        let sender = RTPSender(port: try #require(engine.stream(named: id)).videoPort)
        for _ in 0..<5 { sender.sendIDR(sps) }
        _ = try #require(await engine.videoFormat(of: id, waitingUpTo: .seconds(5)))
    }
}

/// True as soon as `condition` is, false when it isn't within `limit`.
func eventually(within limit: Duration = .seconds(5), _ condition: () async throws -> Bool) async rethrows -> Bool {
    let end = ContinuousClock.now + limit
    while ContinuousClock.now < end {
        if try await condition() { return true }
        try? await Task.sleep(for: .milliseconds(10))
    }
    return false
}

/// How many descriptors this process has open, but for pipes: an engine has none, and a sanitizer opens some when it looks up a symbol.
func descriptorCount() -> Int {
    guard let directory = opendir("/proc/self/fd") else { return 0 }
    defer { closedir(directory) }
    var count = 0
    while let entry = readdir(directory) {
        let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        var target = [UInt8](repeating: 0, count: 64)
        let size = target.withUnsafeMutableBytes { $0.baseAddress.map { readlink("/proc/self/fd/\(name)", $0, 64) } ?? -1 }
        if size > 0, !target.starts(with: "pipe:".utf8) { count += 1 }
    }
    return count
}

/// Whether nobody has the loopback port.
func isFree(_ port: UInt16) -> Bool {
    let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    return withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
        }
    }
}

/// The error that `body` throws.
func failure<T>(_ body: () throws -> T) -> EgressError? {
    do {
        _ = try body()
        return nil
    } catch {
        return error as? EgressError
    }
}
