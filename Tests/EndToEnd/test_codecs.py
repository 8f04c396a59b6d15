"""What browsers play, codec by codec: pictures and sound that move, a join in the middle of a GOP, loss, another size, and FFmpeg killed.

No browser here decodes H.265 (Chromium does with hardware only), so aiortc receives it and FFmpeg's library decodes it.
"""

import itertools
import json
import os
import shutil
import signal
from pathlib import Path

import numpy
import pytest

import firefox
import media
import rtp
from relay import payload_types
from server import Server
from waiting import eventually

# In the order of preference of the stream that has them all.
CODECS = {"av1": "AV1", "vp9": "VP9", "h265": "H265", "vp8": "VP8", "h264": "H264"}
IN_CHROMIUM = [codec for codec in CODECS if codec != "h265"]
SOUNDS = {"pcmu": "audio/PCMU", "pcma": "audio/PCMA", "g722": "audio/G722"}

LOSS = 0.05
# Packets, of several hundred: a repair that is lost too is asked for again only after 100 ms, and not at all shortly before a key picture.
MISSING_MAX = 3
# In seconds, for a machine that does other things too.
FREEZES_MAX = 1.0
# Silence is noticed after a second, and FFmpeg has to reach its first picture.
RESUME_MAX_MS = 8_000
# Of all packets of a long run.
MISSING_PART_MAX = 0.005
LONG_SECONDS = 120
# Of pictures, for the same reason.
INCOMPLETE_MAX = 0.1

# Where viewers join: in the second GOP of the large pictures, and behind 150 of the small ones, none of which a viewer can begin with.
JOIN_AT = media.TWO_SIZES.gop + 15
SMALL_AT = media.TWO_SIZES.large
JOIN_SMALL_AT = SMALL_AT + 150
ALL = media.TWO_SIZES.large + media.TWO_SIZES.small

PAGE = Path(__file__).with_name("offers.html").read_text(encoding="utf-8")


class Film:
    """A stream that a host's FFmpeg feeds, over and over."""

    def __init__(self, server, stream, webrtc, film, log_path):
        self._server, self._stream = server, stream
        created = server.put_stream(stream, {"enabled": True, **webrtc})
        assert created.status == 201, created
        self._outputs = created.json["outputs"]
        self._film, self._log_path = film, log_path
        self._runs = []
        self.run()
        server.wait_until_playable(stream)

    def run(self):
        source = ["-re", "-stream_loop", "-1", "-i", str(self._film)]
        self._runs.append(rtp.FFmpeg.feeding(self._outputs, f"{self._log_path}_{len(self._runs)}.log", source, media.NEW_FFMPEG))

    def kill(self):
        """And another one takes over, from the film's beginning: as soon as the silence is noticed, which is what a supervisor takes too."""
        self._runs[-1].kill()
        self._server.wait_for_stream(self._stream, lambda s: s["state"] == "inactive", "the silence is noticed")
        self.run()
        self._server.wait_for_stream(self._stream, lambda s: s["statistics"]["video"]["restarts"] == 1, "FFmpeg runs again")

    def close(self):
        for run in self._runs:
            run.stop()
        self._server.delete_stream(self._stream)


@pytest.fixture
def begin(server, artifacts):
    films = []

    def start(stream, webrtc, film):
        films.append(Film(server, stream, webrtc, film, artifacts / f"codec_{stream}"))
        return films[-1]

    yield start
    for film in films:
        film.close()


@pytest.fixture
def play(begin, library):
    """Begins the film of one codec, which is sent as it is."""

    def start(codec):
        webrtc = {"audio_map": "none", "encodings": [{"rid": "main", "codec": codec, "copy": True}]}
        return begin(codec, webrtc, library.in_two_sizes(codec))

    return start


def size_of(number):
    return (640, 360) if number < SMALL_AT else (480, 320)


def pictures_between(first, last):
    """How many the film has from the one to the other, by their timestamps."""
    return ((last["timestamp"] - first["timestamp"]) % 2**32) / (90_000 / media.RATE) + 1


def missing_of(figures):
    """Packets that repair over RTX has not brought."""
    return figures["packetsLost"] - figures["retransmittedPacketsReceived"]


def wait_until(number, begin, end):
    """A viewer sees a picture of this part of the film; `number` gives that of its newest one, or None."""
    eventually(lambda: number() in range(begin, end), f"picture {begin} of the film", every=0.02)


