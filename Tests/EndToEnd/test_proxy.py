"""Behind a reverse proxy: a base path, whether it is kept or taken off, and whose address a client has."""

import json
import re
from urllib.parse import urljoin

import pytest

import whep
from client import request
from service import Decider, Proxy

PREFIX = "/live/egress"


@pytest.mark.parametrize("strips", [False, True], ids=["kept", "taken off"])
def test_everything_works_below_a_base_path(start_egress, library, open_player, strips):
    server = start_egress("serve", "--base-path", PREFIX, "--stream", f"a b={library.small()}")
    server.wait_until_playable("a%20b")
    with Proxy(server, PREFIX, strips) as proxy:
        endpoint = proxy.url(f"{PREFIX}/whep/a%20b")
        created = request("POST", endpoint, whep.offer(), "application/sdp")
        assert created.status == 201
        location = created.headers["Location"]
        assert location.startswith(f"{PREFIX}/whep/a%20b/")
        assert f"<{location}/events>" in created.headers["Link"]
        session = urljoin(endpoint, location)
        assert request("GET", session).status == 204
        assert request("DELETE", session).status == 200

        player = open_player(server, "a%20b", url=proxy.url(f"{PREFIX}/watch/a%20b"))
        player.wait_for_picture()
        player.wait_for_decoded(10)
        # From the player to the list, and back to it.
        player.page.get_by_role("link", name="All streams").click()
        player.page.wait_for_url(proxy.url(f"{PREFIX}/"))
        player.page.get_by_role("link", name="a b").click()
        player.page.wait_for_url(proxy.url(f"{PREFIX}/watch/a%20b"))
        player.wait_for_picture()
    if not strips:
        assert server.get(PREFIX).headers["Location"] == PREFIX + "/"


@pytest.mark.parametrize("trusted", ["127.0.0.0/8", "198.51.100.0/24"])
def test_the_address_of_a_client_is_taken_from_trusted_proxies_only(start_egress, tmp_path, trusted):
    with Decider(lambda question: 403) as decider:
        path = tmp_path / "egress.json"
        path.write_text(json.dumps({"auth": {"hook": {"url": decider.url()}}, "trusted_proxies": [trusted]}))
        server = start_egress("serve", "--config", path, "--log-level", "debug")
        with Proxy(server, "", strips=False, client="203.0.113.7") as proxy:
            # What a client writes there itself counts for nothing, either way.
            forged = {"X-Forwarded-For": "127.0.0.1"}
            assert request("POST", proxy.url("/whep/cam"), whep.offer(), "application/sdp", headers=forged).status == 403
            expected = "203.0.113.7" if trusted.startswith("127.") else "127.0.0.1"
            assert decider.questions[0]["remote_address"] == expected
            server.wait_for_log(rf"remote={re.escape(expected)} .*POST /whep/cam 403")
            # The API is for this machine, and who comes through a proxy is not.
            assert request("GET", proxy.url("/metrics"), headers=forged).status == 403
        assert server.get("/metrics").status == 200
