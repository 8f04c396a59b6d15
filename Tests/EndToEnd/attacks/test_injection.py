"""A second sender on the loopback ports that FFmpeg feeds (RTP bleed turned round: CVE-2017-14099, CVE-2025-53399).

The worst case: it knows FFmpeg's SSRC, sequence numbers, timestamps and payload types.
"""

import random
import re
import struct
import sys
from pathlib import Path

import pytest

from conftest import FIRST_SEQUENCE, SSRC
from scripted import udp_socket

MARK = b"NOT OF THIS STREAM"
VIDEO, AUDIO = 102, 111


def packet(payload_type, sequence, timestamp=0, ssrc=SSRC, payload=b"\x65" + MARK + bytes(200), marker=1):
    return struct.pack("!BBHII", 0x80, marker << 7 | payload_type, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc) + payload


def sender_report(ssrc=SSRC, ntp=0xDEADBEEF << 32, timestamp=0x7FFFFFFF):
    return struct.pack("!BBHIQIII", 0x80, 200, 6, ssrc, ntp, timestamp, 1, 1)


def goodbye(ssrc=SSRC):
    return struct.pack("!BBHI", 0x81, 203, 1, ssrc)


class Intruder:
    def __init__(self, stage):
        self.stage = stage
        self.socket = udp_socket()
        status = stage.server.stream(stage.stream)
        self.ports = {VIDEO: status["video_port"], AUDIO: status["audio_port"]}

    def say(self, payload_type, *datagrams):
        for datagram in datagrams:
            self.socket.sendto(datagram, ("127.0.0.1", self.ports[payload_type]))

    def next_sequence(self, kind):
        return FIRST_SEQUENCE + self.stage.server.stream(self.stage.stream)["statistics"][kind]["packets"]


@pytest.fixture
def intruder(stage):
    intruder = Intruder(stage)
    marked = []
    for watcher in stage.watchers:
        watcher.inspect = lambda plain: MARK in plain and marked.append(plain)
    yield intruder
    for watcher in stage.watchers:
        watcher.inspect = None
    intruder.socket.close()
    assert marked == [], "a packet of the intruder's reached a viewer"


@pytest.mark.parametrize("ssrc", [SSRC, 0x0BADF00D], ids=["ssrc_of_ffmpeg", "ssrc_of_its_own"])
def test_packets_of_a_second_sender_reach_no_viewer(stage, intruder, ssrc):
    """The very next sequence numbers, in both tracks, while FFmpeg sends."""
    count = 400
    before = stage.stream_dropped("source_stranger")
    with stage.undisturbed():
        for payload_type, kind in ((VIDEO, "video"), (AUDIO, "audio")):
            next_sequence = intruder.next_sequence(kind)
            intruder.say(payload_type, *[packet(payload_type, next_sequence + step, step * 3000, ssrc) for step in range(count)])
        stage.wait_for_more(lambda: stage.stream_dropped("source_stranger"), before, 2 * count, "strangers' packets dropped")


def test_a_goodbye_of_a_second_sender_ends_nothing_and_its_reports_move_no_clock(stage, intruder):
    """A BYE would hand the port over; a report would pull sound and picture apart."""
    reports = {kind: stage.watchers[0].counts["rtcp"] for kind in ("video", "audio")}
    with stage.undisturbed(pictures=40):
        for payload_type in (VIDEO, AUDIO):
            intruder.say(payload_type, *[sender_report(), goodbye(), sender_report() + goodbye()] * 50)
            intruder.say(payload_type, *[packet(payload_type, step) for step in range(100)])
        # A sender report of ours comes every two seconds, or so.
        stage.watchers[0].wait_for(lambda w: w.counts["rtcp"] > reports["video"], "a sender report")
    assert stage.server.stream(stage.stream)["state"] == "active"


@pytest.mark.parametrize(
    "reason, datagram",
    [
        ("source_payload_type", packet(103, 1)),
        ("source_payload_type", packet(0, 1)),
        ("source_stranger", packet(VIDEO, 1, payload=b"\x65" + MARK + bytes(1300))),
        ("source_too_large", packet(VIDEO, 1, payload=b"\x65" + MARK + bytes(1500))),
        ("source_malformed", packet(VIDEO, 1)[:11]),
        ("source_malformed", b"\xbf" + packet(VIDEO, 1)[1:20]),
        ("source_unknown", b"\x00" + packet(VIDEO, 1)[1:]),
        ("source_unknown", b"\x16\xfe\xfd" + bytes(50)),
        ("source_malformed", b"\x80\xc8\xff\xff" + bytes(20)),
    ],
    ids=["payload_type", "payload_type_0", "large", "too_large", "cut_short", "csrcs_that_are_not_there", "stun", "dtls", "report_of_no_length"],
)
def test_what_is_no_packet_of_the_stream_is_counted(stage, intruder, reason, datagram):
    before = stage.stream_dropped(reason)
    status = stage.server.stream(stage.stream)["statistics"]
    for _ in range(50):
        intruder.say(VIDEO, datagram)
    stage.wait_for_more(lambda: stage.stream_dropped(reason), before, 50, reason)
    for watcher in stage.watchers:
        watcher.wait_for_pictures(5)
        assert (watcher.video.missing, watcher.audio.missing, watcher.counts["broken"]) == (0, 0, 0)
    after = stage.server.stream(stage.stream)["statistics"]
    assert [after[kind]["restarts"] for kind in ("video", "audio")] == [status[kind]["restarts"] for kind in ("video", "audio")]


def test_noise_on_the_ports_of_ffmpeg_changes_nothing(stage, intruder, seed):
    rng = random.Random(seed)
    before = stage.dropped()
    with_noise = [rng.randbytes(rng.randrange(1, 1500)) for _ in range(600)]
    missing = stage.server.stream(stage.stream)["statistics"]["video"]["lost"]
    for payload_type in (VIDEO, AUDIO):
        intruder.say(payload_type, *with_noise)
    stage.wait_for_more(stage.dropped, before, 2 * len(with_noise), "datagrams dropped")
    for watcher in stage.watchers:
        watcher.wait_for_pictures(5)
        assert (watcher.video.missing, watcher.audio.missing, watcher.counts["broken"]) == (0, 0, 0)
    assert stage.server.stream(stage.stream)["statistics"]["video"]["lost"] == missing


def test_the_ports_of_ffmpeg_listen_on_loopback_alone(stage, intruder):
    """From anywhere else they can't be reached at all."""
    listening = {}
    for table in ("udp", "udp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            address, port = re.match(r"\s*\d+: ([0-9A-F]+):([0-9A-F]{4})", line).groups()
            listening.setdefault(int(port, 16), set()).add(address)
    # As the kernel writes it: four bytes, as one number of this machine's.
    loopback = f"{int.from_bytes(bytes([127, 0, 0, 1]), sys.byteorder):08X}"
    for port in intruder.ports.values():
        assert listening[port] == {loopback}
