"""Who may watch and who may use the API: tokens, JSON Web Tokens, a hook, and that nothing is open by oversight."""

import json
import subprocess
import sys

import pytest

import tokens
import whep
from client import request
from server import REPOSITORY
from service import Decider

EVERYWHERE = "everywhere-0123456789"
NEXT = "the-next-0123456789"
OF_CAM = "of-cam-0123456789abc"
API = "of-the-api-0123456789"
SECRET = "0123456789abcdef0123456789abcdef"
PROBLEM = "application/problem+json"


@pytest.fixture
def start_with(start_egress, tmp_path, library):
    """A server with two streams and this authentication, playable."""

    def start(auth, *arguments):
        path = tmp_path / "egress.json"
        streams = {name: {"input": str(library.small())} for name in ("cam", "yard")}
        path.write_text(json.dumps({"auth": auth, "api": {"token": API}, "streams": streams}))
        server = start_egress("serve", "--config", path, *arguments, api_token=API)
        for name in streams:
            server.wait_until_playable(name)
        return server

    return start


def test_tokens_open_their_streams_and_nothing_else(start_with, watch, open_player):
    auth = {"token": [EVERYWHERE, NEXT], "streams": {"cam": OF_CAM}}
    server = start_with(auth, "--log-level", "debug")
    offer = whep.offer()

    def post(stream, token):
        return server.post_offer(stream, offer, token=token)

    refused = post("cam", None)
    assert refused.status == 401 and refused.headers["Content-Type"] == PROBLEM
    assert refused.headers["WWW-Authenticate"] == 'Bearer realm="egress"'
    assert refused.headers["Access-Control-Allow-Origin"] == "*"
    assert post("cam", "wrong-0123456789abc").headers["WWW-Authenticate"] == 'Bearer realm="egress", error="invalid_token"'
    assert post("yard", OF_CAM).status == 403
    # Neither is told what there is.
    assert post("nothing", None).status == 401
    assert post("nothing", OF_CAM).status == 403

    viewer = watch(server, "cam", token=OF_CAM)
    viewer.wait_for_pictures(5)
    session = viewer.session.removeprefix(server.url(""))
    for method in ("GET", "HEAD", "PATCH", "DELETE"):
        assert server.request(method, session, token=None).status == 401, method
        assert server.request(method, session, token="wrong-0123456789abc").status == 401, method
    listen = server.request("POST", session + "/events", '["active"]', "application/json", token=None)
    assert listen.status == 401
    preflight = {"Access-Control-Request-Method": "DELETE", "Access-Control-Request-Headers": "authorization"}
    assert server.request("OPTIONS", session, token=None, headers=preflight).status == 200
    viewer.wait_for_pictures(15)
    assert viewer.leave() == 200

    # The API has a token of its own, and so have the metrics; who holds it may watch.
    for token in (None, EVERYWHERE, OF_CAM):
        for path in ("/api/v1/streams", "/api/v1/streams/cam", "/metrics"):
            assert server.request("GET", path, token=token).status == 401, path
        assert server.request("PUT", "/api/v1/streams/new", token=token).status == 401
    assert server.request("GET", "/healthz", token=None).status == 200
    assert "cam" not in server.request("GET", "/", token=None).text
    assert post("yard", API).status == 201

    # Both while one replaces the other, on the page too: there the token stands behind the address.
    player = open_player(server, "yard", f"#token={NEXT}")
    player.wait_for_picture()
    player.wait_for_decoded(10)
    for secret in (EVERYWHERE, NEXT, OF_CAM, API, "wrong-0123456789abc", session.rsplit("/", 1)[1]):
        assert secret not in server.log


def test_the_player_stops_where_coming_back_is_of_no_use(start_with, open_player):
    server = start_with({"streams": {"cam": OF_CAM}})
    for stream, fragment, notice in (
        ("cam", "", "This stream needs a token, behind the address of this page"),
        ("cam", "#token=wrong-0123456789abc", "This stream cannot be watched: the token is not known"),
        ("yard", f"#token={OF_CAM}", "This stream cannot be watched: the token is not for this stream"),
        ("nothing", f"#token={API}", "There is no such stream, or not any more"),
    ):
        player = open_player(server, stream, fragment)
        player.wait_for_state("stopped")
        assert player.notice.startswith(notice)
        assert player.connections == 1
    # A token that is put behind the address is taken at once.
    player = open_player(server, "cam")
    player.wait_for_state("stopped")
    player.page.evaluate(f"location.hash = 'token={OF_CAM}'")
    player.page.locator("#state.active").wait_for(timeout=60_000)


def test_the_page_lists_streams_for_the_operator(start_with, chromium):
    server = start_with({"token": EVERYWHERE})
    page = chromium.new_page()
    page.goto(server.url("/") + f"#token={API}")
    link = page.get_by_role("link", name="cam")
    link.wait_for(timeout=60_000)
    assert link.get_attribute("href") == f"watch/cam#token={API}"
    page.close()
    page = chromium.new_page()
    page.goto(server.url("/") + f"#token={EVERYWHERE}")
    page.get_by_text("is not that of the API").wait_for(timeout=60_000)
    page.close()


