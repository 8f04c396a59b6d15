"""The second way to the kernel, for machines that forbid io_uring."""

import contextlib
import pathlib

import pytest

SWITCH = pathlib.Path("/proc/sys/kernel/io_uring_disabled")


@contextlib.contextmanager
def io_uring_forbidden():
    before = SWITCH.read_text()
    try:
        SWITCH.write_text("2")
    except OSError as cause:
        pytest.skip(f"io_uring can't be forbidden here: {cause}")
    try:
        yield
    finally:
        SWITCH.write_text(before)


def plays(server, watch):
    server.wait_until_playable("demo")
    viewer = watch(server, "demo")
    viewer.wait_for_pictures(30)
    viewer.wait_for(lambda v: v.audio.count >= 50 and max(v.audio.samples) > 1000, "sound")


def test_the_demo_plays_without_io_uring(start_egress, watch):
    server = start_egress("demo", "--io", "epoll")
    assert server.get("/healthz").json["io"] == "epoll"
    plays(server, watch)


def test_where_the_system_forbids_io_uring_the_log_says_so_and_the_demo_plays(start_egress, watch):
    with io_uring_forbidden():
        server = start_egress("demo", "--io", "auto")
        server.wait_for_log(r"warning.*io_uring.*epoll.*kernel\.io_uring_disabled")
        assert server.get("/healthz").json["io"] == "epoll"
    plays(server, watch)