@pytest.mark.parametrize("codec", IN_CHROMIUM)
def test_chromium_plays_on(codec, server, play, open_probe, relay_to, record_property):
    """Through a join in the middle of a GOP, 5 % loss, another size, many small pictures and the end of FFmpeg."""
    relay = relay_to(server, loss=LOSS)
    settled, lossy, late = (open_probe(server) for _ in range(3))
    film = play(codec)
    settled.watch(codec)
    wait_until(settled.number, JOIN_AT, SMALL_AT - 30)
    relay.lossy = payload_types(lossy.watch(codec, through=relay), "video")
    wait_until(settled.number, JOIN_SMALL_AT, ALL - 30)
    late.watch(codec)
    late.wait_for_pictures(30)

    # From here on nothing is lost any more, so that what was is repaired or given up.
    relay.lossy = frozenset()
    lossy.wait_for_pictures(60)
    # The very first is told of before its pixels are there.
    first, first_small = lossy.shown[1], late.shown[1]
    figures = {name: probe.inbound("video") for name, probe in [("settled", settled), ("lossy", lossy), ("late", late)]}
    last = lossy.shown[-1]
    film.kill()
    killed_at = {probe: len(probe.shown) for probe in (settled, lossy, late)}
    for probe in killed_at:
        probe.wait_for_pictures(45)

    span = pictures_between(first, last)
    counts, loss = relay.counts, figures["lossy"]
    missing = missing_of(loss)
    gap = max(b["at"] - a["at"] for a, b in itertools.pairwise(settled.shown))
    print(
        f"\n{codec}: {counts['lost']} of {counts['offered']} packets lost on the link, {missing} missing after repair, NACKs"
        f" {loss['nackCount']}, PLIs {loss['pliCount']}; {loss['framesReceived']} of {span:.0f} pictures received; joined at picture"
        f" {first['number']} and {first_small['number']}; keys of the settled viewer {figures['settled']['keyFramesDecoded']}, freezes"
        f" {figures['settled']['freezeCount']}; longest gap {gap:.0f} ms"
    )
    record_property(f"missing_{codec}", missing)
    for name, probe in [("settled", settled), ("lossy", lossy), ("late", late)]:
        assert figures[name]["mimeType"] == f"video/{CODECS[codec]}"
        shown = probe.shown[1:]
        assert None not in [p["number"] for p in shown], f"{name}: a damaged picture"
        assert all(tuple(p["size"]) == size_of(p["number"]) for p in shown), f"{name}: a picture of another size"
        assert any(p["number"] < SMALL_AT for p in shown[killed_at[probe] :]), f"{name}: not the film's beginning again"
        assert probe.page.evaluate("probe.connection.connectionState") == "connected"
    # Those that join begin with what was there.
    assert media.TWO_SIZES.gop <= first["number"] < SMALL_AT, "it waited for a key picture"
    assert SMALL_AT <= first_small["number"] < ALL, "it waited for a key picture"

    assert gap < RESUME_MAX_MS
    assert figures["settled"]["packetsLost"] == 0
    assert figures["settled"]["pliCount"] == 0
    assert figures["late"]["packetsLost"] == 0
    # Key pictures are told from the others: three in a turn of the film.
    turns = figures["settled"]["framesDecoded"] / ALL
    assert figures["settled"]["keyFramesDecoded"] <= 3 * (turns + 1)
    assert counts["lost"] > 0.6 * LOSS * counts["offered"] > 10
    assert missing <= MISSING_MAX
    assert loss["framesReceived"] >= (1 - INCOMPLETE_MAX) * span


@pytest.mark.long
@pytest.mark.parametrize("codec", IN_CHROMIUM)
def test_chromium_plays_through_two_minutes_of_loss(codec, server, play, open_probe, relay_to, record_property):
    """Across ten changes of size and as many long runs of small pictures."""
    relay = relay_to(server, loss=LOSS)
    probe = open_probe(server)
    play(codec)
    relay.lossy = payload_types(probe.watch(codec, through=relay), "video")
    probe.wait_for_pictures(LONG_SECONDS * media.RATE, within=2 * LONG_SECONDS)
    relay.lossy = frozenset()
    probe.wait_for_pictures(60)
    shown, figures = probe.shown[1:], probe.inbound("video")
    missing, span = missing_of(figures), pictures_between(shown[0], shown[-1])
    print(
        f"\n{codec}: {relay.counts['lost']} of {relay.counts['offered']} packets lost on the link, {missing} missing after repair, PLIs"
        f" {figures['pliCount']}; {figures['framesReceived']} of {span:.0f} pictures received; freezes {figures['freezeCount']} of"
        f" {figures['totalFreezesDuration']:.2f} s"
    )
    record_property(f"missing_{codec}_long", missing)
    beside = [(before["number"], after["number"], after["size"]) for before, after in itertools.pairwise(shown)]
    damaged = [numbers for numbers in beside if None in numbers]
    assert not damaged, f"damaged pictures, beside their neighbours: {damaged}"
    assert all(tuple(p["size"]) == size_of(p["number"]) for p in shown), "a picture of another size"
    assert missing <= MISSING_PART_MAX * figures["packetsReceived"]
    assert figures["framesReceived"] >= (1 - INCOMPLETE_MAX) * span


