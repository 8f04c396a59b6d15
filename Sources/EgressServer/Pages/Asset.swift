#if Server
/// A file that pages load, the server's own and other people's. Scripts import each other by relative names, so that a base path works.
struct Asset: Sendable {
    let bytes: [UInt8]
    let type: String

    static let named: [String: Asset] = [
        "codec-names.js": script(PackageResources.codec_names_js),
        "egress-player.js": script(PackageResources.egress_player_js),
        "index.js": script(PackageResources.index_js),
        "picture-watch.js": script(PackageResources.picture_watch_js),
        "player.js": script(PackageResources.player_js),
        "quality-menu.js": script(PackageResources.quality_menu_js),
        "quality.js": script(PackageResources.quality_js),
        "statistics-meter.js": script(PackageResources.statistics_meter_js),
        "style.css": Asset(bytes: PackageResources.style_css, type: "text/css; charset=utf-8"),
        "whep-session.js": script(PackageResources.whep_session_js),
    ]

    private static func script(_ bytes: [UInt8]) -> Asset { Asset(bytes: bytes, type: "text/javascript; charset=utf-8") }
}
#endif
