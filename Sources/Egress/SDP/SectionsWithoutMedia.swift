extension CodecNegotiation {
    /// One line for each section of the offer in which nothing is sent, and why, for a log.
    func sectionsWithoutMedia(of offer: SDPOffer, _ media: Media) -> [String] {
        offer.sections.indices.filter { !sections.contains($0) }.map { index in
            let section = offer.sections[index]
            let place = "Section \(index + 1) of the offer (\(Self.served.contains(section.kind) ? section.kind : "of another kind"))"
            let answer = bundle.inactive.contains(index) ? "is inactive in the answer" : "is left out of the answer"
            return "\(place) \(answer): \(reason(section, media))"
        }
    }

    private static let served: Set<String> = ["video", "audio"]

    private func reason(_ section: SDPOffer.Section, _ media: Media) -> String {
        guard Self.served.contains(section.kind) else { return "only video and audio are served" }
        if let obstacle = section.obstacle { return "it is one \(obstacle)" }
        let isVideo = section.kind == "video"
        guard isVideo ? !media.encodings.isEmpty : media.audio != nil else { return "the stream has no \(section.kind)" }
        guard isVideo ? video == nil : audio == nil else { return "the stream's \(section.kind) goes to another section" }
        let has = isVideo ? media.videoNames : media.audio.map { [$0.name] } ?? []
        let offered = Self.describe(section).uniqued
        return "no codec in common: the stream has \(has.joined(separator: ", ")); "
            + "the section has \(offered.isEmpty ? "none" : offered.joined(separator: ", "))"
    }
}
