"""`"encodings": "ladder"`: one input in several sizes, of which each viewer gets the one that its link takes, or that it chooses."""

import json

import pytest

import rtp
import tokens
from server import Server
from waiting import eventually

TOKEN = "everywhere-0123456789"
SECRET = "0123456789abcdef0123456789abcdef"
# The default of encodings.
GOP_MS = 2000
RUNGS = [("720p", 1280, 720, 2_000_000), ("360p", 640, 360, 600_000), ("240p", 426, 240, 300_000)]
LEVELS = ["720p · 2 Mbit/s", "360p · 600 kbit/s", "240p · 300 kbit/s"]


@pytest.fixture(scope="module")
def ladder(library, artifacts, tmp_path_factory):
    folder = tmp_path_factory.mktemp("ladder")
    (folder / "secret").write_text(SECRET)
    keys = [{"algorithm": "HS256", "secret_file": str(folder / "secret")}]
    cam = {"input": str(library.moving_720p()), "webrtc": {"encodings": "ladder"}}
    path = folder / "egress.json"
    path.write_text(json.dumps({"auth": {"token": TOKEN, "jwt": {"keys": keys}}, "streams": {"cam": cam}}))
    server = Server.start(artifacts / "ladder.log", "serve", "--config", str(path))
    server.wait_until_all_play("cam")
    yield server
    server.stop()


@pytest.fixture
def open_cam(ladder, open_player):
    """The player page, once the menu of qualities is there."""

    def open_page():
        player = open_player(ladder, "cam", fragment=f"#token={TOKEN}")
        player.wait_for_picture()
        player.page.locator("#quality").wait_for(timeout=10_000)
        return player

    return open_page


def viewers_of(server):
    return server.get("/api/v1/streams/cam/viewers").json["viewers"]


def wait_for_size(player, width, height):
    eventually(lambda: player.size == (width, height), f"{width} x {height} plays")
    # That size, and moving.
    player.wait_for_decoded(15)
    player.wait_for_change()


def test_an_input_is_encoded_in_sizes_that_follow_from_its_own(ladder):
    ladder.wait_for_log("encoding video to H.264 for 720p: the key pictures of a ladder have to come at the same times")

    def is_known(encoding):
        return encoding["bit_rate"] and abs(encoding["gop_ms"] - GOP_MS) < 0.2 * GOP_MS

    status = ladder.wait_for_stream("cam", lambda s: all(map(is_known, s["encodings"])), "bit rate and GOP of each")
    encodings = status["encodings"]
    assert [(e["rid"], e["format"]["width"], e["format"]["height"]) for e in encodings] == [rung[:3] for rung in RUNGS]
    assert {e["codec"] for e in encodings} == {"h264"}
    assert [(e["rid"], e["copy"]) for e in status["supervision"]["encodings"]] == [(rung[0], False) for rung in RUNGS]
    for encoding, (rid, _, _, bit_rate) in zip(encodings, RUNGS, strict=True):
        print(f"\n{rid}: {encoding['bit_rate']} bit/s of {bit_rate}, GOP {encoding['gop_ms']} ms")
        assert encoding["bit_rate"] < 1.5 * bit_rate


def test_a_viewer_chooses_a_size_by_the_keyboard_and_sees_it_play(ladder, open_cam):
    player = open_cam()
    page, menu = player.page, player.page.locator("#quality select")
    wait_for_size(player, 1280, 720)
    eventually(lambda: menu.locator("option").all_inner_texts() == ["Auto (720p)", *LEVELS], "the menu names what there is and what plays")

    # From the top of the page, by the keyboard alone.
    for _ in range(10):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('#quality select')"):
            break
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    assert menu.input_value() == "360p"
    wait_for_size(player, 640, 360)
    eventually(lambda: page.locator("#quality .playing").inner_text() == "", "nothing else than what was chosen plays")
    [viewer] = viewers_of(ladder)
    assert (viewer["rid"], viewer["pinned_rid"], viewer["switch_reason"]) == ("360p", "360p", "pinned")
    assert viewer["switches_down"] >= 1
    assert ladder.metric("egress_stream_rendition_viewers", stream="cam", rid="360p") == 1
    assert ladder.metric("egress_stream_rendition_viewers", stream="cam", rid="720p") == 0
    assert ladder.metric("egress_stream_switches_total", stream="cam", direction="down") >= 1

    # What was chosen is asked for again where the connection is another one.
    assert ladder.request("DELETE", f"/api/v1/streams/cam/viewers/{viewer['id']}").status == 204
    eventually(lambda: player.connections == 2, "it connects again")
    eventually(lambda: [v.get("pinned_rid") for v in viewers_of(ladder)] == ["360p"], "the choice is sent again")
    wait_for_size(player, 640, 360)
    assert menu.input_value() == "360p"

    menu.focus()
    page.keyboard.press("Home")
    assert menu.input_value() == ""
    eventually(lambda: "pinned_rid" not in viewers_of(ladder)[0], "the link decides again")
    eventually(lambda: menu.locator("option").first.inner_text().startswith("Auto ("), "the menu says what plays")
    player.wait_for_decoded(15)


