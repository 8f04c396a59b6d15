"""Streams of sound alone, video alone and both, for players that offer either or both, in any order, bundled in any way."""

import itertools
from pathlib import Path

import pytest

import firefox
import gstreamer
import rtp
import whep

PAGE = Path(__file__).with_name("offers.html").read_text(encoding="utf-8")

# All these players have one address.
CONFIGURATION = {"egress": {"limits": {"joins_per_address": {"per_second": 100, "burst": 1000}}}}

STREAMS = {"sound": {"video_map": "none"}, "pictures": {"audio_map": "none"}, "film": {}}
HAS = {"sound": {"audio"}, "pictures": {"video"}, "film": {"video", "audio"}}
ORDERS = [("video",), ("audio",), ("video", "audio"), ("audio", "video")]


@pytest.fixture(scope="module")
def streams(server, library, artifacts):
    """By name, the URL of each one's endpoint."""
    runs = []
    for name, webrtc in STREAMS.items():
        outputs = server.put_stream(name, {"enabled": True, **webrtc}).json["outputs"]
        source = rtp.played(library.long())
        runs.append(rtp.FFmpeg.feeding(outputs, artifacts / f"offers_{name}.log", source))
    for name in STREAMS:
        server.wait_for_stream(name, lambda s: s["state"] == "active" and (s.get("format") or "video" not in HAS[name]), "active")
    yield {name: server.url(f"/whep/{name}") for name in STREAMS}
    for run in runs:
        run.stop()


def _case(url, name, order, **options):
    return {"whep": url, "order": order, "expected": sorted(HAS[name] & set(order)), **options}


def _check(cases, results):
    """Everything that a stream has and a player asked for is decoded; where that is nothing, the player is told."""
    problems = []
    for case, result in zip(cases, results, strict=True):
        status = 201 if case["expected"] else 406
        if result.get("status") != status or result["decoded"] != case["expected"]:
            problems.append(f"{case}\n  {result}")
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("name", STREAMS)
def test_chromium_plays_what_there_is_of_any_offer(name, server, streams, chromium):
    orders = [*ORDERS, ("data", "video", "audio"), ("data", "audio", "video")]
    policies = ["max-bundle", "balanced", "max-compat"]
    cases = [_case(streams[name], name, order, bundlePolicy=p, mids=True) for order, p in itertools.product(orders, policies)]
    # Without mids nothing can be bundled, and a stream that has both would need two transports.
    unbundled = [order for order in ORDERS if len(HAS[name] & set(order)) < 2]
    cases += [_case(streams[name], name, order, bundlePolicy="max-compat", mids=False) for order in unbundled]
    results = _attempt(chromium, server, cases)
    _check(cases, results)
    for case, result in zip(cases, results):
        assert [s.replace("application", "data") for s in result["sections"]] == list(case["order"])


def _attempt(chromium, server, cases):
    page = chromium.new_page()
    page.route("**/offers", lambda route: route.fulfill(body=PAGE, content_type="text/html"))
    page.goto(server.url("/offers"))
    # A gesture, without which a page may make no sound.
    page.mouse.click(5, 5)
    results = page.evaluate("cases => run(cases)", cases)
    page.close()
    return results


WITHOUT_VIDEO = [("video", "audio"), ("audio", "video"), ("data", "video", "audio")]


def test_chromium_hears_the_sound_alone_and_is_told_what_it_cannot_play(server, streams, chromium):
    policies = ["max-bundle", "balanced", "max-compat"]
    cases = [
        _case(streams["film"], "film", order, bundlePolicy=p, mids=True, videoCodec="video/VP8") | {"expected": ["audio"]}
        for order, p in itertools.product(WITHOUT_VIDEO, policies)
    ]
    results = _attempt(chromium, server, cases)
    _check(cases, results)
    for case, result in zip(cases, results):
        assert result["text"].count("\r\na=egress-unplayable:H.264 ") == 1
        media = [kind for kind in case["order"] if kind != "data"]
        assert dict(zip(media, result["directions"])) == {"video": "inactive", "audio": "recvonly"}


def test_firefox_hears_a_stream_whatever_it_offers(streams, artifacts):
    """Sound only, also of a stream with video: without a plugin that is not in its package it has no H.264."""
    orders = [("audio",), ("video", "audio"), ("audio", "video"), ("data", "video", "audio")]
    policies = ["max-bundle", "balanced", "max-compat"]
    cases = [_case(streams["sound"], "sound", order, bundlePolicy=p, mids=True) for order, p in itertools.product(orders, policies)]
    films = [("audio",), ("video", "audio"), ("audio", "video")]
    cases += [_case(streams["film"], "film", order, bundlePolicy="max-bundle", mids=True) | {"expected": ["audio"]} for order in films]
    _check(cases, firefox.run(PAGE, cases, artifacts / "firefox.log"))


def test_aiortc_plays_what_there_is_of_any_offer(streams):
    viewers = {}
    for name, order, policy in itertools.product(streams, ORDERS, whep.POLICIES):
        if HAS[name] & set(order):
            viewers[name, order, policy] = whep.Viewer(streams[name], kinds=order, policy=policy).connect()
    for (name, order, policy), viewer in viewers.items():
        expected = HAS[name] & set(order)
        viewer.wait_for(lambda v: {k for k in v.kinds if v.received(k).count} == expected, f"{name} for {order}, {policy}")
        viewer.leave()
        viewer.close()


def test_aiortc_hears_the_sound_alone_of_what_it_cannot_play(streams):
    for order, policy in itertools.product(WITHOUT_VIDEO[:2], whep.POLICIES):
        with whep.Viewer(streams["film"], kinds=order, policy=policy, codec="VP8") as viewer:
            viewer.wait_for(lambda v: v.audio.count > 0, f"sound for {order}, {policy}")
            assert viewer.video.count == 0
            viewer.leave()


def test_gstreamer_plays_what_there_is_of_any_offer(streams):
    cases = []
    for (name, url), order, policy in itertools.product(streams.items(), ORDERS, gstreamer.POLICIES):
        # Two sections that nothing bundles are two transports: a stream that has both would have to be two.
        if policy not in gstreamer.UNBUNDLED or len(HAS[name] & set(order)) < 2:
            cases.append(_case(url, name, order, policy=policy))
    _check(cases, gstreamer.attempt(cases))


def test_the_page_plays_a_stream_of_sound_alone(server, streams, open_player):
    player = open_player(server, "sound")
    player.wait_for_state("playing")
    player.turn_sound_on()
    player.wait_for_sound()
    assert player.connections == 1
