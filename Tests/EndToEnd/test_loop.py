"""What is played over and over: films whose tracks differ in length, pictures that do not move."""

import subprocess
import time

import pytest

TURN_MS = 3000
TURNS = 3


@pytest.fixture
def short_of_sound(library, tmp_path):
    """Three seconds, the last of which has no sound."""
    sound, film = tmp_path / "sound.mkv", tmp_path / "film.mkv"
    whole = library.numbered(gop_seconds=1, seconds=12)
    command = ["ffmpeg", "-nostdin", "-v", "error"]
    subprocess.run([*command, "-t", "2", "-i", whole, "-vn", "-c", "copy", sound], check=True, timeout=60)
    subprocess.run([*command, "-t", "3", "-i", whole, "-i", sound, "-map", "0:v", "-map", "1:a", "-c", "copy", film], check=True, timeout=60)
    return film


def test_a_film_whose_sound_ends_first_is_played_to_its_end_at_each_turn(start_egress, open_probe, short_of_sound):
    server = start_egress("serve", "--stream", f"cam={short_of_sound}")
    server.wait_for_log("copying video")
    server.wait_until_playable("cam")
    probe = open_probe(server)
    probe.watch("cam")
    probe.wait_for_pictures(60 + 30 * 3 * (TURNS + 1))

    # Not the catch-up of one who has just joined, whose timestamps are those of a sender that hurries.
    shown = [picture for picture in probe.shown[60:] if picture["number"] is not None]
    # A picture stands for the turn that it is in: its number says how far into it.
    begins = [(p["timestamp"] / 90 - p["number"] * 1000 / 30) for p in shown]
    turns = [begins[0]]
    for begin in begins:
        if abs(begin - turns[-1]) > 500:
            turns.append(begin)
    lengths = [after - before for before, after in zip(turns, turns[1:])]
    print(f"\nturns of {', '.join(f'{length:.0f}' for length in lengths)} ms")
    assert len(lengths) >= TURNS
    assert all(abs(length - TURN_MS) < 100 for length in lengths), lengths
    statistics = server.stream("cam")["statistics"]
    assert statistics["video"]["restarts"] == statistics["audio"]["restarts"] == 0


def test_a_still_is_shown_at_a_low_steady_rate(start_egress, watch, tmp_path):
    path = tmp_path / "card.jpg"
    command = ["ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=640x360", "-frames:v", "1", path]
    subprocess.run(command, check=True, timeout=60)
    server = start_egress("serve", "--stream", f"card={path}")
    server.wait_until_playable("card")
    viewer = watch(server, "card")
    viewer.wait_for_pictures(5)
    begin, before = time.monotonic(), viewer.video.count
    viewer.wait_for_pictures(15)
    rate = (viewer.video.count - before) / (time.monotonic() - begin)
    print(f"\n{rate:.1f} pictures a second")
    assert 2 < rate < 10
    assert server.stream("card")["supervision"]["runs"] == 1
