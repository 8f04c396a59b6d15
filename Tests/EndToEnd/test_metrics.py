"""The metrics, as Prometheus' own tool reads them."""

import subprocess

import rtp


def test_promtool_has_nothing_against_the_metrics(server, feed, watch, library):
    feed("measured", rtp.played(library.small()))
    watch(server, "measured").wait_for_pictures(5)
    metrics = server.get("/metrics").text
    # Families without a sample are left out: with a stream and a viewer all of them are there.
    assert 'egress_stream_gop_seconds{stream="measured"}' in metrics
    check = subprocess.run(["promtool", "check", "metrics"], input=metrics, capture_output=True, text=True)
    assert (check.returncode, check.stdout + check.stderr) == (0, "")
