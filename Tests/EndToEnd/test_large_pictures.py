"""IDRs that are several times what a browser's socket holds."""

import rtp

SECONDS = 8
FRAMES_PER_SECOND = 15


def test_idrs_of_1500_kilobytes_play_smoothly_from_the_first_one_on(server, feed, open_player, library, record_property):
    feed("large", rtp.played(library.with_large_idrs()))
    player = open_player(server, "large")
    player.wait_for_picture()
    first = player.first_picture_ms()
    # The page stays as long as it takes, for a machine on which other things run; what counts is what was lost of it.
    player.wait_for_decoded(SECONDS * FRAMES_PER_SECOND, within=2 * SECONDS)
    video = player.inbound("video")
    record_property("first_picture_large_ms", round(first))
    print(
        f"\nfirst picture after {first:.0f} ms; {video['framesDecoded']} pictures, {video['keyFramesDecoded']} of them IDRs, freezes"
        f" {video['freezeCount']}; {video['packetsReceived']} packets, {video['packetsLost']} lost; NACKs {video['nackCount']},"
        f" PLIs {video['pliCount']}; repairs {server.metric('egress_repairs_sent_total'):.0f} sent,"
        f" {server.metric('egress_repairs_refused_total'):.0f} refused;"
        f" {server.metric('egress_pictures_incomplete_total'):.0f} pictures incomplete"
    )
    assert server.stream("large")["statistics"]["video"]["lost"] == 0, "lost in front of the engine"
    # Unpaced, more than one packet in twenty was lost, and the player asked for a picture each 200 ms until one came whole.
    assert video["packetsLost"] < video["packetsReceived"] / 100
    assert video["pliCount"] <= 2
    assert "\negress_pictures_incomplete_total 0\n" in server.get("/metrics").text
