#if Server
import Egress
import Testing

@testable import EgressServer

@Suite struct PagesTests {
    static let hostile = #"<script>"x"&'y'"#

    @Test func escapesWhatMeansSomethingInHTML() {
        #expect(HTML.escape(Self.hostile) == "&lt;script&gt;&quot;x&quot;&amp;&#39;y&#39;")
        #expect(HTML.escape("größer 日本") == "größer 日本")
    }

    @Test func whatIsPutInIsEscapedAndIsNoPlaceholderItself() {
        let page = HTMLPage(Array(#"<p title="{{a}}">{{b}}</p>{{a}}"#.utf8))
        #expect(page.filled(with: ["a": #"">{{b}}"#, "b": "<b>"]) == #"<p title="&quot;&gt;{{b}}">&lt;b&gt;</p>&quot;&gt;{{b}}"#)
        #expect(page.filled(with: [:]) == #"<p title=""></p>"#)
    }

    @Test func theListBringsItsStreamsWithoutLettingTheirIdsOut() {
        let html = IndexPage.html([.init(id: Self.hostile, state: "active", viewers: 1, encodings: [.init(codec: .vp8)], hasBFrames: true)])
        #expect(!html.contains("<script>"))
        let encodings = "&quot;encodings&quot;:[{&quot;codec&quot;:&quot;vp8&quot;}]"
        let id = #"&lt;script&gt;\&quot;x\&quot;&amp;&#39;y&#39;"#
        let stream = "[{\(encodings),&quot;has_b_frames&quot;:true,&quot;id&quot;:&quot;\(id)&quot;,&quot;state&quot;:&quot;active&quot;,"
        #expect(html.contains(stream))
    }

    @Test func aListThatIsNotForEverybodyIsNotAnEmptyOne() {
        #expect(IndexPage.html([]).contains(#"data-streams="[]""#))
        #expect(IndexPage.html(nil).contains(#"data-streams="null""#))
    }

    @Test func tellsThePlayerWhereToAsk() {
        let html = WatchPage.html(id: Self.hostile)
        #expect(html.contains(#"data-whep="../whep/%3Cscript%3E%22x%22%26%27y%27""#))
        #expect(html.contains("<title>&lt;script&gt;"))
        #expect(html.contains("<h1>&lt;script&gt;"))
        #expect(!html.contains("<script>"))
    }

    @Test func tellsThePageOfBFrames() {
        #expect(WatchPage.html(id: "a", hasBFrames: true).contains(#"data-b-frames="true""#))
        #expect(WatchPage.html(id: "a").contains(#"data-b-frames="false""#))
    }

    @Test func usesNothingOfThirdParties() {
        // How to use the player is an example in its comment.
        let example = "https://egress.example"
        let pages = [IndexPage.html([]), WatchPage.html(id: "a")] + Asset.named.values.map { String(decoding: $0.bytes, as: UTF8.self) }
        for page in pages { #expect(!page.replacing(example, with: "").contains("://")) }
    }

    @Test func pagesAndScriptsNameOnlyAssetsThatThereAre() {
        let scripts = Asset.named.values.flatMap { String(decoding: $0.bytes, as: UTF8.self).matches(of: #/from "\.\/([^"]+)"/#) }.map(\.1)
        let pages = [IndexPage.html([]), WatchPage.html(id: "a")].flatMap { $0.matches(of: #/assets\/([^"]+)"/#) }.map(\.1)
        #expect(scripts.count >= 4 && pages.count >= 4)
        for name in scripts + pages { #expect(Asset.named[String(name)] != nil, "\(name)") }
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
