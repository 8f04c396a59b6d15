#if Server
internal import Egress

/// Finds out what a stream's input has at the moment, and decides by that how its legs are made.
struct InputProbe: Sendable {
    let stream: StreamDefinition
    let tools: FFmpegTools
    let probes: ProbeQueue

    /// - Parameters:
    ///   - failures: how often the probe of this input has failed in a row.
    ///   - publication: what has come, for an input that waits for a publisher.
    ///   - webrtc: what the stream was started with; nil: it has not started.
    func decision(
        failures: Int, _ publication: PublisherRelay.Publication?, of webrtc: WebRTCConfig?
    ) async throws -> LegDecision {
        try Task.checkCancellation()
        if let publication { return try await decision(on: publication, webrtc) }
        guard stream.input.kind != .generated else {
            return try LegDecision(
                generatedAt: Double(DemoInput.framesPerSecond), width: DemoInput.width, height: DemoInput.height, config: stream.webrtc,
                ffmpeg: tools.abilities)
        }
        return try await decision(failures: failures, webrtc)
    }

    private func decide(_ probe: MediaProbe, _ kind: StreamInput.Kind, _ webrtc: WebRTCConfig?) throws -> LegDecision {
        try LegDecision(
            probe: probe, input: kind, config: webrtc ?? stream.webrtc, automatic: stream.automatic,
            ffmpeg: tools.abilities)
    }

    private func decision(on publication: PublisherRelay.Publication, _ webrtc: WebRTCConfig?) async throws -> LegDecision {
        // Not a file, which would be read at a pace of its own and over and over.
        var sample = StreamInput(url: publication.sample)
        sample.kind = .live
        let probe = try await MediaProber(tools: tools).probe(sample)
        var decision = try decide(probe, .live, webrtc)
        decision.reading = InputReading(pace: .input)
        decision.input = StreamInput(pipe: publication.media)
        return decision
    }

    private func decision(failures: Int, _ webrtc: WebRTCConfig?) async throws -> LegDecision {
        // Examined and probed together: while a probe waits for its turn, a missing file may have come.
        var (input, probe) = try await probes.run(failures: failures) {
            let input = try stream.input.examined()
            return (input, try await MediaProber(tools: tools).probe(input))
        }
        let reading = InputReading(of: input, probe: probe)
        if let rate = reading.stillRate { probe.show(atRate: rate) }
        input.take(reading)
        var decision = try decide(probe, input.kind, webrtc)
        decision.reading = decision.copiesThroughFilter ? reading.throughFilter : reading
        decision.input = input
        return decision
    }
}
#endif