def test_every_h265_picture_is_decoded(server, play, watch, relay_to):
    """By FFmpeg's library, from what aiortc receives: through the same as in Chromium. Not one picture may be missing.

    Repairs are not lost: aiortc asks again only when it misses something else.
    """
    relay = relay_to(server, loss=LOSS, loses_repairs=False)
    film = play("h265")
    settled = watch(server, "h265", kinds=("video",), codec="H265", read=media.number_of)
    wait_until(lambda: newest(settled), JOIN_AT, SMALL_AT - 30)
    lossy = watch(server, "h265", kinds=("video",), codec="H265", read=media.number_of, through=relay)
    relay.lossy = payload_types(lossy.answer, "video")
    wait_until(lambda: newest(settled), JOIN_SMALL_AT, ALL - 30)
    late = watch(server, "h265", kinds=("video",), codec="H265", read=media.number_of)
    late.wait_for_pictures(60)
    relay.lossy = frozenset()
    lossy.wait_for_pictures(60)
    first_runs = {viewer: len(viewer.video.readings) for viewer in (settled, lossy, late)}
    film.kill()
    for viewer in first_runs:
        viewer.wait_for_pictures(60)

    print(f"\nh265: {relay.counts['lost']} of {relay.counts['offered']} packets lost on the link, {lossy.video.count} pictures decoded")
    assert relay.counts["lost"] > 0.6 * LOSS * relay.counts["offered"] > 10
    for viewer, count in first_runs.items():
        readings = viewer.video.readings
        assert None not in readings, "a damaged picture"
        before = readings[:count]
        assert before == [(before[0] + i) % ALL for i in range(count)], "pictures are missing"
        assert 0 in readings[count:], "not the film's beginning again"
        assert viewer.state == "connected"
    assert settled.video.readings[0] == 0
    assert lossy.video.readings[0] == media.TWO_SIZES.gop
    assert late.video.readings[0] == SMALL_AT


def newest(viewer):
    return viewer.video.readings[-1] if viewer.video.readings else None


PICTURES = 45
# The default of encodings, and that of the film, which one of them is.
GOP_MS = 2000


@pytest.fixture(scope="module")
def every(library, artifacts, tmp_path_factory):
    """`egress serve` with a stream of every codec, made of one film by an FFmpeg that can make all of them."""
    path = tmp_path_factory.mktemp("every") / "egress.json"
    webrtc = {"encodings": [{"rid": f"as-{codec}", "codec": codec} for codec in CODECS]}
    path.write_text(json.dumps({"streams": {"every": {"input": str(library.small()), "webrtc": webrtc}}}))
    server = Server.start(artifacts / "every.log", "serve", "--config", str(path), "--ffmpeg", media.NEW_FFMPEG, "--ffprobe", shutil.which("ffprobe"))
    server.wait_until_all_play("every")
    yield server
    server.stop()


def test_chromium_plays_each_encoding_of_a_stream(every, open_probe):
    probes = {codec: open_probe(every) for codec in IN_CHROMIUM}
    for codec, probe in probes.items():
        probe.watch("every", codec=f"video/{CODECS[codec]}")
    for codec, probe in probes.items():
        probe.wait_for_pictures(PICTURES)
        figures = probe.inbound("video")
        print(f"\n{codec}: {figures['framesDecoded']} pictures, {figures['freezeCount']} freezes of {figures['totalFreezesDuration']:.2f} s")
        assert figures["mimeType"] == f"video/{CODECS[codec]}"
        assert figures["totalFreezesDuration"] < FREEZES_MAX
        assert (figures["frameWidth"], figures["frameHeight"]) == (320, 180)
        assert probe.inbound("audio")["mimeType"] == "audio/opus"

    viewers = every.get("/api/v1/streams/every/viewers").json["viewers"]
    assert sorted((v["rid"], v["codec"]) for v in viewers) == sorted((f"as-{codec}", codec) for codec in IN_CHROMIUM)


