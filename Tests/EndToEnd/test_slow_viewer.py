"""Viewers that stop reading, beside others."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import rtp
import whep

STOPPED = 3
SECONDS = 10


def test_viewers_that_read_nothing_disturb_nobody(server, feed, open_probe, watch, library):
    feed("beside", rtp.played(library.numbered(gop_seconds=2)))
    command = [sys.executable, Path(whep.__file__), server.url("/whep/beside")]
    sleepers = []
    try:
        for _ in range(STOPPED):
            sleepers.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True))
        for sleeper in sleepers:
            assert sleeper.stdout.readline() == "watching\n"
        probe = open_probe(server)
        probe.watch("beside")
        probe.wait_for_pictures(30)
        other = watch(server, "beside")
        other.wait_for_pictures(5)
        before = probe.inbound("video")
        began = len(probe.shown)
        for sleeper in sleepers:
            os.kill(sleeper.pid, signal.SIGSTOP)
        sent = server.metric("egress_sent_packets_total")
        probe.wait_for_pictures(SECONDS * 30)
        other.wait_for_pictures(30)
        # They are still there, and are still sent to: nothing has noticed yet that they are asleep.
        assert server.stream("beside")["viewers_connected"] == STOPPED + 2
        after = probe.inbound("video")
        shown = probe.shown[began:]
        gap = max(b["at"] - a["at"] for a, b in zip(shown, shown[1:]))
        print(
            f"\nbeside {STOPPED} viewers that read nothing: {after['framesDecoded'] - before['framesDecoded']} pictures,"
            f" {after['packetsLost']} lost, longest gap {gap:.0f} ms, freezes {after['freezeCount'] - before['freezeCount']};"
            f" {server.metric('egress_sent_packets_total') - sent:.0f} packets sent"
        )
        assert after["packetsLost"] == 0
        assert after["nackCount"] == 0
        assert gap < 1000
    finally:
        for sleeper in sleepers:
            sleeper.kill()
            sleeper.wait()
            sleeper.stdout.close()
