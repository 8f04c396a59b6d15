"""Session URLs are what a viewer has in place of a password (draft-ietf-wish-whep §5; Janus #3637): they can't be guessed, and near is not enough."""

import random
import secrets
import statistics
import time

import pytest

from client import request
from scripted import Scripted, patiently

SESSIONS = 32
GUESSES = 1000
TIMED = 300


def test_session_ids_are_128_random_bits(stage):
    ids = []
    viewers = []
    for _ in range(SESSIONS):
        viewer = stage.viewer()
        assert viewer.post() == 201
        viewers.append(viewer)
        ids.append(viewer.session.rsplit("/", 1)[1])
    assert all(len(id) == 32 and int(id, 16) >= 0 for id in ids)
    assert len(set(ids)) == SESSIONS
    # Each of 4,096 bits is a toss: six standard deviations are 192.
    ones = sum(bin(int(id, 16)).count("1") for id in ids)
    assert abs(ones - 64 * SESSIONS) < 6 * (128 * SESSIONS) ** 0.5 / 2
    # No bit is the same in all of them, and no two ids share a half.
    for bit in range(128):
        assert len({int(id, 16) >> bit & 1 for id in ids}) == 2, bit
    assert len({half for id in ids for half in (id[:16], id[16:])}) == 2 * SESSIONS
    # What a viewer names itself by in checks is random as well.
    assert len({viewer.remote_ufrag for viewer in viewers}) == len({viewer.remote_pwd for viewer in viewers}) == SESSIONS
    assert all(len(viewer.remote_pwd) >= 22 for viewer in viewers)


METHODS = {
    "GET": (b"", None),
    "HEAD": (b"", None),
    "DELETE": (b"", None),
    "PATCH": (b"a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\n", "application/trickle-ice-sdpfrag"),
}


def near(session, stream):
    """What is a session's URL but for something."""
    base, id = session.rsplit("/", 1)
    for index in (0, 1, 15, 16, 31):
        yield f"{base}/{id[:index]}{'0' if id[index] != '0' else '1'}{id[index + 1 :]}"
    yield from (f"{base}/{id[:31]}", f"{base}/{id}0", f"{base}/{id[:16]}", f"{base}/{id}/", f"{base}//{id}", f"{base}/{id}%00", f"{base}/%20{id}")
    yield f"{base}/{id}/events/{id}"
    yield f"{base}/*"
    yield session.replace(f"/whep/{stream}/", "/whep/another/")
    yield session.replace(f"/whep/{stream}/", f"/whep/{stream}x/")
    yield session.replace(f"/whep/{stream}/", f"/whep/{stream.upper()}/")
    if id != id.upper():
        yield f"{base}/{id.upper()}"


@pytest.mark.parametrize("method", METHODS)
def test_a_url_that_is_nearly_a_sessions_finds_nothing(stage, method):
    body, content_type = METHODS[method]
    with stage.undisturbed():
        for watcher in stage.watchers:
            for url in near(watcher.session, stage.stream):
                status = patiently(method, url, body, content_type).status
                # 405 where there is nothing to do.
                assert status in (404, 405), f"{method} {url}: {status}"


def test_guesses_find_nothing(stage, seed):
    rng = random.Random(seed)
    with stage.undisturbed():
        for number in range(GUESSES):
            method = list(METHODS)[number % len(METHODS)]
            url = stage.server.url(f"/whep/{stage.stream}/{rng.randbytes(16).hex()}")
            # 429 and 503: it is not even looked at.
            assert request(method, url, *METHODS[method]).status in (404, 429, 503)
    assert stage.server.stream(stage.stream)["viewers"] == len(stage.watchers)


def test_a_guess_takes_as_long_whether_it_is_near_or_not(stage):
    """Interleaved, and compared with each other: how long the machine takes does not matter. A factor of two would be no secret's doing."""
    session = stage.watchers[0].session
    base, id = session.rsplit("/", 1)
    wrong_at_the_end = f"{base}/{id[:31]}{'0' if id[31] != '0' else '1'}"
    times = {"near": [], "far": []}
    for _ in range(TIMED):
        for name, url in (("near", wrong_at_the_end), ("far", f"{base}/{secrets.token_hex(16)}")):
            began = time.perf_counter()
            assert request("GET", url).status in (404, 429)
            times[name].append(time.perf_counter() - began)
    near_time, far_time = (statistics.median(times[name]) for name in ("near", "far"))
    print(f"\nmedian of a guess: near {1e6 * near_time:.0f} us, far {1e6 * far_time:.0f} us")
    assert 0.5 < near_time / far_time < 2


def test_a_session_belongs_to_its_stream(stage):
    """The id alone is not enough: under another stream's path it names nothing."""
    assert stage.server.put_stream("another").status == 201
    try:
        with stage.undisturbed():
            for watcher in stage.watchers:
                id = watcher.session.rsplit("/", 1)[1]
                for method, (body, content_type) in METHODS.items():
                    assert patiently(method, stage.server.url(f"/whep/another/{id}"), body, content_type).status == 404
    finally:
        stage.server.delete_stream("another")


def test_the_server_tells_no_session_to_those_who_list_streams(stage):
    """Neither the API's reading side, nor the metrics, nor a page, nor the log names a session or a credential of one."""
    viewer = stage.viewer()
    assert viewer.post() == 201
    for secret in (viewer.session.rsplit("/", 1)[1], viewer.remote_pwd, viewer.pwd):
        for path in ("/", "/metrics", "/healthz", "/api/v1/streams", f"/api/v1/streams/{stage.stream}", f"/watch/{stage.stream}"):
            assert secret not in stage.server.get(path).text, path
    assert "Viewer connected" in stage.server.log
    for watcher in [*stage.watchers, viewer]:
        for secret in (watcher.session.rsplit("/", 1)[1], watcher.remote_pwd, watcher.pwd):
            assert secret not in stage.server.log


def test_no_answer_has_anothers_credentials(stage):
    """Two viewers of one stream share a fingerprint and a port, and nothing else."""
    first, second = Scripted(stage.server, stage.stream), Scripted(stage.server, stage.stream)
    try:
        assert first.post() == second.post() == 201
        assert first.remote_ufrag != second.remote_ufrag
        # The one's credentials open nothing of the other's.
        stranger = stage.stranger()
        stranger.say(first.check_message(username=f"{first.remote_ufrag}:{first.ufrag}", password=second.remote_pwd))
        stage.settle()
        assert stranger.heard() == []
    finally:
        first.close()
        second.close()