def test_json_web_tokens_open_the_streams_that_they_name(start_with, watch, open_player):
    key, another = tokens.es256_key(), tokens.es256_key()
    keys = [{"algorithm": "HS256", "secret": SECRET}, {"algorithm": "ES256", "public_key": tokens.public_pem(key)}]
    server = start_with({"jwt": {"keys": keys, "audience": "egress"}})
    good = tokens.claims("cam", aud="egress")
    watch(server, "cam", token=tokens.hs256(good, SECRET)).wait_for_pictures(5)
    player = open_player(server, "cam", f"#token={tokens.es256(good, key)}")
    player.wait_for_picture()

    offer = whep.offer()
    for name, token, status in (
        ("another stream", tokens.hs256(tokens.claims("yard", aud="egress"), SECRET), 403),
        ("expired", tokens.hs256(tokens.claims("cam", aud="egress", seconds=-60), SECRET), 401),
        ("not yet", tokens.hs256(good | {"nbf": good["exp"]}, SECRET), 401),
        ("no end", tokens.hs256({k: v for k, v in good.items() if k != "exp"}, SECRET), 401),
        ("another audience", tokens.hs256(good | {"aud": "other"}, SECRET), 401),
        ("another secret", tokens.hs256(good, SECRET[::-1]), 401),
        ("another key", tokens.es256(good, another), 401),
        ("the public key as the secret", tokens.hs256(good, tokens.public_pem(key)), 401),
        ("unsigned", tokens.unsigned(good), 401),
        ("another algorithm", tokens.hs256(good, SECRET, "HS512"), 401),
        ("tampered", tokens.hs256(good, SECRET)[:-8] + "AAAAAAAA", 401),
    ):
        assert server.post_offer("cam", offer, token=token).status == status, name


def test_a_hook_decides_and_a_hook_that_fails_lets_nobody_in(start_with, watch):
    answers = {"good": 204, "bad": 401, "other": 403, "broken": 500, "moved": 302, "silent": None}
    with Decider(lambda question: answers[question.get("token", "bad")]) as decider:
        server = start_with({"hook": {"url": decider.url("/decide"), "timeout_seconds": 2}})
        viewer = watch(server, "cam", token="good")
        viewer.wait_for_pictures(5)
        asked = decider.questions[0]
        assert asked["stream"] == "cam" and asked["method"] == "POST" and asked["remote_address"] == "127.0.0.1"
        assert "aiohttp" in asked["user_agent"] and "session" not in asked
        offer = whep.offer()
        for token, status in (("bad", 401), ("other", 403), ("broken", 503), ("moved", 503), ("silent", 503), (None, 401)):
            refused = server.post_offer("cam", offer, token=token)
            assert refused.status == status, token
            assert (refused.headers["Retry-After"] is not None) == (status == 503)
        server.wait_for_log("The authorization hook gave no decision: status 500")
        assert viewer.leave() == 200
        assert decider.questions[-1]["method"] == "DELETE" and decider.questions[-1]["session"]
    # It is gone: nobody comes in, and the operator still does.
    assert server.post_offer("cam", offer, token="good").status == 503
    assert server.post_offer("cam", offer, token=API).status == 201
    for token in ("good", "silent"):
        assert f'"{token}"' not in server.log


def test_the_rows_on_tokens_hold(start_with, artifacts):
    server = start_with({"token": EVERYWHERE})
    report = artifacts / "conformance_auth.json"
    command = [sys.executable, "-m", "conformance", server.url("/whep/cam"), "--token", EVERYWHERE, "--json", report]
    run = subprocess.run(
        [*command, "--only", "A1", "--only", "O", "--only", "S1"],
        cwd=REPOSITORY / "Tests" / "Conformance",
        capture_output=True,
        text=True,
        timeout=240,
    )
    results = {row["id"]: row["result"] for row in json.loads(report.read_text())}
    assert {id for id, result in results.items() if result == "FAIL"} == set(), run.stdout
    assert {id for id, result in results.items() if result == "skip"} == {"A1.2"}, run.stdout
    assert run.returncode == 0 and len(results) >= 10, run.stdout


@pytest.mark.parametrize("address", ["0.0.0.0:0", "[::]:0", "192.0.2.1:8080"])
def test_where_others_reach_it_the_server_is_open_only_when_that_was_said(run_egress, address):
    status, said = run_egress("serve", "--http", address, "--udp-port", "0")
    assert status == 78
    assert "auth: is missing" in said and "--token-file" in said and "--no-auth" in said


def test_on_loopback_it_says_that_authentication_is_off(start_egress):
    server = start_egress("serve")
    server.wait_for_log("warning.*Authentication is off: everyone who can reach 127.0.0.1:0")
    server.wait_for_log("warning.*api.token is not configured")
    # Somebody else's request, which a proxy on this machine has forwarded.
    forwarded = request("GET", server.url("/metrics"), headers={"X-Forwarded-For": "203.0.113.7"})
    assert forwarded.status == 403 and "api.token" in forwarded.detail


def test_tokens_can_stand_in_files(start_egress, tmp_path):
    (tmp_path / "viewers").write_text(f"# until Friday\n{EVERYWHERE}\n{NEXT}\n")
    (tmp_path / "api").write_text(API)
    server = start_egress("serve", "--token-file", tmp_path / "viewers", "--api-token-file", tmp_path / "api", api_token=API)
    assert server.put_stream("cam").status == 201
    for token, status in ((None, 401), (EVERYWHERE, 204), (NEXT, 204), ("wrong-0123456789abc", 401)):
        assert server.request("GET", "/whep/cam", token=token).status == status
    assert "Authentication is off" not in server.log
