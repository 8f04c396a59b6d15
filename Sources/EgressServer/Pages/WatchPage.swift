#if Server
/// The player's page; `player.js` does the work. All addresses are relative, so that it also works below a prefix of a proxy's.
enum WatchPage {
    private static let page = HTMLPage(PackageResources.watch_html)

    /// - Parameter hasBFrames: says why the picture jumps, and what mends it.
    static func html(id: String, hasBFrames: Bool = false) -> String {
        page.filled(with: ["id": id, "path": URLPath.encode(id), "has_b_frames": String(hasBFrames)])
    }
}
#endif
