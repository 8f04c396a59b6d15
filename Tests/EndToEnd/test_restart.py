"""FFmpeg or the server dies without a goodbye: what a browser sees of it, and what becomes of viewers when FFmpeg does not come back."""

import json
import os
import signal
import time

import pytest

import rtp
import whep
from camera import Camera
from waiting import eventually

GRACE = 2.0

# FFmpeg has to be noticed, started and to reach its first picture, on a machine that does other things too.
RESUME_MAX_MS = 15_000


def test_chromium_plays_on_when_ffmpeg_is_killed(start_egress, open_probe, library, record_property):
    server = start_egress("serve", "--stream", f"cam={library.numbered(gop_seconds=2)}")
    server.wait_until_playable("cam")
    probe = open_probe(server)
    probe.watch("cam")
    probe.wait_for_pictures(60)
    before = probe.inbound("video")
    killed_after = len(probe.shown)
    [ffmpeg] = server.processes("ffmpeg")
    os.kill(ffmpeg, signal.SIGKILL)
    server.wait_for_stream("cam", lambda s: s["statistics"]["video"]["restarts"] == 1, "FFmpeg runs again")
    after_restart = len(probe.shown)
    probe.wait_for_pictures(90)

    shown = probe.shown
    resumed = max(range(killed_after, after_restart + 30), key=lambda i: shown[i]["at"] - shown[i - 1]["at"])
    last, first = shown[resumed - 1], shown[resumed]
    pause = first["at"] - last["at"]
    advance = ((first["timestamp"] - last["timestamp"]) % 2**32) / 90
    figures = probe.inbound("video")
    lost = figures["packetsLost"] - before["packetsLost"]
    print(
        f"\nno picture for {pause:.0f} ms, timestamps went on by {advance:.0f} ms, from picture {last['number']} to {first['number']};"
        f" packetsLost +{lost}, PLIs +{figures['pliCount'] - before['pliCount']}, pictures decoded {figures['framesDecoded']}"
    )
    record_property("resume_ms", round(pause))
    assert pause < RESUME_MAX_MS
    assert abs(advance - pause) < 1000, "the timestamps jump"
    # A jump in the sequence would count thousands; what FFmpeg had half sent when it died is all that may be missing.
    assert lost < 20
    assert None not in [picture["number"] for picture in shown[resumed + 1 :]]
    assert probe.page.evaluate("probe.connection.connectionState") == "connected"


def test_the_player_comes_back_when_the_server_was_killed_and_started_again(start_egress, open_player, library, tmp_path):
    path = tmp_path / "input.mp4"
    path.symlink_to(library.small())
    server = start_egress("serve", "--stream", f"cam={path}")
    server.wait_until_playable("cam")
    player = open_player(server, "cam")
    player.wait_for_picture()
    path.unlink()
    server.kill_alone()
    player.wait_for_state("connecting")

    # It is back before its input is, as it may be with a camera: no reason for the player to give up.
    again = start_egress("serve", "--stream", f"cam={path}", "--http", f"127.0.0.1:{server.ports['http']}")
    assert again.ports["http"] == server.ports["http"]
    eventually(lambda: player.notice == "The stream has no picture yet.", "the player has asked the server")
    path.symlink_to(library.small())
    again.wait_for_stream("cam", lambda s: s.get("viewers_connected") == 1, "the player watches again")
    player.wait_for_state("playing")
    player.wait_for_decoded(30)
    player.wait_for_change()


@pytest.mark.supervision
def test_a_camera_that_comes_back_with_other_tracks_goes_on(start_egress, open_player, library, tmp_path):
    path = tmp_path / "egress.json"
    copy = ["-c:v", "copy"]
    with Camera(library.small(), "-an", *copy) as camera:
        stream = {"input": camera.url, "input_options": ["-analyzeduration", "1000000"]}
        path.write_text(json.dumps({"streams": {"cam": stream}, "egress": {"source_grace_seconds": 60}}))
        server = start_egress("serve", "--config", path)
        assert not server.wait_until_playable("cam")["has_audio"]
        player = open_player(server, "cam")
        player.wait_for_picture()

        # A leg more has to be negotiated: the page connects again by itself.
        camera.set_up(*copy, "-c:a", "copy")
        server.wait_for_stream("cam", lambda s: s["has_audio"] and s["statistics"]["audio"]["active"], "the sound is sent")
        eventually(lambda: player.connections == 2, "the page has connected again")
        player.turn_sound_on()
        player.wait_for_sound()

        camera.set_up("-c:v", "libx265", "-preset", "ultrafast", "-g", "15", "-x265-params", "log-level=none", "-c:a", "copy")
        server.wait_for_log("encoding video: it is hevc")
        player.wait_for_decoded(30)
        player.wait_for_change()

        # A leg less needs nothing: it falls silent.
        camera.set_up("-an", *copy)
        server.wait_for_stream("cam", lambda s: not s["has_audio"] and s["statistics"]["video"]["active"], "the picture is sent without sound")
        player.wait_for_decoded(30)
        player.wait_for_change()
        assert player.connections == 2
        assert player.state == "playing"


@pytest.mark.supervision
def test_a_camera_without_idr_pictures_is_encoded_after_all(start_egress, watch, library):
    # What it calls its keyframes are the beginnings of an intra refresh: nobody can join there.
    refresh = ["-c:v", "libx264", "-preset", "ultrafast", "-bf", "0", "-x264-params", "intra-refresh=1:keyint=30"]
    with Camera(library.small(), "-an", *refresh) as camera:
        server = start_egress("serve", "--stream", f"cam={camera.url}")
        server.wait_for_log("copying video: ")
        server.wait_for_log("encoding video: it has had no IDR picture for 10 s", within=40)
        watch(server, "cam").wait_for_pictures(30)


def test_viewers_are_closed_with_a_reason_when_the_grace_is_over(start_egress, watch, library, tmp_path, artifacts):
    path = tmp_path / "egress.json"
    path.write_text(json.dumps({"egress": {"source_grace_seconds": GRACE}}))
    server = start_egress("serve", "--config", path)
    outputs = server.put_stream("cam").json["outputs"]
    ffmpeg = rtp.FFmpeg.feeding(outputs, artifacts / "grace_ffmpeg.log", rtp.played(library.small()))
    with ffmpeg:
        server.wait_until_playable("cam")
        viewer = watch(server, "cam")
        viewer.wait_for_pictures(5)
        ffmpeg.kill()
        killed = time.monotonic()
    server.wait_for_log("the source stayed silent beyond the grace period", within=20)
    passed = time.monotonic() - killed
    print(f"\nclosed {passed:.1f} s after the source fell silent, grace {GRACE:g} s")
    assert passed > 0.9 * GRACE
    assert server.metric("egress_viewers_closed_total", reason="source_lost") == 1
    viewer.wait_until_closed(within=10)
    assert server.stream("cam")["viewers"] == 0

    # Who comes now is told to come again, and may stay when there is something to see.
    refused = server.post_offer("cam", whep.offer())
    assert refused.status == 409
    assert int(refused.headers["Retry-After"]) > 0
    with rtp.FFmpeg.feeding(outputs, artifacts / "back_ffmpeg.log", rtp.played(library.small())):
        server.wait_for_stream("cam", lambda stream: stream["state"] == "active", "it is back")
        watch(server, "cam").wait_for_pictures(5)
