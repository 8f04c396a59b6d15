"""A server that is about to stop: nobody new, those who listen go elsewhere, the others are closed in the end."""

import json

import pytest

import rtp
import whep
from client import request
from events import Listener
from waiting import eventually


@pytest.fixture
def serve(start_egress, tmp_path, library):
    """Servers with the stream `cam`."""
    count = 0

    def start(drain=None, redirect=None):
        nonlocal count
        count += 1
        config = tmp_path / f"config{count}.json"
        settings = {"streams": {"cam": {"input": str(library.small())}}} | ({"drain": drain} if drain else {})
        settings |= {"redirect": redirect} if redirect else {}
        config.write_text(json.dumps(settings))
        server = start_egress("serve", "--config", config)
        server.wait_until_playable("cam")
        return server

    return start


def drain(server, method, body=None):
    return request(method, server.url("/api/v1/drain"), json.dumps(body) if body else None, "application/json")


def test_a_server_is_taken_out_of_service_and_put_back(server, feed, watch, library):
    feed("drained", rtp.played(library.small()))
    viewer = watch(server, "drained")
    viewer.wait_for_pictures(5)
    listener = Listener(viewer.session, "reconnect")
    assert drain(server, "GET").json == {"state": "serving", "viewers": 1}

    begun = drain(server, "POST", {"deadline_seconds": 3600})
    assert begun.status == 202
    assert begun.json["state"] == "draining"
    assert begun.json["viewers"] == 1
    assert listener.wait_for("reconnect") == {}
    health = server.get("/healthz")
    assert health.status == 503
    assert health.json["status"] == "draining"
    refused = server.post_offer("drained", whep.offer())
    assert refused.status == 503
    assert int(refused.headers["Retry-After"]) > 0
    assert "is about to stop" in refused.detail
    assert server.metric("egress_refused_total", limit="draining") == 1
    assert server.metric("egress_draining") == 1
    # A second one moves nothing, and who is there goes on watching.
    assert drain(server, "POST").json["deadline_seconds"] > 3000
    viewer.wait_for_pictures(15)

    assert drain(server, "POST", {"deadline_seconds": 0}).status == 202
    eventually(lambda: drain(server, "GET").json == {"state": "drained", "viewers": 0}, "nobody is left")
    viewer.wait_until_closed()
    listener.wait_for_end()
    assert server.stream("drained")["state"] == "active", "the stream goes on"

    assert drain(server, "DELETE").json == {"state": "serving", "viewers": 0}
    assert server.get("/healthz").status == 200
    watch(server, "drained").wait_for_pictures(5)


def test_sigterm_lets_viewers_go_elsewhere_and_ends_when_they_have(serve, watch):
    server = serve({"seconds": 3600, "url": "https://other.example/whep"})
    viewer = watch(server, "cam")
    viewer.wait_for_pictures(5)
    listener = Listener(viewer.session, "reconnect")
    server.begin_stop()
    assert listener.wait_for("reconnect") == {"url": "https://other.example/whep/cam"}
    assert server.get("/healthz").status == 503
    assert server.post_offer("cam", whep.offer()).status == 503
    viewer.wait_for_pictures(15)
    assert viewer.leave() == 200
    assert server.wait_for_end() == 0


def test_who_is_left_when_the_time_is_up_is_closed(serve, watch):
    server = serve({"seconds": 1})
    viewer = watch(server, "cam")
    viewer.wait_for_pictures(5)
    server.stop()
    viewer.wait_until_closed()


@pytest.mark.parametrize("second", ["interrupt", "begin_stop"])
def test_the_second_signal_does_not_wait_for_viewers(serve, watch, second):
    server = serve({"seconds": 3600})
    watch(server, "cam").wait_for_pictures(5)
    server.begin_stop()
    server.wait_for_log("draining")
    getattr(server, second)()
    assert server.wait_for_end() == 128 + (2 if second == "interrupt" else 15)


def test_ctrl_c_does_not_wait_for_viewers(serve, watch):
    server = serve({"seconds": 3600})
    viewer = watch(server, "cam")
    viewer.wait_for_pictures(5)
    server.interrupt()
    assert server.wait_for_end() == 0
    viewer.wait_until_closed()


def test_a_player_goes_on_at_the_other_server(serve, open_player):
    other = serve()
    server = serve({"url": other.url("/whep")})
    player = open_player(server, "cam")
    player.wait_for_picture()
    # It listens once it has its answer.
    eventually(lambda: drain(server, "GET").json["viewers"] == 1, "the page watches")
    player.wait_for_decoded(15)
    assert drain(server, "POST", {"deadline_seconds": 3600}).status == 202
    other.wait_for_stream("cam", lambda s: s["viewers_connected"] == 1, "the player has come over")
    server.wait_for_stream("cam", lambda s: s["viewers"] == 0, "and has left")
    player.wait_for_decoded(15)
    player.wait_for_change()
    assert player.connections == 2
    assert player.state == "playing"
    assert [count > 0 for count in player.decoded_at_changes] == [True], "it changes when the other connection has a picture, and not before"


def test_a_player_follows_to_the_server_that_has_the_stream(serve, open_player):
    other = serve()
    server = serve(redirect={"cam": other.url("/whep/cam")})
    player = open_player(server, "cam")
    player.wait_for_picture()
    other.wait_for_stream("cam", lambda s: s["viewers_connected"] == 1, "the player is there")
    assert server.stream("cam")["viewers"] == 0
    player.wait_for_decoded(15)


def test_a_player_stays_as_long_as_it_finds_no_other_server(serve, open_player):
    server = serve()
    player = open_player(server, "cam")
    player.wait_for_picture()
    player.wait_for_decoded(15)
    assert drain(server, "POST", {"deadline_seconds": 3600}).status == 202
    eventually(lambda: server.metric("egress_refused_total", limit="draining") >= 2, "it has asked again and again")
    player.wait_for_change()
    assert server.stream("cam")["viewers_connected"] == 1
    assert drain(server, "DELETE").status == 200
    eventually(lambda: server.metric("egress_handshakes_done_total") == 2, "it has come back")
    server.wait_for_stream("cam", lambda s: s["viewers"] == 1, "and has left its first session")
    player.wait_for_decoded(15)
    player.wait_for_change()
