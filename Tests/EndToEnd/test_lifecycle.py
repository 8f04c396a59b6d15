"""Streams come and go, FFmpeg dies, viewers vanish: who notices what, and how soon."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import rtp
import whep
from camera import Camera
from waiting import eventually

VIEWER_PROGRAM = Path(whep.__file__)


def test_five_viewers_are_gone_within_3_s_of_the_stop(server, feed, watch, library):
    feed("five", rtp.played(library.small()))
    viewers = [watch(server, "five") for _ in range(5)]
    for viewer in viewers:
        viewer.wait_for_pictures(10)
    assert server.stream("five")["viewers_connected"] == 5

    stopped = time.monotonic()
    assert server.delete_stream("five").status == 204
    eventually(lambda: server.stream("five") is None, "the stream is not listed any more", within=3)
    eventually(lambda: server.get("/healthz").json["viewers"] == 0, "no viewer is left", within=3)
    assert time.monotonic() - stopped < 3
    assert server.metric("egress_viewers_closed_total", reason="stream_stopped") >= 5
    # The goodbye is one datagram. A client too busy to take it learns of the end when its checks stay unanswered.
    for viewer in viewers:
        viewer.wait_until_closed(within=60)
        assert viewer.leave() == 404


def test_a_viewer_that_leaves_is_gone_at_once_and_disturbs_nobody(server, feed, watch, library):
    feed("leaving", rtp.played(library.small()))
    leaver, stayer = watch(server, "leaving"), watch(server, "leaving")
    leaver.wait_for_pictures(5)
    stayer.wait_for_pictures(5)
    assert leaver.leave() == 200
    server.wait_for_stream("leaving", lambda s: s["viewers"] == 1, "one viewer is left", within=3)
    assert leaver.leave() == 404
    stayer.wait_for_pictures(15)


@pytest.mark.slow
def test_a_viewer_that_vanishes_is_gone_when_its_consent_expires(server, feed, watch, library):
    feed("vanishing", rtp.played(library.small()))
    stayer = watch(server, "vanishing")
    stayer.wait_for_pictures(1)
    process = subprocess.Popen(
        [sys.executable, VIEWER_PROGRAM, server.url("/whep/vanishing")], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout.readline() == "watching\n"
        assert server.stream("vanishing")["viewers"] == 2
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    vanished = time.monotonic()
    server.wait_for_stream("vanishing", lambda s: s["viewers"] == 1, "the viewer that vanished is gone", within=40)
    # RFC 7675: 30 s after its last check, which came at most some seconds before its end.
    assert time.monotonic() - vanished > 15, "given up too early"
    assert server.metric("egress_viewers_closed_total", reason="consent_expired") == 1
    stayer.wait_for_pictures(15)


def test_a_second_start_of_an_id_is_refused_and_the_first_goes_on(server):
    first = server.put_stream("twice")
    assert first.status == 201
    assert set(first.json) == {"id", "video_port", "audio_port", "outputs"}
    assert first.json["audio_port"] == first.json["video_port"] + 1
    second = server.put_stream("twice")
    assert second.status == 409
    assert second.detail == 'webrtc: process "twice" already has an active stream'
    assert server.stream("twice")["video_port"] == first.json["video_port"]
    assert server.delete_stream("twice").status == 204


def test_a_second_stop_finds_nothing(server):
    assert server.put_stream("stopped").status == 201
    assert server.delete_stream("stopped").status == 204
    assert server.delete_stream("stopped").status == 404
    assert server.stream("stopped") is None


def test_an_id_can_be_used_again_after_its_stop(server, feed, watch, library):
    assert server.put_stream("again").status == 201
    assert server.delete_stream("again").status == 204
    feed("again", rtp.played(library.small()))
    watch(server, "again").wait_for_pictures(5)


def test_ffmpeg_killed_comes_back_and_viewers_stay(start_egress, watch, open_player):
    server = start_egress("demo")
    server.wait_until_playable("demo")
    viewer = watch(server, "demo")
    player = open_player(server, "demo")
    player.wait_for_picture()
    viewer.wait_for_pictures(15)
    created = server.metric("egress_viewers_created_total")

    [ffmpeg] = server.processes("ffmpeg")
    os.kill(ffmpeg, signal.SIGKILL)
    server.wait_for_log("FFmpeg was ended by signal 9; it is restarted")
    server.wait_for_stream(
        "demo", lambda s: s["supervision"]["runs"] == 2 and s["statistics"]["video"]["restarts"] == 1, "FFmpeg runs again"
    )
    viewer.wait_for_pictures(45)
    player.wait_for_decoded(45)
    player.wait_for_change()
    assert viewer.state == "connected"
    assert player.connections == 1
    assert server.metric("egress_viewers_created_total") == created
    assert server.stream("demo")["viewers_connected"] == 2


@pytest.mark.supervision
@pytest.mark.parametrize("silent", ["ffmpeg", "input"])
def test_a_run_without_media_is_ended_and_begun_again_and_viewers_stay(start_egress, watch, library, tmp_path, silent):
    path = tmp_path / "egress.json"
    with Camera(library.small(), "-c", "copy") as camera:
        stream = {"input": camera.url, "input_options": ["-analyzeduration", "1000000"], "stale_timeout_seconds": 2}
        path.write_text(json.dumps({"streams": {"cam": stream}}))
        server = start_egress("serve", "--config", path)
        server.wait_until_playable("cam")
        viewer = watch(server, "cam")
        viewer.wait_for_pictures(15)

        [ffmpeg] = server.processes("ffmpeg")
        if silent == "ffmpeg":
            os.kill(ffmpeg, signal.SIGSTOP)
        else:
            # FFmpeg has a time-out of its own for that.
            camera.fall_silent()
        reason = "no media for 2 s" if silent == "ffmpeg" else "FFmpeg exited"
        server.wait_for_stream("cam", lambda s: reason in s["supervision"].get("problem", ""), "the status says why no media comes")
        server.wait_for_stream("cam", lambda s: s["supervision"]["runs"] > 1 and not s["supervision"].get("problem"), "media flows again")
        assert ffmpeg not in server.processes("ffmpeg")
        viewer.wait_for_pictures(45)
        assert viewer.state == "connected"
        assert server.metric("egress_viewers_created_total") == 1


def test_a_server_that_is_killed_leaves_no_ffmpeg_behind(start_egress, library):
    server = start_egress("serve", "--stream", f"cam={library.small()}")
    server.wait_until_playable("cam")
    server.kill_alone()
    eventually(lambda: not server.processes(), "everything it had started is gone", within=10)


def test_the_end_of_the_server_ends_ffmpeg_and_says_goodbye_to_viewers(start_egress, watch, library):
    server = start_egress("serve", "--stream", f"cam={library.small()}")
    server.wait_until_playable("cam")
    viewer = watch(server, "cam")
    viewer.wait_for_pictures(5)
    assert server.processes("ffmpeg")
    began = time.monotonic()
    server.stop()
    # 2 s for viewers to go elsewhere, 5 s for all services.
    assert time.monotonic() - began < 7
    viewer.wait_until_closed(within=10)
