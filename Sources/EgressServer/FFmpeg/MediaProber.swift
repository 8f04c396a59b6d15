#if Server
internal import Egress

/// Asks ffprobe what an input contains.
struct MediaProber: Sendable {
    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    static let timeout = Duration.seconds(10)

    var tools: FFmpegTools

    /// - Throws: ``Failure`` with ffprobe's own words, passwords masked; `CancellationError`.
    func probe(_ input: StreamInput) async throws -> MediaProbe {
        let secrets = Secrets(of: input)
        var probe = try MediaProbe(streamsJSON: await json(["-show_format", "-show_streams"] + input.probeArguments, secrets))
        guard input.isFile || probe.duration != nil else { return probe }
        for position in probe.videos.indices where probe.videos[position].needsMeasuring {
            let index = probe.videos[position].index
            let selection = ["-select_streams", "\(index)", "-read_intervals", "%+10", "-show_entries", "packet=pts_time,flags"]
            let packets = try await json(selection + input.probeArguments, secrets)
            let idrs = try await self.idrs(of: probe.videos[position], input, secrets)
            try probe.measure(packetsJSON: packets, idrs: idrs, ofVideoAt: position)
        }
        return probe
    }

    /// The IDR pictures of the first seconds, found by a filter that removes everything else: a container may call anything a keyframe.
    /// - Returns: nil where that can't be found out.
    private func idrs(of video: MediaProbe.Video, _ input: StreamInput, _ secrets: Secrets) async throws -> [String]? {
        guard let filter = Self.filterOfIDRs(video.codec) else { return nil }
        let selection = ["-nostdin", "-v", "error", "-copyts", "-t", "10"] + input.probeArguments
        let leg = ["-map", "0:\(video.index)", "-c", "copy", "-bsf:v", filter, "-f", "framecrc", "-"]
        do {
            return try await lines(of: GuardedCommand(executable: tools.ffmpeg, arguments: selection + leg), secrets)
        } catch is Failure {
            return nil
        }
    }

    private static func filterOfIDRs(_ codec: String) -> String? {
        switch VideoCodec(ffmpegName: codec) {
        case .h264: "h264_mp4toannexb,filter_units=pass_types=5"
        // All random access pictures.
        case .h265: "hevc_mp4toannexb,filter_units=pass_types=16-21"
        case .vp8, .vp9, .av1, nil: nil
        }
    }

    private func json(_ arguments: [String], _ secrets: Secrets) async throws -> String {
        let command = GuardedCommand(executable: tools.ffprobe, arguments: ["-v", "error", "-of", "json"] + arguments)
        return try await lines(of: command, secrets).joined(separator: "\n")
    }

    private func lines(of command: GuardedCommand, _ secrets: Secrets) async throws -> [String] {
        let output = LineCollector()
        let complaints = LineCollector()
        let ending = try await withTimeout(Self.timeout) {
            try await ProcessRunner.run(
                command, volume: .everything, onOutput: { output.append($0) }, onError: { complaints.append($0) })
        }
        try Task.checkCancellation()
        guard let ending else { throw Failure(description: "FFmpeg found nothing in the input within \(Self.timeout)") }
        guard ending.isSuccess else {
            let reason = complaints.all.last.map(secrets.mask) ?? "ffprobe \(ending)"
            throw Failure(description: reason)
        }
        return output.all
    }

    /// nil when the time is up. The operation is then cancelled and waited for.
    private func withTimeout<Value: Sendable>(
        _ limit: Duration, _ operation: @escaping @Sendable () async throws -> Value
    ) async throws -> Value? {
        try await withThrowingTaskGroup(of: Value?.self) { group in
            group.addTask { try await operation() }
            group.addTask {
                try await Task.sleep(for: limit)
                return nil
            }
            let first = try await group.next()
            group.cancelAll()
            return first ?? nil
        }
    }
}
#endif
