"""What comes in where only SRTCP should (CVE-2021-41105, CVE-2021-43804, AST-2017-008), and viewers that ask for too much."""

import os
import random
import struct
import time

import rtp

# Of limits.h: EG_REPAIR_RATE and EG_REPAIR_BURST, in packets; EG_BURST_AGAIN, in seconds.
REPAIRS_PER_SECOND, REPAIRS_AT_ONCE = 500, 250
BURST_AGAIN = 1.0

GARBAGE = 1500


def srtp_like(rng, ssrc, size):
    return struct.pack("!BBHII", 0x80, rng.choice([102, 111, 0, 127]), rng.randrange(1 << 16), rng.randrange(1 << 32), ssrc) + rng.randbytes(size)


def srtcp_like(rng, ssrc, size):
    body = struct.pack("!BBHI", 0x80 | rng.randrange(32), rng.randrange(192, 224), rng.randrange(400), ssrc) + rng.randbytes(size)
    return body[: rng.randrange(2, len(body) + 1)]


def test_garbage_in_a_viewers_name_only_counts(stage, seed):
    """From its own socket, so its address is validated and its session is the one that is meant."""
    rng = random.Random(seed)
    watcher = stage.watchers[0]
    ssrcs = [0, 1, watcher.video.ssrc, watcher.audio.ssrc, 0xFFFFFFFF]
    for _ in range(3):
        media = [srtp_like(rng, rng.choice(ssrcs), rng.randrange(300)) for _ in range(GARBAGE // 3)]
        reports = [srtcp_like(rng, rng.choice(ssrcs), rng.randrange(300)) for _ in range(GARBAGE // 3)]
        with stage.undisturbed(pictures=3), stage.counting(media_from_viewer=len(media), srtcp_rejected=len(reports)):
            for pair in zip(media, reports):
                watcher.say(*pair)


def test_garbage_of_strangers_only_counts(stage, seed):
    rng = random.Random(seed)
    watcher = stage.watchers[0]
    strangers = [stage.stranger("127.0.3.3", watcher.address[1]), *stage.strangers(5)]
    for stranger in strangers:
        garbage = [srtp_like(rng, watcher.video.ssrc, 100) for _ in range(100)]
        garbage += [srtcp_like(rng, watcher.video.ssrc, 100) for _ in range(100)]
        with stage.undisturbed(pictures=1), stage.counting(unvalidated=len(garbage)):
            stranger.say(*garbage)
    stage.settle()
    assert not any(stranger.heard() for stranger in strangers)


def test_a_report_that_was_said_before_is_heard_once(stage):
    """A recorded NACK, replayed, asks for nothing."""
    watcher = stage.watchers[0]
    before = stage.total("repairs_sent")
    asked = watcher.feedback(watcher.nack(watcher.video.highest - 4, bitmask=0))
    watcher.say(asked)
    stage.wait_for_more(lambda: stage.total("repairs_sent"), before, 1, "packet sent again")
    with stage.undisturbed(), stage.counting(srtcp_rejected=300):
        watcher.say(*[asked] * 300)
    assert stage.total("repairs_sent") == before + 1


def test_a_report_with_one_bit_changed_is_heard_never(stage):
    watcher = stage.watchers[0]
    before = stage.total("repairs_sent")
    with stage.undisturbed(), stage.counting(srtcp_rejected=200):
        for bit in range(200):
            report = bytearray(watcher.feedback(watcher.nack(watcher.video.highest - 4, bitmask=0)))
            # The first two bytes say what kind of datagram it is; behind them each bit is under the tag.
            at = 16 + bit % (8 * len(report) - 16)
            report[at // 8] ^= 0x80 >> at % 8
            watcher.say(report)
    assert stage.total("repairs_sent") == before


def test_a_goodbye_in_plain_rtcp_ends_nothing(stage):
    """CVE-2021-43804 and its like: the way out must not be open to whoever knows an SSRC."""
    watcher = stage.watchers[0]
    bye = struct.pack("!BBHI", 0x81, 203, 1, watcher.video.ssrc)
    with stage.undisturbed(), stage.counting(srtcp_rejected=50):
        watcher.say(*[bye + os.urandom(size) for size in range(50)])


def test_authentic_reports_may_say_anything(stage, seed):
    """A viewer with keys writes RTCP that is none: lengths that lie, counts of what isn't there, kinds nobody knows."""
    rng = random.Random(seed)
    viewer = stage.viewer().join()
    for _ in range(10):
        reports = []
        for _ in range(100):
            blocks = []
            for _ in range(rng.randrange(4)):
                size = rng.choice([0, 1, 2, 3, 7, 40, 0xFFFF])
                ssrc = rng.choice([viewer.video.ssrc, viewer.audio.ssrc, rng.randrange(1 << 32)])
                head = struct.pack("!BBHI", 0x80 | rng.randrange(64), rng.randrange(192, 224), size, rng.randrange(1 << 32))
                blocks.append(head + struct.pack("!I", ssrc) + rng.randbytes(4 * rng.randrange(12)))
            reports.append(viewer.feedback(*blocks))
        with stage.undisturbed(pictures=1):
            viewer.say(*reports)
            viewer.wait_for_pictures(1)
    assert viewer.video.missing == 0


def test_a_viewer_that_asks_for_everything_again_gets_its_budget_and_no_more(stage):
    """Its feedback is authentic; what it may make the server send is bounded, and the others have theirs."""
    viewer = stage.viewer().join()
    viewer.wait_for_pictures(30)
    sent, denied, began = stage.total("repairs_sent"), stage.total("repairs_refused"), time.monotonic()
    with stage.undisturbed():
        for _ in range(20):
            for back in range(17, 17 * 8, 17):
                viewer.say(viewer.feedback(*[viewer.nack(viewer.video.highest - back)] * 4))
        stage.wait_for_more(lambda: stage.total("repairs_refused"), denied, 100, "repairs refused")
        stage.settle()
    elapsed = time.monotonic() - began
    print(f"\n{20 * 8 * 4 * 17} packets asked for, {stage.total('repairs_sent') - sent:.0f} sent again in {elapsed:.1f} s")
    assert stage.total("repairs_sent") - sent <= REPAIRS_AT_ONCE + REPAIRS_PER_SECOND * elapsed
    assert viewer.video.missing == 0


def test_a_viewer_that_asks_for_pictures_without_end_gets_one_a_second(stage):
    viewer = stage.viewer().join()
    before, began = stage.total("bursts_begun"), time.monotonic()
    with stage.undisturbed():
        for _ in range(500):
            viewer.say(viewer.feedback(viewer.pli()))
        viewer.wait_for_pictures(5)
        stage.settle()
    assert stage.total("bursts_begun") - before <= 2 + (time.monotonic() - began) / BURST_AGAIN


def test_media_of_a_viewer_reaches_nobody(stage):
    """It sends RTP that would pass on FFmpeg's port."""
    viewer = stage.viewer().join()
    with stage.undisturbed(), stage.counting(media_from_viewer=200):
        viewer.say(*[rtp.rtp_packet(102, number, viewer.video.ssrc) for number in range(200)])
    assert stage.server.stream(stage.stream)["statistics"]["video"]["restarts"] == 0
