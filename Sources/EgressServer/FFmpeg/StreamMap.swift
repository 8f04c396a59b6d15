#if Server
/// FFmpeg's `-map`, as far as it is needed to find out which stream it takes: `0:v:1`, `0:a:0?`, `0:2`.
struct StreamMap {
    private let kind: Substring?
    private let number: Int?

    init(_ text: String, standard: String) {
        let map = text.isEmpty ? standard : text
        let parts = map.prefix { $0 != "?" }.split(separator: ":").dropFirst()
        if let only = parts.first, let index = Int(only, radix: 10) {
            kind = nil
            number = index
        } else {
            kind = parts.first
            number = parts.dropFirst().first.flatMap { Int($0, radix: 10) }
        }
    }

    func video(in probe: MediaProbe) -> MediaProbe.Video? {
        guard kind == nil else { return Self.element(number ?? 0, of: probe.videos) }
        return probe.videos.first { $0.index == number } ?? probe.videos.first
    }

    func audio(in probe: MediaProbe) -> MediaProbe.Audio? {
        guard kind == nil else { return Self.element(number ?? 0, of: probe.audios) }
        return probe.audios.first { $0.index == number } ?? probe.audios.first
    }

    private static func element<Element>(_ position: Int, of list: [Element]) -> Element? {
        list.indices.contains(position) ? list[position] : nil
    }
}
#endif
