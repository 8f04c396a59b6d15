"""What clients may take: whoever takes more is told why, it is counted, and those who watch notice nothing."""

import contextlib
import json
import re
import socket
import time

import pytest

import rtp
import whep
from client import request
from half_open import HalfOpen
from waiting import eventually

# A rate that gives back nothing while a test runs, however slow the machine.
NEVER = 0.001


@pytest.fixture
def serve(start_egress, tmp_path, library):
    """A server with a stream and these limits."""

    def start(limits, **egress):
        config = tmp_path / "config.json"
        streams = {"cam": {"input": str(library.small())}}
        config.write_text(json.dumps({"egress": {"limits": limits, **egress}, "streams": streams}))
        server = start_egress("serve", "--config", config)
        server.wait_until_playable("cam")
        return server

    return start


def refused(server, limit):
    return server.metric("egress_refused_total", limit=limit)


def test_an_address_that_joins_too_often_is_told_when_to_come_back(serve, watch):
    server = serve({"joins_per_address": {"per_second": NEVER, "burst": 4}})
    viewer = watch(server, "cam")
    viewer.wait_for_pictures(5)
    offer = whep.offer()
    assert server.post_offer("cam", "nonsense").status == 400
    assert server.post_offer("other", offer).status == 404
    assert server.post_offer("cam", offer).status == 201
    # A flood changes nothing for the one who watches.
    for _ in range(100):
        response = server.post_offer("cam", offer)
        assert response.status == 429
        assert 900 <= int(response.headers["Retry-After"]) <= 1000
        assert response.detail.startswith("127.0.0.1 asks to join more often than 0.001 times a second (4 at once)")
    assert refused(server, "joins_per_address") == 100
    assert server.log.count("Client limit reached") == 1
    viewer.wait_for_pictures(30)
    assert viewer.leave() == 200


def test_requests_that_change_viewers_are_limited_and_the_viewer_stays(serve, watch):
    server = serve({"changes_per_address": {"per_second": NEVER, "burst": 3}})
    viewer = watch(server, "cam")
    viewer.wait_for_pictures(5)
    for number in range(3):
        assert request("DELETE", server.url(f"/whep/cam/{number:032x}")).status == 404
    for method in ("DELETE", "PATCH"):
        response = request(method, viewer.session)
        assert response.status == 429
        assert int(response.headers["Retry-After"]) > 900
    assert refused(server, "changes_per_address") == 2
    assert request("GET", viewer.session).status == 204
    viewer.wait_for_pictures(30)


def test_joins_are_limited_for_all_together(serve):
    server = serve({"joins": {"per_second": NEVER, "burst": 2}})
    offer = whep.offer()
    assert [server.post_offer("cam", offer).status for _ in range(3)] == [201, 201, 503]
    response = server.post_offer("cam", offer)
    assert int(response.headers["Retry-After"]) > 900
    assert "this server is asked for viewers" in response.detail
    assert refused(server, "joins") == 2


def test_a_full_stream_says_so(serve, watch):
    server = serve({}, max_viewers_per_stream=1)
    viewer = watch(server, "cam")
    viewer.wait_for_pictures(5)
    response = server.post_offer("cam", whep.offer())
    assert response.status == 503
    assert int(response.headers["Retry-After"]) > 0
    assert response.detail == 'webrtc: process "cam" has 1 viewers, which is its limit'
    assert refused(server, "viewers_per_stream") == 1
    assert viewer.leave() == 200
    eventually(lambda: server.post_offer("cam", whep.offer()).status == 201, "there is room again")


def test_viewers_that_never_connect_leave_room_for_others_after_a_while(serve, watch):
    server = serve({"connecting_per_address": 3})
    offer = whep.offer()
    sessions = [server.post_offer("cam", offer) for _ in range(3)]
    assert [response.status for response in sessions] == [201, 201, 201]
    assert server.metric("egress_viewers_connecting") == 3
    response = server.post_offer("cam", offer)
    assert response.status == 429
    assert "3 viewers of 127.0.0.1 are connecting" in response.detail
    assert refused(server, "connecting_per_address") == 1
    assert request("DELETE", server.url(sessions[0].headers["Location"])).status == 200
    viewer = watch(server, "cam")
    viewer.wait_for_pictures(5)
    # One that is connected doesn't count any more.
    assert server.post_offer("cam", offer).status == 201


def test_nobody_is_let_in_beyond_the_bit_rate(serve, watch):
    # Between one and two viewers' worth: each is about 400 kbit/s, with headers and sound.
    server = serve({"bit_rate": 600_000})
    viewer = watch(server, "cam")
    # Until what it is sent has been measured and its reservation is over: 8 s of 15 pictures each.
    viewer.wait_for_pictures(120)
    status = server.stream("cam")["statistics"]
    bit_rate = status["video"]["bit_rate"] + status["audio"]["bit_rate"]
    assert 300_000 < bit_rate < 600_000, "the film is not what this test takes it for"
    response = server.post_offer("cam", whep.offer())
    assert response.status == 503
    assert "this server sends as much as its limit allows, 600 kbit/s" in response.detail
    assert int(response.headers["Retry-After"]) > 0
    assert refused(server, "bit_rate") == 1
    viewer.wait_for_pictures(15)
    assert viewer.leave() == 200
    eventually(lambda: server.post_offer("cam", whep.offer()).status == 201, "there is room again")


