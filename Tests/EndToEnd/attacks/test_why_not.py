"""A session that does not come up is told why: by the API, the session's own address, the metric and the log."""

import secrets
import struct

import pytest
from OpenSSL import SSL

from client import request
from scripted import text
from waiting import eventually

def says_nothing(viewer):
    pass


def has_a_wrong_password(viewer):
    viewer.say(viewer.check_message(password=text(24)))


def says_no_hello(viewer):
    viewer.check()


class WithoutProfiles:
    """A certificate for a handshake that has no use_srtp."""

    def __init__(self, certificate):
        self._certificate = certificate

    def _create_ssl_context(self, _):
        context = SSL.Context(SSL.DTLS_METHOD)
        context.use_certificate(self._certificate._cert)
        context.use_privatekey(self._certificate._key)
        context.set_verify(SSL.VERIFY_PEER, lambda *_: True)
        return context


def offers_no_profile(viewer):
    viewer.check()
    with pytest.raises(SSL.Error):
        viewer.shake_hands(certificate=WithoutProfiles(viewer._own))


WAYS = {
    "no_check": (says_nothing, "no STUN check ever reached UDP port"),
    "wrong_password": (has_a_wrong_password, "STUN checks came with a wrong password"),
    "no_handshake": (says_no_hello, "STUN checks came and were answered, but no DTLS"),
    "no_srtp_profile": (offers_no_profile, "the client has no SRTP profile that this server has"),
}


def test_each_way_not_to_come_up_has_a_reason_of_its_own(stage):
    before = {reason: stage.closed(reason) for reason in WAYS}
    viewers = f"/api/v1/streams/{stage.stream}/viewers"
    known = {viewer["id"] for viewer in stage.server.get(viewers).json["viewers"]}
    sessions, ids = {}, {}
    for reason, (way, _) in WAYS.items():
        viewer = stage.viewer()
        assert viewer.post() == 201
        [ids[reason]] = {row["id"] for row in stage.server.get(viewers).json["viewers"]} - known
        known.add(ids[reason])
        assert stage.server.get(f"{viewers}/{ids[reason]}").json["state"] == "new"
        way(viewer)
        sessions[reason] = viewer.session
    for reason, (_, words) in WAYS.items():
        place = f"{viewers}/{ids[reason]}"
        ended = eventually(
            lambda place=place: (answer := stage.server.get(place).json)["state"] == "closed" and answer, f"{reason} is told", within=60
        )
        assert (ended["id"], ended["reason"]) == (ids[reason], reason)
        assert words in ended["detail"]
        problem = request("GET", sessions[reason])
        assert problem.status == 404 and problem.json["reason"] == reason and words in problem.json["detail"]
        assert stage.closed(reason) == before[reason] + 1
        stage.server.wait_for_log(f"Viewer closed: {words}")
    assert "this side refused with handshake_failure" in stage.server.get(f"{viewers}/{ids['no_srtp_profile']}").json["detail"]


def test_a_viewer_that_never_was_has_no_reason(stage):
    assert stage.server.get(f"/api/v1/streams/{stage.stream}/viewers/{secrets.token_hex(8)}").status == 404


def report_of(viewer):
    """A receiver report (RFC 3550 §6.4.2) on its video, of which nothing was lost."""
    return struct.pack("!BBH", 0x81, 201, 7) + viewer.own_ssrc + struct.pack("!IIIIII", viewer.video.ssrc, 0, viewer.video.highest, 0, 0, 0)


def test_a_viewer_that_reports_nothing_is_said_to_and_is_left_alone(stage):
    """Something on its way lets media through, and its reports not; or neither."""
    viewer = stage.viewer().join()

    def has_no_feedback():
        rows = stage.server.get(f"/api/v1/streams/{stage.stream}/viewers").json["viewers"]
        [row] = [row for row in rows if row["remote_address"].endswith(f":{viewer.address[1]}")]
        return row["no_feedback"]

    assert not has_no_feedback()
    eventually(has_no_feedback, "the viewer is said to report nothing")
    viewer.wait_for_pictures(3)
    viewer.say(viewer.feedback(report_of(viewer)))
    eventually(lambda: not has_no_feedback(), "its report is heard")
    viewer.wait_for_pictures(3)
