"""Handshakes that cost and lead nowhere (CVE-2022-29189, CVE-2022-29190, CVE-2014-3506, CVE-2016-2179), and those with the wrong certificate."""

import os

import pytest
from aiortc.rtcdtlstransport import RTCCertificate
from OpenSSL import SSL

import hellos
from scripted import drained, is_rtp

HALF_OPEN = 40
# OpenSSL keeps about 70 KiB for a handshake; the rest is the allocator's.
HALF_OPEN_SIZE_MAX = 256 << 10


@pytest.mark.slow
def test_half_open_handshakes_end_by_themselves_and_leave_nothing(stage):
    timed_out, resident = stage.closed("handshake_timeout"), stage.resident
    with stage.undisturbed():
        viewers = [stage.viewer() for _ in range(HALF_OPEN)]
        # A server that limits how many may be half open turns some of them away: that is as good.
        opened = [viewer for viewer in viewers if viewer.post(patient=False) == 201]
        assert opened
        for viewer in opened:
            viewer.check()
            viewer.say(hellos.hello())
        assert stage.resident - resident < HALF_OPEN * HALF_OPEN_SIZE_MAX
        stage.wait_until_viewers_are(len(stage.watchers))
    assert stage.closed("handshake_timeout") - timed_out == len(opened)
    stage.viewer().join()


def test_a_hello_without_an_end_is_cut_off(stage):
    """Fragments that never become a message: what a client may send before it has finished is bounded."""
    failed, resident = stage.closed("handshake_failed"), stage.resident
    viewer = stage.viewer()
    assert viewer.post() == 201
    viewer.check()
    with stage.undisturbed():
        for _ in range(25):
            viewer.say(*(hellos.hello_fragment(4000, 1 + piece * 400, os.urandom(390)) for piece in range(8)))
            stage.settle()  # or the line of what waits for its handshake is full, and the rest dropped
        stage.wait_for_more(lambda: stage.closed("handshake_failed"), failed, 1, "viewer that is closed for it")
    assert stage.resident - resident < 8 << 20


def test_hellos_of_every_size_cost_no_memory(stage):
    """Each bad one makes OpenSSL begin anew."""
    viewer = stage.viewer()
    assert viewer.post() == 201
    viewer.check()
    bad = [datagram for name, datagram in hellos.BAD.items() if "alert" not in name]
    with stage.undisturbed():
        viewer.say(*bad)
        stage.settle()
        resident = stage.resident
        for _ in range(60):
            viewer.say(*bad)
        stage.settle()
        assert stage.resident - resident < 8 << 20


def test_a_client_with_another_certificate_than_its_offer_named_gets_no_media(stage):
    """GHSA-qwfw-ggxw-577c: the certificate is checked before there are keys."""
    before = stage.closed("fingerprint")
    viewer = stage.viewer()
    assert viewer.post() == 201
    viewer.check()
    with stage.undisturbed():
        with pytest.raises(SSL.Error):
            viewer.shake_hands(certificate=RTCCertificate.generateCertificate())
        stage.wait_for_more(lambda: stage.closed("fingerprint"), before, 1, "viewer that is closed for it")
    assert not any(is_rtp(datagram) for datagram in drained(viewer.socket))
