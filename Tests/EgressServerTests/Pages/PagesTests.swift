#if Server
import Testing

@testable import EgressServer

@Suite struct PagesTests {
    static let hostile = #"<script>"x"&'y'"#

    @Test func escapesWhatMeansSomethingInHTML() {
        #expect(HTML.escape(Self.hostile) == "&lt;script&gt;&quot;x&quot;&amp;&#39;y&#39;")
        #expect(HTML.escape("größer 日本") == "größer 日本")
    }

    @Test func listsStreamsWithoutLettingTheirIdsOut() {
        let html = IndexPage.html([.init(id: Self.hostile, state: "active", viewers: 1), .init(id: "b", state: "waiting", viewers: 2)])
        #expect(!html.contains("<script>\""))
        #expect(html.contains(#"href="watch/%3Cscript%3E%22x%22%26%27y%27">&lt;script&gt;"#))
        #expect(html.contains(">1 viewer<"))
        #expect(html.contains(">2 viewers<"))
        #expect(html.contains(#"id="empty" hidden>"#))
    }

    @Test func saysThatThereIsNoStream() {
        #expect(IndexPage.html([]).contains(#"id="empty">No stream is running."#))
    }

    @Test func tellsThePlayerWhereToAsk() {
        let html = WatchPage.html(id: Self.hostile)
        #expect(html.contains(#"data-whep="../whep/%3Cscript%3E%22x%22%26%27y%27""#))
        #expect(html.contains("<title>&lt;script&gt;"))
        #expect(!html.contains("<script>\""))
    }

    @Test func namesWhatMendsBFrames() {
        #expect(WatchPage.html(id: "a", hasBFrames: true).contains("force_transcode"))
        #expect(!WatchPage.html(id: "a").contains("B-frames"))
        #expect(IndexPage.html([.init(id: "a", state: "active", viewers: 0, hasBFrames: true)]).contains(">B-frames<"))
        #expect(!IndexPage.html([.init(id: "a", state: "active", viewers: 0)]).contains("B-frames"))
    }

    @Test func usesNothingOfThirdParties() {
        let pages = [IndexPage.html([]), WatchPage.html(id: "a"), IndexPage.script, PlayerScript.source, StyleSheet.css]
        for page in pages { #expect(!page.contains("://")) }
    }
}

@Suite struct URLPathTests {
    @Test(arguments: [
        ("/", [""]), ("/watch/a", ["watch", "a"]), ("/watch/a%20b?x=/y", ["watch", "a b"]), ("/a//b/", ["a", "", "b", ""]),
        ("/x/%2F%C3%BC", ["x", "/ü"]),
    ])
    func splitsAndDecodes(target: String, segments: [String]) {
        #expect(URLPath.segments(target) == segments)
    }

    @Test(arguments: ["/%", "/%4", "/%zz", "/%ff", "/%+1"])
    func refusesWhatIsNotPercentEncodedUTF8(target: String) {
        #expect(URLPath.segments(target) == nil)
    }

    @Test func decodesWhatItEncodes() {
        let id = "a/ü:%?#\n~"
        #expect(URLPath.segments("/" + URLPath.encode(id)) == [id])
        #expect(URLPath.encode("\n") == "%0A")
    }

    static let session = "00112233445566778899aabbccddeeff"

    @Test(arguments: [
        ("/whep/cam/\(session)", "/whep/cam/…"), ("/whep/cam/\(session)/events/\(session)", "/whep/cam/…/events/…"),
        ("/live/whep/a%20b/\(session.uppercased())/", "/live/whep/a%20b/…/"), ("/whep/cam/%30\(session.dropFirst())", "/whep/cam/…"),
        ("/whep/cam/\(session)0", "/whep/cam/\(session)0"), ("/whep/cam/\(session.dropLast())g", "/whep/cam/\(session.dropLast())g"),
        ("/api/v1/streams/cam/viewers/0000000100000002", "/api/v1/streams/cam/viewers/0000000100000002"), ("/", "/"), ("//%zz", "//%zz"),
        ("", ""),
    ])
    func whatOpensASessionIsNotForTheLog(path: String, logged: String) {
        #expect(URLPath.withoutCapabilities(path) == logged)
    }
}
#endif