def test_the_menu_is_large_enough_for_a_thumb_and_fits_on_a_phone(ladder, open_cam):
    player = open_cam()
    player.page.set_viewport_size({"width": 320, "height": 568})
    box = player.page.locator("#quality select").bounding_box()
    assert box["height"] >= 44 and box["width"] >= 44
    assert player.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the page is wider than the phone"


def test_a_page_says_that_there_is_sound_alone_until_there_is_a_picture_again(open_cam):
    player = open_cam()
    playing = {"rid": None}

    def answer(route):
        layers = [{"rid": rid, "encodingId": rid, "playing": rid == playing["rid"], "pinned": False} for rid in ("720p", "360p")]
        route.fulfill(content_type="text/event-stream", body=f"event: layers\ndata: {json.dumps({'0': layers})}\n\n")

    # Asked for again every two seconds, as it ends.
    player.page.route("**/events/*", answer)
    player.page.evaluate("egressPlayer.stop(); egressPlayer.start()")
    eventually(lambda: player.notice.startswith("Your connection is too slow for the picture: you hear the sound alone"), "it is said")
    assert player.page.locator("#quality .playing").inner_text() == "sound alone"
    assert player.page.locator("#quality option").first.inner_text() == "Auto"
    playing["rid"] = "360p"
    eventually(lambda: player.notice == "", "there is a picture again")
    assert player.page.locator("#quality option").first.inner_text() == "Auto (360p)"
    assert player.state == "playing"


def test_a_choice_that_the_server_refuses_is_taken_back(ladder, open_cam):
    player = open_cam()
    player.page.evaluate("egressPlayer.addEventListener('error', ({ detail }) => { window.told = detail; }); egressPlayer.choose('4320p')")
    told = eventually(lambda: player.page.evaluate("window.told ?? null"), "it is told")
    assert told["status"] == 422 and not told["isFinal"] and "720p" in told["message"]
    assert player.page.evaluate("egressPlayer.quality") is None
    assert player.page.locator("#quality select").input_value() == ""
    assert player.state == "playing"


@pytest.mark.parametrize("bound, rid, size", [(700_000, "360p", (640, 360)), (1, "240p", (426, 240)), (None, "720p", (1280, 720))])
def test_a_token_bounds_what_its_viewer_gets(ladder, watch, bound, rid, size):
    claims = tokens.claims("cam", **({"max_bit_rate": bound} if bound else {}))
    viewer = watch(ladder, "cam", codec="H264", token=tokens.hs256(claims, SECRET))
    viewer.wait_for_pictures(10)
    assert viewer.video.size == size
    [found] = viewers_of(ladder)
    assert found["rid"] == rid
    layer = viewer.session.removeprefix(ladder.url("")) + "/layer"

    def choose(other):
        return ladder.request("POST", layer, json.dumps({"encodingId": other}), "application/json", token=TOKEN).status

    assert choose(rid) == 200
    assert choose("720p") == (422 if bound else 200)


def test_a_list_of_a_hosts_own_is_a_ladder_of_those_that_have_one_codec(server, feed, library, open_player):
    encodings = [{"rid": "high", "bit_rate": 400_000}, {"rid": "low", "height": 90, "bit_rate": 100_000}, {"rid": "other", "codec": "vp8"}]
    feed("own", rtp.played(library.small()), {"enabled": True, "encodings": encodings})
    server.wait_until_all_play("own")
    player = open_player(server, "own")
    player.wait_for_picture()
    menu = player.page.locator("#quality select")
    levels = ["Auto (high, 180p)", "high, 180p · 400 kbit/s", "low, 90p · 100 kbit/s"]
    eventually(lambda: menu.locator("option").all_inner_texts() == levels, "the menu has both and not the third")
    menu.select_option("low")
    wait_for_size(player, 160, 90)
    menu.select_option("high")
    wait_for_size(player, 320, 180)


def test_a_stream_of_one_encoding_has_no_menu(server, feed, library, open_player):
    feed("single", rtp.played(library.small()))
    player = open_player(server, "single")
    player.wait_for_picture()
    player.wait_for_decoded(15)
    assert not player.page.locator("#quality").is_visible()
