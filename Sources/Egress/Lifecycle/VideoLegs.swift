/// How each of a stream's encodings is made: copied, or encoded from pictures that all of them share.
struct VideoLegs: Sendable {
    let graph: FilterGraph
    private let config: WebRTCConfig
    private let plan: LegPlan?
    private let sharesKeyPictures: Bool

    /// - Parameter config: normalised.
    init(_ config: WebRTCConfig, _ plan: LegPlan?) {
        self.config = config
        self.plan = plan
        let encodings = config.videoEncodings
        let encoded = encodings.filter { !Self.plan(of: $0, config, plan).isCopy }
        sharesKeyPictures = encodings.count > 1
        graph = FilterGraph(encoded.map { Self.leg($0, Self.plan(of: $0, config, plan)) })
    }

    /// From its `-map` to its last option of an encoder.
    func arguments(of encoding: Encoding) -> [String] {
        let own = Self.plan(of: encoding, config, plan)
        switch own.video {
        case .copy(let filters):
            // FFmpeg calls its RTP packetisers of VP9 and AV1 experimental.
            let isExperimental = encoding.codec == .vp9 || encoding.codec == .av1
            return ["-map", encoding.map, "-c:v", "copy"] + (filters.isEmpty ? [] : ["-bsf:v", filters])
                + (isExperimental ? ["-strict", "experimental"] : [])
        case .transcode(let framesPerSecond):
            let leg = Self.leg(encoding, own)
            let encoder = VideoEncoder(
                encoding: encoding, plan: own, framesPerSecond: encoding.frameRate > 0 ? encoding.frameRate : framesPerSecond,
                sharesKeyPictures: sharesKeyPictures)
            return ["-map", graph.source(of: encoding)] + Self.options(own) + graph.arguments(of: leg) + encoder.arguments
        }
    }

    /// `force_transcode` stands above a plan to copy: it is what the operator asked for in so many words. So is what only an encoder can give,
    /// and `copy` the other way round.
    private static func plan(of encoding: Encoding, _ config: WebRTCConfig, _ plan: LegPlan?) -> LegPlan.Encoding {
        let isFirst = encoding.rid == config.videoEncodings.first?.rid
        let given = isFirst ? plan?.first : plan?.further[encoding.rid]
        if let given, !given.isCopy, !encoding.copiesOnly { return given }
        let standard = LegPlan.Encoding(video: .copy(bitstreamFilters: LegPlan.bitstreamFilters(for: encoding.codec)))
        let copy = given.flatMap { $0.isCopy ? $0 : nil } ?? standard
        if encoding.copiesOnly { return copy }
        // Without a plan the first encoding is taken for what the input has, and the others for what has to be made of it.
        let mustEncode = config.forceTranscode || !encoding.asksOfAnEncoder.isEmpty || (given == nil && !isFirst)
        return mustEncode ? LegPlan.Encoding(video: .transcode(framesPerSecond: nil)) : copy
    }

    private static func leg(_ encoding: Encoding, _ plan: LegPlan.Encoding) -> FilterGraph.Leg {
        let filter = plan.options.firstIndex(of: "-vf").flatMap { place in
            plan.options.indices.contains(place + 1) ? plan.options[place + 1] : nil
        }
        return FilterGraph.Leg(encoding: encoding, filter: filter)
    }

    /// Without the filter, which the graph has.
    private static func options(_ plan: LegPlan.Encoding) -> [String] {
        guard let place = plan.options.firstIndex(of: "-vf") else { return plan.options }
        return Array(plan.options[..<place] + plan.options[place...].dropFirst(2))
    }
}
