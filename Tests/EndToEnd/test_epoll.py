"""The second way to the kernel, for machines that forbid io_uring."""


def test_the_demo_plays_without_io_uring(start_egress, watch):
    server = start_egress("demo", "--io", "epoll")
    assert server.get("/healthz").json["io"] == "epoll"
    server.wait_until_playable("demo")
    viewer = watch(server, "demo")
    viewer.wait_for_pictures(30)
    viewer.wait_for(lambda v: v.audio.count >= 50 and max(v.audio.samples) > 1000, "sound")
