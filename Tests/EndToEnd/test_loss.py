"""A link that loses packets of video, and what is missing in the end."""

import rtp
from relay import payload_types

LOSS = 0.05
SECONDS = 20
MISSING_MAX = 0.001

# Beyond those of the viewer without loss beside it, which say what this machine does by itself: three pages that decode at once freeze now
# and then on a busy one, each for itself. Unrepaired loss of this kind freezes a picture several times a second.
FREEZES_MAX = 10
FREEZES_DURATION_MAX = 4.0

# Chromium, which does not know the round trip, asks a second time for a packet only after 100 ms, and no more once the next IDR is there. So
# a repair that is lost too, shortly before an IDR, costs the pictures between. Without repair two pictures of five are not complete.
INCOMPLETE_MAX = 0.1


def test_5_percent_loss_is_repaired_without_a_freeze(server, feed, open_probe, relay_to, library, record_property):
    """Over RTX, and by the same packet again for a viewer that has no RTX; a third one has no loss."""
    feed("lossy", rtp.played(library.numbered(gop_seconds=2)))
    names = ("without loss", "RTX", "same packet")
    probes, relays, video_types = {}, {}, {}
    for number, name in enumerate(names):
        relays[name] = relay_to(server, loss=0.0 if name == "without loss" else LOSS, seed=number)
        probes[name] = open_probe(server)
        answer = probes[name].watch("lossy", through=relays[name], rtx=name != "same packet")
        video_types[name] = payload_types(answer, "video")
        relays[name].lossy = video_types[name]
    assert len(video_types["RTX"]) == 2
    assert len(video_types["same packet"]) == 1
    probes["without loss"].wait_for_pictures(SECONDS * 30)

    # From here on nothing is lost any more, so that what was is repaired or given up.
    for name in names:
        relays[name].lossy = frozenset()
    probes["without loss"].wait_for_pictures(60)
    shown = {name: [picture["number"] for picture in probes[name].shown] for name in names}
    statistics = {name: probes[name].inbound("video") for name in names}
    for name in names:
        counts, figures = relays[name].counts, statistics[name]
        print(
            f"\n{name}: {counts['lost']} of {counts['offered']} packets lost on the link;"
            f" packetsLost {figures['packetsLost']}, retransmitted {figures.get('retransmittedPacketsReceived')},"
            f" NACKs {figures['nackCount']}, PLIs {figures['pliCount']}, freezes {figures['freezeCount']}"
            f" of {figures['totalFreezesDuration']:.2f} s, {figures['framesReceived']} pictures received, {len(shown[name])} shown,"
            f" jitter buffer {1000 * figures['jitterBufferDelay'] / figures['jitterBufferEmittedCount']:.0f} ms"
        )
    reference = statistics["without loss"]
    assert reference["packetsLost"] == 0

    figures = statistics["RTX"]
    assert relays["RTX"].counts["lost"] > 0.7 * LOSS * relays["RTX"].counts["offered"]
    missing = max(0, figures["packetsLost"] - figures["retransmittedPacketsReceived"]) / figures["packetsReceived"]
    print(f"missing after repair over RTX: {100 * missing:.3f} %")
    record_property("missing_rtx_percent", round(100 * missing, 3))
    assert missing < MISSING_MAX

    # Its packets can be told apart on the link: those that passed at least once are there.
    [video] = video_types["same packet"]
    sent, passed = relays["same packet"].offered[video], relays["same packet"].passed[video]
    missing = len(sent - passed) / len(sent)
    print(f"missing after repair by the same packet: {100 * missing:.3f} %")
    record_property("missing_same_packet_percent", round(100 * missing, 3))
    assert missing < MISSING_MAX

    for name in ("RTX", "same packet"):
        figures = statistics[name]
        assert figures["freezeCount"] <= reference["freezeCount"] + FREEZES_MAX, name
        assert figures["totalFreezesDuration"] <= reference["totalFreezesDuration"] + FREEZES_DURATION_MAX, name
        # The first is told of before its pixels are there.
        readable = shown[name][1:]
        assert None not in readable, f"{name}: a damaged picture"
        assert figures["framesReceived"] >= (1 - INCOMPLETE_MAX) * (readable[-1] - readable[0] + 1), f"{name}: pictures never complete"
