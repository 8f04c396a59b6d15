"""`egress serve` with files: what is copied, what is encoded, and what is said about it."""

import json

import pytest

import media
import rtp


def test_a_file_with_b_frames_and_aac_is_encoded_and_plays_with_sound(start_egress, open_player, library):
    path = library.with_b_frames()
    assert media.video_of(path)["has_b_frames"] > 0
    server = start_egress("serve", "--stream", f"cam={path}")
    server.wait_for_log("encoding video: it has B-frames")
    server.wait_for_log("encoding audio from aac to Opus")
    status = server.wait_until_playable("cam")
    assert not status["has_b_frames"]
    player = open_player(server, "cam")
    player.wait_for_picture()
    assert player.size == (640, 360)
    player.turn_sound_on()
    player.wait_for_sound()
    player.wait_for_decoded(30)
    player.wait_for_change()


def test_a_file_that_browsers_can_play_is_copied(start_egress, open_player, library):
    path = library.copyable()
    assert media.video_of(path)["profile"] == "High"
    server = start_egress("serve", "--stream", f"cam={path}")
    server.wait_for_log("copying video: H.264")
    status = server.wait_until_playable("cam")
    assert (status["format"]["width"], status["format"]["height"]) == (1920, 1080)
    player = open_player(server, "cam")
    player.wait_for_picture()
    assert player.size == (1920, 1080)
    player.turn_sound_on()
    player.wait_for_sound()
    # Past the end of the file, which is played over and over.
    server.wait_for_stream("cam", lambda s: s["statistics"]["pictures"] > 1.2 * 6 * 30, "the file begins again", within=30)
    player.wait_for_decoded(30)
    player.wait_for_change()
    assert player.connections == 1


def test_an_input_that_is_not_there_yet_is_tried_again(start_egress, tmp_path, library):
    path = tmp_path / "late.mp4"
    server = start_egress("serve", "--stream", f"late={path}")
    server.wait_for_log("the input cannot be used yet")
    assert server.stream("late")["supervision"]["problem"]
    path.symlink_to(library.small())
    server.wait_until_playable("late")


def test_a_stream_that_is_removed_ends_and_the_other_plays_on(start_egress, watch, library, artifacts):
    server = start_egress("serve", "--stream", f"gone={library.small()}", "--stream", f"kept={library.small()}")
    server.wait_until_playable("gone")
    server.wait_until_playable("kept")
    leaver, stayer = watch(server, "gone"), watch(server, "kept")
    leaver.wait_for_pictures(5)
    stayer.wait_for_pictures(5)
    before = server.processes("ffmpeg")
    assert len(before) == 2

    assert server.delete_stream("gone").status == 204
    [left] = server.processes("ffmpeg")
    assert left in before
    assert server.stream("gone") is None
    assert server.delete_stream("gone").status == 404
    assert server.metric("egress_viewers_closed_total", reason="stream_stopped") == 1
    leaver.wait_until_closed(within=60)
    assert leaver.leave() == 404
    stayer.wait_for_pictures(30)
    assert stayer.state == "connected"
    assert server.stream("kept")["supervision"]["runs"] == 1

    # Without a stream of its own the server goes on, and the ids are anybody's.
    assert server.delete_stream("kept").status == 204
    assert not server.processes("ffmpeg")
    outputs = server.put_stream("gone").json["outputs"]
    with rtp.FFmpeg.feeding(outputs, artifacts / "removed_ffmpeg.log", rtp.played(library.small())):
        server.wait_until_playable("gone")
        watch(server, "gone").wait_for_pictures(5)


def test_without_ffmpeg_it_says_how_to_install_it(run_egress, library):
    status, said = run_egress("serve", "--ffmpeg", "/nonexistent", "--stream", f"cam={library.small()}")
    assert status == 69
    assert "/nonexistent was not found" in said
    assert "apt-get install ffmpeg" in said


@pytest.mark.parametrize(
    "configuration, field",
    [
        ({"http": 8080}, "http"),
        ({"egress": {"udp_port": "many"}}, "egress.udp_port"),
        ({"egress": {"udp_prot": 8189}}, "egress.udp_prot"),
        ({"streams": {"cam": {"input": "a.mp4", "loop": "yes"}}}, "streams.cam.loop"),
        ({"streams": {"cam": {"input": "a.mp4", "webrtc": {"video_pt": "H264"}}}}, "streams.cam.webrtc.video_pt"),
        ({"streams": {"cam": {"input": "a.mp4", "webrtc": {"video_pt": 70}}}}, "video_pt"),
    ],
)
def test_a_wrong_configuration_is_refused_by_the_name_of_its_field(run_egress, tmp_path, configuration, field):
    path = tmp_path / "egress.json"
    path.write_text(json.dumps(configuration))
    status, said = run_egress("serve", "--config", path)
    assert status == 78
    assert str(path) in said
    assert field in said