def test_a_stream_tells_of_its_encodings(every):
    # The first is too short: FFmpeg reads the first half second of a film at once.
    def is_known(encoding):
        return encoding["bit_rate"] and abs(encoding["gop_ms"] - GOP_MS) < 0.2 * GOP_MS

    status = every.wait_for_stream("every", lambda s: all(map(is_known, s["encodings"])), "bit rate and GOP of each")
    encodings = status["encodings"]
    assert [(e["rid"], e["codec"]) for e in encodings] == [(f"as-{codec}", codec) for codec in CODECS]
    assert {"rid", "codec", "port", "active", "format", "bit_rate", "gop_ms"} <= encodings[0].keys()
    assert all(e["active"] and (e["format"]["width"], e["format"]["height"]) == (320, 180) for e in encodings)
    ports = [e["port"] for e in encodings] + [status["audio_port"]]
    assert len(set(ports)) == len(ports)
    assert (status["video_port"], status["format"]) == (encodings[0]["port"], encodings[0]["format"])


def test_aiortc_decodes_h265_that_was_encoded_here(every, watch):
    viewer = watch(every, "every", codec="H265")
    viewer.wait_for_pictures(PICTURES)
    assert viewer.video.size == (320, 180)
    assert any(not numpy.array_equal(a, b) for a, b in itertools.pairwise(viewer.video.samples)), "every picture is the same"


@pytest.mark.parametrize("codec", SOUNDS)
def test_chromium_hears_it_also_when_ffmpeg_was_killed(codec, server, begin, open_player, library):
    film = begin(codec, {"audio_codec": codec}, library.small())
    player = open_player(server, codec)
    player.turn_sound_on()
    player.wait_for_sound()
    assert player.inbound("audio")["mimeType"] == SOUNDS[codec]
    film.kill()
    server.wait_for_stream(codec, lambda s: s["statistics"]["audio"]["restarts"] == 1, "the sound comes from the next FFmpeg")
    player.wait_for_sound()
    assert player.connections == 1


@pytest.mark.supervision
def test_firefox_plays_vp8_where_it_lacks_the_first_encoding_and_stays_when_ffmpeg_is_killed(start_egress, library, artifacts, tmp_path):
    path = tmp_path / "egress.json"
    webrtc = {"encodings": [{"rid": "h264", "codec": "h264"}, {"rid": "vp8", "codec": "vp8"}]}
    path.write_text(json.dumps({"streams": {"cam": {"input": str(library.small()), "webrtc": webrtc}}}))
    server = start_egress("serve", "--config", path)
    server.wait_until_all_play("cam")
    seen = []

    def kill():
        seen.extend(server.get("/api/v1/streams/cam/viewers").json["viewers"])
        [ffmpeg] = server.processes("ffmpeg")
        os.kill(ffmpeg, signal.SIGKILL)
        server.wait_for_stream("cam", lambda s: s["statistics"]["video"]["restarts"] == 1, "FFmpeg runs again")

    case = {"whep": server.url("/whep/cam"), "order": ["video", "audio"], "bundlePolicy": "max-bundle", "mids": True, "stays": 30}
    [result] = firefox.run(PAGE, [case | {"expected": ["audio", "video"]}], artifacts / "firefox_codecs.log", meanwhile=kill)
    print(f"\n{result}")
    assert result["decoded"] == ["audio", "video"]
    assert result["video"]["codec"] == "video/VP8"
    assert result["state"] == "connected"
    assert [(v["rid"], v["codec"]) for v in seen] == [("vp8", "vp8")]


@pytest.mark.supervision
def test_the_page_plays_vp8(start_egress, open_player, library, artifacts, tmp_path):
    path = tmp_path / "egress.json"
    webrtc = {"encodings": [{"rid": "vp8", "codec": "vp8"}]}
    path.write_text(json.dumps({"streams": {"cam": {"input": str(library.small()), "webrtc": webrtc}}}))
    server = start_egress("serve", "--config", path)
    server.wait_until_playable("cam")
    player = open_player(server, "cam")
    player.wait_for_picture()
    player.wait_for_decoded(30)
    player.wait_for_change()
    assert player.inbound("video")["mimeType"] == "video/VP8"
    assert player.state == "playing"
