"""What must not work, and must not harm what does."""

import random
import time

import pytest

import rtp
import whep
from waiting import eventually

OFFER_SIZE_MAX = 64 * 1024


@pytest.fixture(scope="module")
def offer():
    return whep.offer()


@pytest.fixture
def playing(server, feed, watch, library):
    """A stream and a viewer who watches it."""
    feed("playing", rtp.played(library.small()))
    viewer = watch(server, "playing")
    viewer.wait_for_pictures(5)
    return viewer


# Offers.


def test_an_unknown_stream_is_not_found(server, offer):
    response = server.post_offer("nobody", offer)
    assert response.status == 404
    assert "nobody" in response.detail


def test_an_offer_of_another_type_is_refused(server, feed, library, offer):
    feed("offers", rtp.played(library.small()))
    for content_type in ("application/json", "text/plain", None):
        assert server.post_offer("offers", offer, content_type).status == 415, content_type
    assert server.post_offer("offers", "hello").status == 400
    assert server.post_offer("offers", "").status == 400
    assert server.post_offer("offers", offer[: len(offer) // 3]).status in (400, 422)
    # Just as long as is allowed: read, and found to be no SDP. One byte more: not even read.
    assert server.post_offer("offers", "x" * OFFER_SIZE_MAX).status == 400
    assert server.post_offer("offers", "x" * (OFFER_SIZE_MAX + 1)).status == 413
    assert server.stream("offers")["viewers"] == 0


def test_an_offer_without_a_common_codec_is_refused_naming_both_sides(server, feed, library):
    feed("codecs", rtp.played(library.small()))
    response = server.post_offer("codecs", whep.offer(codec="VP8", kinds=("video",)))
    assert response.status == 422
    assert "H.264" in response.detail
    assert "VP8" in response.detail
    assert server.stream("codecs")["viewers"] == 0


# Configurations.


@pytest.mark.parametrize(
    "webrtc, field",
    [
        ({"video_pt": 70}, "video_pt"),
        ({"audio_pt": 64}, "audio_pt"),
        ({"audio_pt": 95}, "audio_pt"),
        ({"video_pt": 200}, "video_pt"),
        ({"video_pt": -1}, "video_pt"),
        ({"video_pt": 100, "audio_pt": 100}, "audio_pt"),
        ({"audio_pt": 102}, "audio_pt"),
        ({"video_pt": "102"}, "video_pt"),
        ({"vidoe_pt": 102}, "vidoe_pt"),
    ],
)
def test_a_wrong_payload_type_is_refused_by_the_name_of_its_field(server, webrtc, field):
    response = server.put_stream("refused", webrtc)
    assert response.status == 400
    assert field in response.detail
    assert server.stream("refused") is None


@pytest.mark.parametrize("webrtc", [{"video_pt": 63, "audio_pt": 96}, {"video_pt": 127, "audio_pt": 0}])
def test_payload_types_at_the_bounds_are_taken(server, webrtc):
    assert server.put_stream("bounds", webrtc).status == 201
    assert server.delete_stream("bounds").status == 204


# Media.


def test_b_frames_that_a_host_copies_are_told_to_the_one_who_can_mend_it(server, feed, library, chromium):
    feed("b-frames", rtp.played(library.with_b_frames()))
    server.wait_for_stream("b-frames", lambda s: s["has_b_frames"], "B-frames are found", within=10)
    server.wait_for_log("warning.*id=b-frames.*B-frames.*force_transcode", within=10)
    assert server.metric("egress_stream_bframes", stream="b-frames") == 1
    page = chromium.new_page()
    page.goto(server.url("/watch/b-frames"))
    page.get_by_text("force_transcode").wait_for(timeout=10_000)
    page.goto(server.url("/"))
    page.locator("#streams li", has_text="b-frames").get_by_text("B-frames", exact=True).wait_for(timeout=10_000)
    page.close()


# Datagrams.


def counted_within(server, before, count, name, **labels):
    eventually(lambda: server.metric(name, **labels) >= before + count, f"{count} more in {name} {labels}", within=10)


@pytest.mark.parametrize(
    "reason, datagram",
    [
        ("unknown", b"\x50" + bytes(60)),
        ("stun_malformed", b"\x00\x01\x00\x08\x21\x12\xa4\x42" + bytes(12)),
        ("unvalidated", b"\x16\xfe\xfd" + bytes(60)),
        ("unvalidated", rtp.rtp_packet(102, 1)),
        ("unvalidated", b"\x81\xce\x00\x02" + bytes(8)),
    ],
    ids=["nothing_known", "stun_cut_short", "dtls_of_a_stranger", "srtp_of_a_stranger", "srtcp_of_a_stranger"],
)
def test_a_datagram_that_does_not_belong_here_is_counted(server, reason, datagram):
    before = server.metric("egress_dropped_total", reason=reason)
    rtp.send(server.ports["udp"], [datagram] * 20)
    counted_within(server, before, 20, "egress_dropped_total", reason=reason)


def test_garbage_on_every_port_is_dropped_and_the_stream_plays_on(server, playing):
    status = server.stream("playing")
    rng = random.Random(1)
    # Every first byte, since it decides which parser sees the rest; every length up to what a header needs; none at all.
    garbage = [b"", *(bytes([first]) + rng.randbytes(rng.randrange(80)) for first in range(256))]
    garbage += [rng.randbytes(size) for size in (1500, 2048, 9000, 65000)]
    began = time.monotonic()
    dropped = server.metric("egress_dropped_total")
    for port in (server.ports["udp"], status["video_port"], status["audio_port"]):
        rtp.send(port, garbage)
    counted_within(server, dropped, 3 * 200, "egress_dropped_total")
    playing.wait_for_pictures(30)
    assert playing.video.longest_gap(since=began) < 2
    assert server.stream("playing")["statistics"]["video"]["restarts"] == 0


def test_a_stray_sender_changes_nothing(server, feed, watch, artifacts):
    """The stream is blue, the stray sender red: one red picture would be one too many."""

    def pattern(color):
        encoder = ["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-profile:v", "baseline", "-g", "15"]
        return ["-re", "-f", "lavfi", "-i", f"color={color}:size=320x180:rate=15"], encoder

    source, _ = pattern("blue")
    status = feed("blue", source, {"force_transcode": True, "audio_map": "none"})
    viewer = watch(server, "blue")
    viewer.wait_for_pictures(15)
    began = time.monotonic()

    source, encoder = pattern("red")
    address = f"udp://127.0.0.1:{status['video_port']}?pkt_size=1160"
    stray = ["-payload_type", "102", "-f", "rtp", address]
    name = {"stream": "blue", "reason": "source_stranger"}
    with rtp.FFmpeg([*source, *encoder, *stray], artifacts / "stray_sender.log"):
        counted_within(server, 0, 50, "egress_stream_dropped_total", **name)
        viewer.wait_for_pictures(30)
    viewer.wait_for_pictures(30)

    assert viewer.video.longest_gap(since=began) < 1.5
    for picture in viewer.video.samples[15:]:
        red, _, blue = picture.reshape(-1, 3).mean(axis=0)
        assert blue > 200 and red < 50, "a picture of the stray sender"
    assert server.stream("blue")["statistics"]["video"]["restarts"] == 0
