/// What happens to pictures between decoder and encoders. Encodings that are made from one map share the decoder, and those of one size share
/// the scaler: one `-filter_complex` for all of them, whose outputs stand in the legs' `-map`s.
struct FilterGraph: Sendable {
    /// One encoding that is encoded.
    struct Leg: Sendable, Hashable {
        let encoding: Encoding
        /// The plan's `-vf`.
        let filter: String?

        /// What its own size and rate take, in a row.
        var own: String? {
            var filters: [String] = []
            // An even size by the aspect of the input is what -2 asks for.
            if encoding.width != 0 || encoding.height != 0 {
                filters.append("scale=\(encoding.width == 0 ? -2 : encoding.width):\(encoding.height == 0 ? -2 : encoding.height)")
            }
            if encoding.frameRate != 0 { filters.append("fps=\(VideoEncoder.number(encoding.frameRate))") }
            return filters.isEmpty ? nil : filters.joined(separator: ",")
        }

        var alone: String? {
            let filters = [filter, own].compactMap(\.self)
            return filters.isEmpty ? nil : filters.joined(separator: ",")
        }
    }

    /// Its text; empty: no map is shared, and each leg has what it needs in a `-vf`.
    private(set) var text = ""
    private var labels: [String: String] = [:]

    init(_ legs: [Leg]) {
        var maps: [String] = []
        for leg in legs where !maps.contains(leg.encoding.map) { maps.append(leg.encoding.map) }
        var chains: [String] = []
        for map in maps {
            let sharing = legs.filter { $0.encoding.map == map }
            if sharing.count > 1 { chains += share(map, sharing) }
        }
        text = chains.joined(separator: ";")
    }

    /// What stands in the encoding's `-map`.
    func source(of encoding: Encoding) -> String { labels[encoding.rid].map { "[\($0)]" } ?? encoding.map }

    /// What stands in front of its encoder.
    func arguments(of leg: Leg) -> [String] {
        guard labels[leg.encoding.rid] == nil, let filter = leg.alone else { return [] }
        return ["-vf", filter]
    }

    private mutating func share(_ map: String, _ legs: [Leg]) -> [String] {
        var sizes: [String?] = []
        for leg in legs where !sizes.contains(leg.own) { sizes.append(leg.own) }
        // A map that FFmpeg may do without has nothing to be split where it is missing, and a label is the host's own.
        let input = map.hasPrefix("[") ? map : "[\(map.prefix { $0 != "?" })]"
        let common = legs.first?.filter.map { [$0] } ?? []
        guard sizes.count > 1 else { return [chain(input, common + sizes.compactMap(\.self), legs)] }
        let name = legs.first?.encoding.rid ?? ""
        let branches = sizes.indices.map { "[webrtc_\(name)_\($0)]" }
        let split = input + (common + ["split=\(sizes.count)"]).joined(separator: ",") + branches.joined()
        return [split]
            + zip(sizes, branches).map { size, branch in
                chain(branch, size.map { [$0] } ?? [], legs.filter { $0.own == size })
            }
    }

    /// One size, for all that have it.
    private mutating func chain(_ input: String, _ filters: [String], _ legs: [Leg]) -> String {
        var outputs = ""
        for leg in legs {
            labels[leg.encoding.rid] = "webrtc_\(leg.encoding.rid)"
            outputs += "[webrtc_\(leg.encoding.rid)]"
        }
        let last = legs.count > 1 ? ["split=\(legs.count)"] : filters.isEmpty ? ["null"] : []
        return input + (filters + last).joined(separator: ",") + outputs
    }
}
