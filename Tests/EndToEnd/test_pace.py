"""Inputs that lie ready, which FFmpeg would read as fast as they come: films and live playlists on a web server, as a browser plays them."""

import subprocess

import pytest
from service import Files, LiveHLS

SECONDS = 8
# Frames of a machine that does other things too; what comes a segment at a time has gaps of seconds.
GAP_MAX_MS = 1500


@pytest.fixture
def folder(library, tmp_path):
    """A film of a minute, and the same in segments of 4 s."""
    command = ["ffmpeg", "-nostdin", "-v", "error", "-i", library.small(), "-c", "copy"]
    subprocess.run([*command, tmp_path / "film.mp4"], check=True, timeout=60)
    subprocess.run([*command, "-f", "segment", "-segment_time", "4", tmp_path / "%d.ts"], check=True, timeout=60)
    return tmp_path


def play(probe, record_property):
    """Watches for a while: the pace of the pictures, 1 being that of the clock, and the longest time without a new one."""
    probe.watch("cam")
    probe.wait_for_pictures(5)
    first = len(probe.shown) - 1
    probe.page.wait_for_timeout(1000 * SECONDS)
    shown = probe.shown[first:]
    took = shown[-1]["at"] - shown[0]["at"]
    pace = ((shown[-1]["timestamp"] - shown[0]["timestamp"]) % 2**32) / 90 / took
    gap = max(after["at"] - before["at"] for before, after in zip(shown, shown[1:]))
    freezes = probe.inbound("video")["freezeCount"]
    print(f"\npace {pace:.3f}, longest gap {gap:.0f} ms, {freezes} freezes, {len(shown)} pictures in {took / 1000:.1f} s")
    record_property("longest_gap_ms", round(gap))
    return pace, gap


def test_a_film_behind_a_link_plays_at_its_pace(start_egress, open_probe, folder, record_property):
    with Files(folder) as web:
        server = start_egress("serve", "--stream", f"cam={web.url('/film.mp4')}")
        server.wait_until_playable("cam")
        pace, gap = play(open_probe(server), record_property)
    assert 0.8 < pace < 1.2
    assert gap < GAP_MAX_MS


def test_a_live_playlist_plays_without_a_freeze(start_egress, open_probe, folder, record_property):
    with LiveHLS(folder, count=15, seconds=4) as web:
        server = start_egress("serve", "--stream", f"cam={web.url('/live.m3u8')}")
        server.wait_until_playable("cam")
        pace, gap = play(open_probe(server), record_property)
    assert 0.8 < pace < 1.2
    assert gap < GAP_MAX_MS
    assert "Stream inactive" not in server.log
