"""The server's pages, and its player in a page of somebody else's."""

import http.server
import re
import threading

import pytest

import rtp
from server import REPOSITORY
from waiting import eventually

FOLDER = REPOSITORY / "Sources" / "EgressServer" / "Pages"
SCRIPTS = sorted(path.name for path in FOLDER.glob("*.js"))

# What the README tells others to put into their page, and the server that it is written for.
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
EXAMPLE = next(block for block in re.findall(r"```html\n(.*?)```", README, re.S) if "egress-player.js" in block)
EXAMPLE_ORIGIN = "https://egress.example"

# A player of another origin's page, and what it has told that page.
PLAYER = """async ([origin, url]) => {
  const { EgressPlayer } = await import(origin + "/assets/egress-player.js");
  window.egressPlayer = new EgressPlayer(document.querySelector("video"), url);
  window.told = [];
  for (const name of ["state", "error", "track", "stats"]) {
    egressPlayer.addEventListener(name, ({ detail }) => told.push({ name, ...detail, track: detail.track?.kind }));
  }
}"""
BLANK = '<!doctype html><title>elsewhere</title><video id="video" autoplay muted playsinline></video>'


@pytest.fixture
def serve_elsewhere():
    """Serves one page at an origin of its own, and gives its address."""
    servers = []

    def serve(page):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body = page.encode() if self.path == "/" else b""
                self.send_response(200 if body else 404)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        servers.append(http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{servers[-1].server_address[1]}/"

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


def wait_until_nobody_watches(server, stream):
    # A viewer that says nothing stays for 30 s, until its consent expires.
    eventually(lambda: server.get(f"/api/v1/streams/{stream}/viewers").json["viewers"] == [], "the session was ended", within=15)


def test_a_page_of_somebody_elses_plays_with_what_the_readme_says(server, feed, library, serve_elsewhere, open_player):
    assert EXAMPLE_ORIGIN in EXAMPLE and len(EXAMPLE.splitlines()) == 5
    feed("cam", rtp.played(library.small()))
    player = open_player(server, "cam", url=serve_elsewhere(EXAMPLE.replace(EXAMPLE_ORIGIN, server.url(""))))
    player.wait_for_picture()
    for _ in range(3):
        player.wait_for_change()
    assert player.connections == 1
    player.page.goto("about:blank")
    wait_until_nobody_watches(server, "cam")


def test_a_player_tells_its_page_how_it_fares_and_stops_and_starts_again(server, feed, library, serve_elsewhere, open_player):
    feed("told", rtp.played(library.small()))
    player = open_player(server, "told", url=serve_elsewhere(BLANK))
    page = player.page
    page.evaluate(PLAYER, [server.url(""), server.url("/whep/told")])
    assert player.state == "stopped"
    page.evaluate("egressPlayer.start(); egressPlayer.start()")
    player.wait_for_picture()
    player.wait_for_change()
    stats = eventually(lambda: page.evaluate("told.find((one) => one.name === 'stats' && one.framesDecoded > 0) ?? null"), "statistics")
    assert (stats["width"], stats["height"]) == player.size and stats["codec"] == "H.264" and stats["packetsLost"] == 0
    told = page.evaluate("told")
    states = [one["state"] for one in told if one["name"] == "state"]
    assert states[0] == "connecting" and states[-1] == "playing"
    assert sorted(one["track"] for one in told if one["name"] == "track") == ["audio", "video"]
    assert not [one for one in told if one["name"] == "error"]

    page.evaluate("egressPlayer.stop(); egressPlayer.stop()")
    assert player.state == "stopped" and player.video("srcObject") is None
    wait_until_nobody_watches(server, "told")
    assert player.connections == 1
    page.evaluate("egressPlayer.start()")
    player.wait_for_state("playing")
    player.wait_for_decoded(15)
    player.wait_for_change()
    assert player.connections == 2


def test_a_player_that_is_refused_tells_its_page_why_and_stops(server, serve_elsewhere, open_player):
    player = open_player(server, "nothing", url=serve_elsewhere(BLANK))
    page = player.page
    page.evaluate(PLAYER, [server.url(""), server.url("/whep/nothing")])
    page.evaluate("egressPlayer.start()")
    player.wait_for_state("stopped")
    [error] = page.evaluate("told.filter((one) => one.name === 'error')")
    assert error["status"] == 404 and error["isFinal"] and error["message"].startswith("There is no such stream")
    assert page.evaluate("egressPlayer.message") == error["message"]
    assert player.connections == 1


def test_a_page_may_start_and_stop_its_player_while_it_is_told_something(server, feed, library, serve_elsewhere, open_player):
    feed("heard", rtp.played(library.small()))
    player = open_player(server, "heard", url=serve_elsewhere(BLANK))
    page = player.page
    page.evaluate(PLAYER, [server.url(""), server.url("/whep/heard")])
    for name in ("state", "track", "stats"):
        page.evaluate("name => { egressPlayer.addEventListener(name, () => egressPlayer.stop(), { once: true }); egressPlayer.start(); }", name)
        player.wait_for_state("stopped")
        assert player.video("srcObject") is None
        assert set(page.evaluate("probe.connections.map((one) => one.connectionState)")) == {"closed"}
    wait_until_nobody_watches(server, "heard")

    page.evaluate(PLAYER, [server.url(""), server.url("/whep/nothing")])
    page.evaluate("egressPlayer.addEventListener('error', () => egressPlayer.start(), { once: true }); egressPlayer.start()")
    eventually(lambda: page.evaluate("told.filter((one) => one.isFinal).length") == 2, "it was refused twice")
    player.wait_for_state("stopped")


def test_the_list_is_there_before_it_is_asked_for(server, feed, library, chromium):
    feed("listed", rtp.played(library.small()))
    page = chromium.new_page()
    page.route("**/api/v1/streams", lambda route: route.abort())
    page.goto(server.url("/"))
    line = page.locator("#streams li", has_text="listed")
    assert line.locator("a").get_attribute("href") == "watch/listed"
    assert line.locator(".codecs").inner_text() == "H.264"
    page.close()


def test_a_stream_that_comes_while_the_list_is_open_has_its_codecs_too(server, feed, library, chromium):
    page = chromium.new_page()
    page.goto(server.url("/"))
    feed("later", rtp.played(library.small()))
    page.locator("#streams li", has_text="later").locator(".codecs").get_by_text("H.264", exact=True).wait_for(timeout=10_000)
    page.close()


def test_the_page_shows_which_codec_plays_and_how_large(server, feed, library, open_player):
    feed("details", rtp.played(library.small()))
    player = open_player(server, "details")
    player.wait_for_state("playing")
    player.wait_for_decoded(1)
    player.page.locator("#toggle").click()
    shown = player.page.locator("#stats div")
    for name, value in {"Codec": "H.264", "Resolution": "320 × 180"}.items():
        shown.filter(has_text=name).get_by_text(value, exact=True).wait_for(timeout=5000)


def test_each_browser_plays_the_encoding_that_it_can_and_the_list_names_them(server, feed, library, open_player, chromium):
    feed("choice", rtp.played(library.small()), {"enabled": True, "encodings": [{"rid": "h264"}, {"rid": "vp8", "codec": "vp8"}]})
    for without, codec in [(None, "H.264"), ("video/H264", "VP8")]:
        player = open_player(server, "choice", without=without)
        player.wait_for_picture()
        player.wait_for_change()
        eventually(lambda: player.page.evaluate("egressPlayer.stats?.codec") == codec, f"{codec} plays")
        assert player.notice == ""
    page = chromium.new_page()
    page.goto(server.url("/"))
    page.locator("#streams li", has_text="choice").get_by_text("H.264, VP8", exact=True).wait_for(timeout=10_000)
    page.close()


def test_a_browser_that_can_play_nothing_of_a_stream_is_told_what_both_have(server, feed, library, open_player):
    feed("mute", rtp.played(library.small()), {"enabled": True, "audio_map": "none"})
    player = open_player(server, "mute", without="video/H264")
    player.wait_for_state("stopped")
    stream, offer = player.notice.split("; ")
    assert stream.startswith("This browser cannot play the stream: no codec in common: the stream has H.264 ")
    assert "VP8" in offer and "H.264" not in offer


def test_every_script_is_a_module_that_chromium_parses(chromium):
    """A module in front of it ends the evaluation, so that nothing is run: what is wrong with the text comes up before that."""
    origin = "http://scripts.example/"
    texts = {name: 'import "./end.js";' + (FOLDER / name).read_text(encoding="utf-8") for name in SCRIPTS}
    texts |= {"end.js": 'throw "parsed"', "wrong.js": "let wrong = ;"}

    def answer(route):
        name = route.request.url.removeprefix(origin)
        route.fulfill(body=texts.get(name, ""), content_type="text/javascript" if name in texts else "text/html")

    page = chromium.new_page()
    page.route(origin + "**", answer)
    page.goto(origin)
    outcomes = {name: page.evaluate("name => import('/' + name).then(() => 'ran', String)", name) for name in [*SCRIPTS, "wrong.js"]}
    page.close()
    assert outcomes.pop("wrong.js").startswith("SyntaxError")
    assert len(outcomes) >= 6 and set(outcomes.values()) == {"parsed"}, outcomes
