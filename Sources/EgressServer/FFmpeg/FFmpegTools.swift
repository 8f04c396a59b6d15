#if Server
internal import FoundationEssentials

/// Where FFmpeg and ffprobe are, and what this FFmpeg can do.
struct FFmpegTools: Sendable, Hashable {
    struct Missing: Error, CustomStringConvertible {
        var name: String

        var description: String {
            "\(name) was not found. Install FFmpeg (apt-get install ffmpeg), or give its path with --ffmpeg and --ffprobe."
        }
    }

    /// What a stream is configured with and this FFmpeg cannot do.
    struct Unable: Error, CustomStringConvertible {
        var field: String
        var lack: FFmpegAbilities.Lack

        var description: String { "\(field): \(lack)" }
    }

    var ffmpeg: String
    var ffprobe: String
    var abilities = FFmpegAbilities()
    var version: FFmpegVersion { abilities.version }

    /// - Parameter ffprobe: nil: the ffprobe beside FFmpeg, else the one in the search path.
    init(ffmpeg: String, ffprobe: String?, path: String = Self.searchPath) throws(Missing) {
        guard let found = Self.locate(ffmpeg, path: path) else { throw Missing(name: ffmpeg) }
        self.ffmpeg = found
        if let ffprobe {
            guard let found = Self.locate(ffprobe, path: path) else { throw Missing(name: ffprobe) }
            self.ffprobe = found
        } else {
            let beside = found.lastIndex(of: "/").map { found[...$0] + "ffprobe" }.map(String.init)
            guard let found = beside.flatMap({ Self.locate($0, path: path) }) ?? Self.locate("ffprobe", path: path) else {
                throw Missing(name: "ffprobe")
            }
            self.ffprobe = found
        }
    }

    /// Asks FFmpeg what it can do, once for all later runs.
    mutating func readAbilities() async { abilities = await .asking(ffmpeg) }

    /// A name with a slash is a path. Any other name is looked for in `path`, as a shell does.
    static func locate(_ name: String, path: String = searchPath) -> String? {
        guard !name.isEmpty else { return nil }
        let candidates = name.contains("/") ? [name] : path.split(separator: ":").map { "\($0)/\(name)" }
        return candidates.first { FileManager.default.isExecutableFile(atPath: $0) && !isDirectory($0) }
    }

    static var searchPath: String { ProcessInfo.processInfo.environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin" }

    private static func isDirectory(_ path: String) -> Bool {
        var isDirectory = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) && isDirectory
    }
}

/// Runs a tool that is expected to end soon by itself.
enum Tool {
    /// A tool that runs longer is ended.
    private static let timeout = Duration.seconds(10)

    /// The tool's standard output; nil when it did not exit with 0 in time.
    static func output(of executable: String, _ arguments: [String]) async -> [String]? {
        await withTaskGroup(of: [String]?.self) { tasks in
            tasks.addTask { await lines(of: executable, arguments) }
            tasks.addTask {
                try? await Task.sleep(for: timeout)
                return nil
            }
            let first = await tasks.next()
            tasks.cancelAll()
            return first ?? nil
        }
    }

    private static func lines(of executable: String, _ arguments: [String]) async -> [String]? {
        let lines = LineCollector()
        let ending = try? await ProcessRunner.run(
            GuardedCommand(executable: executable, arguments: arguments), volume: .everything,
            onOutput: { lines.append($0) }, onError: { _ in })
        return ending?.isSuccess == true ? lines.all : nil
    }
}
#endif
