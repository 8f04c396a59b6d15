#if Server
/// Finds out what a stream's input has at the moment, and decides by that how its legs are made.
struct InputProbe: Sendable {
    let stream: StreamDefinition
    let tools: FFmpegTools
    let probes: ProbeQueue

    /// - Parameters:
    ///   - failures: how often the probe of this input has failed in a row.
    ///   - publication: what has come, for an input that waits for a publisher.
    func decision(failures: Int, _ publication: PublisherRelay.Publication?) async throws -> LegDecision {
        try Task.checkCancellation()
        if let publication { return try await decision(of: publication) }
        guard stream.input.kind != .generated else {
            return LegDecision(
                generatedAt: Double(DemoInput.framesPerSecond), width: DemoInput.width, height: DemoInput.height, config: stream.webrtc)
        }
        return try await decision(failures: failures)
    }

    private func decision(of publication: PublisherRelay.Publication) async throws -> LegDecision {
        // Not a file, which would be read at a pace of its own and over and over.
        var sample = StreamInput(url: publication.sample)
        sample.kind = .live
        let probe = try await MediaProber(tools: tools).probe(sample)
        var decision = try LegDecision(probe: probe, input: .live, config: stream.webrtc, version: tools.version)
        decision.reading = InputReading(pace: .input)
        decision.input = StreamInput(pipe: publication.media)
        return decision
    }

    private func decision(failures: Int) async throws -> LegDecision {
        // Examined and probed together: while a probe waits for its turn, a missing file may have come.
        var (input, probe) = try await probes.run(failures: failures) {
            let input = try stream.input.examined()
            return (input, try await MediaProber(tools: tools).probe(input))
        }
        let reading = InputReading(of: input, probe: probe)
        if let rate = reading.stillRate { probe.show(atRate: rate) }
        input.take(reading)
        var decision = try LegDecision(probe: probe, input: input.kind, config: stream.webrtc, version: tools.version)
        decision.reading = reading
        // Looping in FFmpeg would end the leg at the first turn, so FFmpeg is run once for each turn.
        if decision.isCopy, reading.turns == .byFFmpeg { decision.reading.turns = .one }
        decision.input = input
        return decision
    }
}
#endif
