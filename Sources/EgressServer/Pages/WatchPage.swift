#if Server
/// The player's page; ``PlayerScript`` does the work. All addresses are relative, so that it also works below a prefix of a proxy's.
enum WatchPage {
    /// - Parameter hasBFrames: says why the picture jumps, and what mends it.
    static func html(id: String, hasBFrames: Bool = false) -> String {
        """
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>\(HTML.escape(id))</title>
        <link rel="stylesheet" href="../assets/style.css">
        <script src="../assets/player.js" defer></script>
        </head>
        <body data-whep="../whep/\(URLPath.encode(id))">
        <main>
        <h1>\(HTML.escape(id))</h1>
        \(hasBFrames ? bFrames : "")
        <div class="player">
        <video id="video" autoplay muted playsinline></video>
        <div class="notice" id="notice" role="status">Connecting…</div>
        <button class="sound" id="sound" type="button" hidden>Turn sound on</button>
        </div>
        <div class="bar">
        <span class="state dim" id="state">connecting</span>
        <button id="toggle" type="button" aria-expanded="false" aria-controls="stats">Statistics</button>
        <a href="../">All streams</a>
        </div>
        <dl id="stats" hidden></dl>
        </main>
        </body>
        </html>

        """
    }

    private static let bFrames = """
        <p class="warning" id="warning">This stream has B-frames, which browsers cannot play: set <code>force_transcode</code> for it.</p>
        """
}
#endif
