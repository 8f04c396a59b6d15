"""`egress demo`: what somebody sees who has just installed it."""

import numpy
import pytest

from server import Server


@pytest.fixture(scope="module")
def demo(request, artifacts):
    server = Server.start(artifacts / "demo.log", "demo")
    server.wait_until_playable("demo")
    yield server
    server.stop()


def test_the_address_to_open_is_printed(demo):
    assert demo.wait_for_log(rf"Open {demo.url('/watch/demo')} in a browser")


def test_a_viewer_gets_moving_pictures_and_sound(demo, watch):
    viewer = watch(demo, "demo")
    viewer.wait_for_pictures(60)
    assert viewer.video.size == (1280, 720)
    pictures = viewer.video.samples
    assert numpy.ptp(pictures[-1]) > 100, "the picture has hardly any contrast"
    assert any(not numpy.array_equal(a, b) for a, b in zip(pictures, pictures[1:])), "every picture is the same"
    # A beep comes once a second, so a second and a half always holds one.
    viewer.wait_for(lambda v: v.audio.count >= 75, "75 frames of sound")
    assert max(viewer.audio.samples) > 1000, "silence"
    assert min(viewer.audio.samples) < 500, "the pause between two beeps is missing"


def test_chromium_plays_it_with_sound(demo, open_player, artifacts):
    player = open_player(demo, "demo")
    player.wait_for_picture()
    assert player.size == (1280, 720)
    player.wait_for_decoded(30)
    for _ in range(3):
        player.wait_for_change()
    assert player.video("muted"), "nothing may make a noise before somebody asks for it"
    player.turn_sound_on()
    player.wait_for_sound()
    assert player.state == "playing"
    assert player.connections == 1
    player.page.screenshot(path=artifacts / "demo_in_chromium.png")


def test_a_browser_without_h264_plays_it_too(demo, open_player):
    player = open_player(demo, "demo", without="video/H264")
    player.wait_for_picture()
    player.wait_for_change()
    assert player.size == (1280, 720)
    assert player.notice == ""


def test_the_index_lists_it_with_its_viewers(demo, chromium, watch):
    watch(demo, "demo").wait_for_pictures(1)
    page = chromium.new_page()
    try:
        page.goto(demo.url("/"))
        line = page.locator("#streams li", has_text="demo")
        line.get_by_text("active", exact=True).wait_for(timeout=10_000)
        line.get_by_text("viewer").wait_for(timeout=10_000)
        assert line.locator("a").get_attribute("href") == "watch/demo"
    finally:
        page.close()
