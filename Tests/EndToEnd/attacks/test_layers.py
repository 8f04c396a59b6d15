"""What a viewer of a ladder may say besides: which encoding it wants, and what has arrived. It speaks for itself alone."""

import queue
import random
import time

import pytest

import scripted
from client import request
from waiting import PATIENCE

# What `lit_stage` is fed with: a ladder of two.
WEBRTC = {
    "encodings": [
        {"rid": "high", "width": 320, "height": 180, "bit_rate": 300_000},
        {"rid": "low", "width": 160, "height": 90, "bit_rate": 60_000},
    ]
}

PER_SECOND = 10_000
SECONDS = 3
JSON = "application/json"


@pytest.fixture
def viewer(stage):
    """One that has said what it wants, beside the watchers."""
    viewer = stage.viewer(transport_cc=True).join()
    assert viewer.choose(encodingId="high").status == 200
    return viewer


def told(stage):
    """What every viewer gets, and has chosen."""
    viewers = stage.server.get(f"/api/v1/streams/{stage.stream}/viewers").json["viewers"]
    return sorted((v["id"], v["rid"], v.get("pinned_rid")) for v in viewers)


def layer_of(session):
    return f"{session}/layer"


def test_a_layer_is_chosen_for_a_session_by_its_whole_url_alone(stage, viewer):
    choice = b'{"encodingId": "low"}'
    base, id = viewer.session.rsplit("/", 1)
    near = [f"{base}/{id[:-1]}{'0' if id[-1] != '0' else '1'}", f"{base}/{id[:-1]}", f"{base}/{'0' * 32}", f"{base}/*"]
    near += [viewer.session.replace(f"/{stage.stream}/", "/another/"), viewer.session.replace(f"/{stage.stream}/", f"/{stage.stream}x/")]
    before = told(stage)
    with stage.undisturbed(pictures=3):
        for session in near:
            assert request("POST", layer_of(session), choice, JSON).status == 404, session
    assert told(stage) == before


def test_a_choice_of_what_there_is_not_changes_nothing(stage, viewer):
    url = layer_of(viewer.session)
    wrong = {
        422: [b'{"encodingId": "none"}', b'{"encodingId": ""}', b'{"encodingId": "HIGH"}', b'{"encodingId": "audio"}', b'{"encodingId": "%00"}'],
        400: [b"", b"{", b"[]", b"null", b'"high"', b'{"encodingId": 1}', b'{"encodingId": ["low"]}', b"\xff\xfe", b"[" * 1000],
        413: [b'{"encodingId": "' + b"x" * 5000 + b'"}'],
    }
    before = told(stage)
    with stage.undisturbed(pictures=3):
        for status, bodies in wrong.items():
            for body in bodies:
                assert request("POST", url, body, JSON).status == status, body
        assert request("POST", url, b'{"encodingId": "low"}', "text/plain").status == 415
        for method in ("GET", "PUT", "DELETE", "PATCH"):
            assert request(method, url, b'{"encodingId": "low"}', JSON).status in (404, 405), method
    assert told(stage) == before


def test_choices_without_end_disturb_nobody(stage, viewer):
    """It goes to and fro as fast as it is let."""
    statuses = set()
    with stage.undisturbed():
        for number in range(200):
            statuses.add(request("POST", layer_of(viewer.session), b'{"encodingId": "%s"}' % (b"low", b"high")[number % 2], JSON).status)
        viewer.wait_for_pictures(5)
    assert statuses <= {200, 429}
    assert viewer.video.missing == 0


def test_feedback_about_what_was_never_sent_only_counts(stage, viewer, seed):
    """10,000 packets a second, whose base numbers and times jump; each tells of up to 400 packets."""
    rng = random.Random(seed)
    viewer.choose()
    nonsense = [
        viewer.transport_feedback(rng.randrange(1 << 16), [True] * rng.choice([1, 20, 400]), number, rng.randrange(1 << 24)) for number in range(1000)
    ]
    with stage.undisturbed(), stage.counting(feedback=PER_SECOND):
        began = time.monotonic()
        for number in range(SECONDS * PER_SECOND):
            if (lead := began + number / PER_SECOND - time.monotonic()) > 0:
                time.sleep(lead)
            viewer.say(viewer.feedback(nonsense[number % len(nonsense)]))
        took = time.monotonic() - began
        viewer.wait_for_pictures(3)
    print(f"\n{SECONDS * PER_SECOND / took:.0f} a second")
    assert viewer.video.missing == 0


def test_a_viewer_that_says_that_half_is_lost_gets_less_alone(stage, viewer):
    """All came, and the others' link is the same one."""
    [mine] = [id for id, _, pinned in told(stage) if pinned == "high"]
    viewer.choose()
    numbers = queue.Queue()
    viewer.inspect = lambda packet: numbers.put(scripted.transport_number(packet))
    began = time.monotonic()
    sequence = 0
    with stage.undisturbed(pictures=30):
        while (rids := {id: rid for id, rid, _ in told(stage)})[mine] == "high" and time.monotonic() - began < PATIENCE:
            new = [number for number in (numbers.get(timeout=PATIENCE) for _ in range(10)) if number is not None]
            count = (new[-1] - new[0]) % 65536 + 1
            arrived = [number % 2 == 0 for number in range(count)]
            viewer.say(viewer.feedback(viewer.transport_feedback(new[0], arrived, sequence, int((time.monotonic() - began) / 0.064))))
            sequence += 1
    print(f"\nafter {time.monotonic() - began:.1f} s, {sequence} reports: {rids}")
    assert rids.pop(mine) == "low"
    assert set(rids.values()) == {"high"}