def test_offers_larger_than_allowed_are_refused_and_counted(serve):
    server = serve({"offer_bytes": 16384, "offer_lines": 512, "offer_sections": 2, "offer_candidates": 32})
    offer = whep.offer()
    assert server.post_offer("cam", offer + "a=x\r\n" * 4000).status == 413
    assert server.post_offer("cam", offer + "a=x\r\n" * 600).status == 400
    assert "line" in server.post_offer("cam", offer + "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n").detail
    assert "candidate" in server.post_offer("cam", offer + "a=candidate:1\r\n" * 40).detail
    assert refused(server, "sdp") == 4
    assert server.post_offer("cam", offer).status == 201


def test_handshakes_that_are_not_gone_on_with_hold_up_nobody_for_long(serve, watch):
    server = serve({"handshakes_per_address": 2})
    viewer = watch(server, "cam")
    viewer.wait_for_pictures(5)
    strangers = [HalfOpen(server, "cam") for _ in range(3)]
    try:
        for stranger in strangers:
            stranger.check()
        assert server.metric("egress_handshakes") == 0, "a check costs no handshake"
        for stranger in strangers:
            stranger.say_hello()
        eventually(lambda: server.metric("egress_dropped_total", reason="handshake_limit") >= 1, "one too many is dropped")
        assert server.metric("egress_handshakes") <= 2
        # They have used up the address, which is also that of one who means it.
        other = watch(server, "cam")
        other.wait_for_pictures(5)
        viewer.wait_for_pictures(15)
        assert server.metric("egress_handshakes_done_total") == 2
    finally:
        for stranger in strangers:
            stranger.close()


def test_connections_that_wait_give_way_to_new_ones_of_their_address(serve):
    server = serve({"connections_per_address": 16})
    address = ("127.0.0.1", server.ports["http"])
    with contextlib.ExitStack() as stack:
        for _ in range(40):
            stack.enter_context(socket.create_connection(address, 20))
        eventually(lambda: server.metric("egress_http_connections") <= 16, "the others are closed")
        assert refused(server, "connections_per_address") >= 24
        assert refused(server, "connections") == 0
        assert server.get("/healthz").status == 200


def test_a_player_says_why_it_was_closed_and_leaves_a_slow_link_alone_for_a_while(server, feed, open_player, library):
    feed("kicked", rtp.played(library.small()))
    player = open_player(server, "kicked")

    def watching():
        viewers = server.get("/api/v1/streams/kicked/viewers").json["viewers"]
        return [viewer["id"] for viewer in viewers if viewer["state"] == "connected"]

    def send_away():
        """What the page then says of it."""
        player.wait_for_state("playing")
        [viewer] = eventually(watching, "the page watches")
        player.page.evaluate("""() => {
            window.notices = [];
            const notice = document.getElementById("notice");
            new MutationObserver(() => notices.push(notice.textContent)).observe(notice, { childList: true });
        }""")
        assert server.request("DELETE", f"/api/v1/streams/kicked/viewers/{viewer}").status == 204
        return eventually(lambda: player.page.evaluate("notices.find((text) => text.startsWith('The viewer')) ?? null"), "the page says why")

    player.wait_for_picture()
    assert send_away() == "The viewer was closed: it or this side asked for it"
    eventually(lambda: player.connections == 2, "it has come back")

    # The same as if its link were too slow: what the server would say is put into its mouth.
    problem = {"detail": "the viewer was closed: its link is too slow", "reason": "congestion"}
    ask = re.compile(r"/whep/kicked/[0-9a-f]{32}$")

    def answer(route):
        if route.request.method == "GET":
            route.fulfill(status=404, content_type="application/problem+json", body=json.dumps(problem))
        else:
            route.continue_()

    player.page.route(ask, answer)
    assert send_away() == "The viewer was closed: its link is too slow"
    closed_at = time.monotonic()
    assert player.state == "connecting"
    eventually(lambda: player.connections == 3, "it has come back")
    assert time.monotonic() - closed_at > 14
    player.wait_for_state("playing")


def test_an_operator_sees_who_watches_and_sends_one_away(server, feed, watch, library):
    feed("watched", rtp.played(library.small()))
    stayer, goer = watch(server, "watched"), watch(server, "watched")
    stayer.wait_for_pictures(10)
    goer.wait_for_pictures(10)

    def listed():
        response = server.get("/api/v1/streams/watched/viewers")
        assert response.status == 200
        assert not any(viewer.session.rsplit("/", 1)[1] in response.text for viewer in (stayer, goer))
        return response.json["viewers"]

    viewers = listed()
    assert len(viewers) == 2
    for viewer in viewers:
        assert viewer["state"] == "connected"
        assert viewer["client"] == "127.0.0.1"
        assert viewer["remote_address"]
        assert viewer["packets_sent"] > 0 and viewer["bytes_sent"] > 0 and viewer["bit_rate"] > 0
        assert viewer["packets_lost"] >= 0
    # The one who came last is the one with the later `since`.
    last = max(viewers, key=lambda viewer: viewer["since"])
    place = server.url(f"/api/v1/streams/watched/viewers/{last['id']}")
    assert request("DELETE", f"{place}?ban_seconds=x").status == 400
    assert request("DELETE", f"{place}?ban_seconds=3600").status == 204
    assert request("DELETE", place).status == 404
    goer.wait_until_closed()
    assert goer.leave() == 404
    assert [viewer["id"] for viewer in listed()] == [viewer["id"] for viewer in viewers if viewer is not last]
    banned = server.post_offer("watched", whep.offer())
    assert banned.status == 403
    assert int(banned.headers["Retry-After"]) > 3000
    assert "the operator has sent 127.0.0.1 away" in banned.detail
    stayer.wait_for_pictures(15)
