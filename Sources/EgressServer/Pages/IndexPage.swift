#if Server
/// The list of streams. It is whole without JavaScript; with it, it follows.
enum IndexPage {
    struct Row: Sendable, Hashable, Encodable {
        var id: String
        var state: String
        var viewers: Int
        var hasBFrames = false

        private enum CodingKeys: String, CodingKey {
            case id, state, viewers
            case hasBFrames = "has_b_frames"
        }
    }

    /// - Parameter rows: nil where the list is not for everybody: the page asks for it with the token that its address carries.
    static func html(_ rows: [Row]?) -> String {
        let items = (rows ?? []).map { row in
            """
            <li><a class="name" href="watch/\(URLPath.encode(row.id))">\(HTML.escape(row.id))</a>\
            <span class="state \(HTML.escape(row.state))">\(HTML.escape(row.state))</span>\
            <span class="dim">\(row.viewers) \(row.viewers == 1 ? "viewer" : "viewers")</span>\
            \(row.hasBFrames ? #"<span class="warning">B-frames</span>"# : "")</li>
            """
        }
        return """
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>Egress</title>
            <link rel="stylesheet" href="assets/style.css">
            <script src="assets/index.js" defer></script>
            </head>
            <body>
            <main>
            <h1>Streams</h1>
            <p class="dim" id="empty"\(items.isEmpty ? "" : " hidden")>\(rows == nil ? Self.needsToken : "No stream is running.")</p>
            <ul class="list" id="streams">\(items.joined(separator: "\n"))</ul>
            </main>
            </body>
            </html>

            """
    }

    private static let needsToken = "This list needs the token of the API, behind the address of this page: #token=…"

    static let script = #"""
        "use strict";

        // Behind the address, where it is sent to nobody: no server sees it, no log has it.
        const token = new URLSearchParams(location.hash.slice(1)).get("token");
        addEventListener("hashchange", () => location.reload());

        const list = document.getElementById("streams");
        const empty = document.getElementById("empty");

        function item(stream) {
          const line = document.createElement("li");
          const name = document.createElement("a");
          name.className = "name";
          name.href = "watch/" + encodeURIComponent(stream.id) + (token ? location.hash : "");
          name.textContent = stream.id;
          const state = document.createElement("span");
          state.className = "state " + stream.state;
          state.textContent = stream.state;
          const viewers = document.createElement("span");
          viewers.className = "dim";
          viewers.textContent = stream.viewers + (stream.viewers === 1 ? " viewer" : " viewers");
          line.append(name, state, viewers);
          if (stream.has_b_frames) {
            const warning = document.createElement("span");
            warning.className = "warning";
            warning.textContent = "B-frames";
            line.append(warning);
          }
          return line;
        }

        async function refresh() {
          try {
            const headers = token ? { "Authorization": "Bearer " + token } : {};
            const response = await fetch("api/v1/streams", { cache: "no-store", headers });
            if (response.status === 401 || response.status === 403) {
              clearInterval(timer);
              empty.textContent = token ? "The token behind the address of this page is not that of the API." : empty.textContent;
              empty.hidden = false;
              list.replaceChildren();
              return;
            }
            if (!response.ok) return;
            const { streams } = await response.json();
            // A link that is being clicked or has the focus stays the same element unless something has changed.
            const fresh = JSON.stringify(streams.map((s) => [s.id, s.state, s.viewers, s.has_b_frames]));
            if (fresh !== list.dataset.shown) {
              list.dataset.shown = fresh;
              list.replaceChildren(...streams.map(item));
            }
            empty.textContent = "No stream is running.";
            empty.hidden = streams.length > 0;
          } catch {
            // The server is away; the next turn asks again.
          }
        }

        const timer = setInterval(() => { if (!document.hidden) refresh(); }, 2000);
        refresh();
        """#
}
#endif
