"""ICE checks of strangers and of viewers that lie about where they are (RFC 8445 §19, RFC 7675; NETSCOUT on STUN reflection; CVE-2017-14099)."""

import itertools
import os
import random
import struct

import pytest
from aioice import stun

import hellos
from scripted import CHARACTERS, drained, is_rtp, is_stun, text
from waiting import eventually

# The most checks that a new path gets (EG_ICE_CHECKS_MAX).
CHECKS_MAX = 8


def messages_of_a_stranger(viewer):
    """By one who knows everything of a viewer but the password."""
    known = f"{viewer.remote_ufrag}:{viewer.ufrag}"
    check = viewer.check_message
    yield stun.Message(stun.Method.BINDING, stun.Class.REQUEST)  # what a public STUN server answers
    yield check(username=known, password="")
    yield check(username=known, password=text(24))
    yield check(username=known, password=viewer.pwd)
    yield check(username=f"{viewer.remote_ufrag}:", password=text(24))
    yield check(username=f"{viewer.remote_ufrag}:{text(4)}")
    yield check(username=viewer.remote_ufrag)
    yield check(username=f"{text(8)}:{viewer.ufrag}")
    yield check(username=text(500), password=text(24))
    for message_class in (stun.Class.INDICATION, stun.Class.RESPONSE, stun.Class.ERROR):
        message = check(password=text(24))
        message.message_class = message_class
        yield message
    for method in (stun.Method.ALLOCATE, stun.Method.REFRESH, stun.Method.SEND, stun.Method.SHARED_SECRET):
        message = check(username=known, password=text(24))
        message.message_method = method
        yield message
    yield check(username=known, password="", REALM="egress", NONCE=os.urandom(16))


def test_who_does_not_know_the_password_gets_no_answer_at_all(stage):
    """Not even an error: whatever is answered here can be aimed at somebody by writing his address on the question."""
    viewer = stage.viewer()
    assert viewer.post() == 201
    strangers = [stage.stranger(), stage.stranger("127.0.5.5"), stage.stranger("::1")]
    messages = [bytes(message) for message in messages_of_a_stranger(viewer)]
    dropped = stage.dropped()
    with stage.undisturbed():
        for stranger in strangers:
            stranger.say(*messages * 20)
        stage.wait_for_more(stage.dropped, dropped, 20 * len(messages) * len(strangers), "datagrams dropped")
        stage.settle()
    heard = sum(len(datagram) for stranger in strangers for datagram in stranger.heard())
    asked = sum(stranger.sent for stranger in strangers)
    print(f"\n{asked} bytes of strangers, {heard} bytes to them: amplification {heard / asked:g}")
    assert heard == 0


def test_no_datagram_of_a_stranger_is_answered_whatever_it_begins_with(stage, seed):
    """Every first byte, and with each the lengths that headers have: the ratio of what is sent to strangers to what they sent is 0."""
    rng = random.Random(seed)
    stranger = stage.stranger()
    sizes = (1, 2, 12, 13, 20, 28, 64, 200, 1200)
    dropped = stage.dropped()
    with stage.undisturbed():
        for first, size in itertools.product(range(256), sizes):
            stranger.say(bytes([first]) + rng.randbytes(size - 1))
        stage.wait_for_more(stage.dropped, dropped, 256 * len(sizes), "datagrams dropped")
        stage.settle()
    assert stranger.heard() == []


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_no_answer_is_longer_than_the_check(stage, host):
    viewer = stage.viewer(host=host)
    assert viewer.post() == 201
    checks = {"success": viewer.check_message(), "success without nomination": viewer.check_message(is_nominated=False)}
    conflict = viewer.check_message()
    del conflict.attributes["ICE-CONTROLLING"], conflict.attributes["MESSAGE-INTEGRITY"], conflict.attributes["FINGERPRINT"]
    conflict.attributes["ICE-CONTROLLED"] = 1
    conflict.add_message_integrity(viewer.remote_pwd.encode())
    conflict.add_fingerprint()
    checks["role conflict"] = conflict
    for name, check in checks.items():
        answer = viewer.check(check)
        print(f"\n{name}: {len(bytes(check))} bytes asked, {len(answer)} answered")
        assert len(answer) <= len(bytes(check)), name


def victim_of(stage, attacker):
    """A socket of somebody who wants nothing from this server, and who is sent what the attacker makes it send."""
    return stage.stranger("127.0.7.7").socket


def test_media_stays_where_it_is_until_the_new_address_answers_a_check_of_ours(stage):
    """A viewer writes a victim's address on authentic, nominating checks."""
    attacker = stage.viewer().join()
    victim = victim_of(stage, attacker)
    asked = 0
    with stage.undisturbed():
        for _ in range(40):
            check = bytes(attacker.check_message())
            victim.sendto(check, attacker.target)
            asked += len(check)
            attacker.wait_for_pictures(1)
        stage.settle()
    heard = drained(victim)
    requests = [datagram for datagram in heard if is_stun(datagram) and datagram[:2] == b"\0\1"]
    print(f"\n{asked} bytes in the victim's name, {sum(map(len, heard))} to it, of them {len(requests)} checks of ours")
    assert all(is_stun(datagram) for datagram in heard), "media or a handshake for somebody who wanted none"
    assert 1 <= len(requests) <= CHECKS_MAX + 40 // 4
    assert attacker.video.missing == 0


def test_many_victims_are_sent_less_than_was_said_in_their_names(stage):
    attacker = stage.viewer().join()
    victims = [stranger.socket for stranger in stage.strangers(50)]
    asked = 0
    with stage.undisturbed():
        for _ in range(10):
            for victim in victims:
                check = bytes(attacker.check_message())
                victim.sendto(check, attacker.target)
                asked += len(check)
        stage.settle()
    heard = [datagram for victim in victims for datagram in drained(victim)]
    answered = sum(map(len, heard))
    print(f"\n{asked} bytes in the victims' names, {answered} to them: ratio {answered / asked:.2f}")
    assert all(is_stun(datagram) for datagram in heard)
    assert answered <= asked
    assert attacker.video.missing == 0


def test_media_moves_when_the_new_address_answers(stage):
    """The other side of the coin: a viewer whose network changes goes on watching."""
    viewer = stage.viewer().join()
    other = stage.stranger("127.0.6.6").socket
    viewer.say(viewer.check_message())
    with stage.undisturbed():
        other.settimeout(30)
        other.sendto(bytes(viewer.check_message()), viewer.target)
        kinds = set()
        while "media" not in kinds:
            datagram = other.recv(4096)
            if is_rtp(datagram):
                kinds.add("media")
            elif is_stun(datagram) and (answer := viewer.answer(datagram)):
                kinds.add("check")
                other.sendto(answer, viewer.target)
    assert "check" in kinds


@pytest.mark.slow
def test_before_the_handshake_a_victim_is_sent_no_more_than_three_times_what_was_said_in_its_name(stage):
    """An ICE-lite agent has no proof of an address but the handshake itself. An attacker with a session of its own says a check and a hello
    in a victim's name, then leaves the server to its timers."""
    attacker = stage.viewer()
    victim = victim_of(stage, attacker)
    assert attacker.post() == 201
    timed_out = stage.closed("handshake_timeout")
    check, hello = bytes(attacker.check_message()), hellos.hello()
    with stage.undisturbed():
        victim.sendto(check, attacker.target)
        heard = eventually(lambda: drained(victim), "the check is answered")  # a hello that comes sooner is a stranger's, and dropped
        victim.sendto(hello, attacker.target)
        stage.wait_for_more(lambda: stage.closed("handshake_timeout"), timed_out, 1, "handshake given up")
        stage.settle()
    heard += drained(victim)
    asked, answered = len(check) + len(hello), sum(map(len, heard))
    print(f"\none POST and {asked} bytes in the victim's name, {answered} bytes to it in {len(heard)} datagrams")
    assert not any(is_rtp(datagram) for datagram in heard)
    assert answered <= 3 * asked


@pytest.mark.slow
def test_what_an_attacker_says_in_its_own_name_is_not_spent_on_a_victim(stage):
    """It earns the right to be sent flights at its own address, and then has the victim's nominated."""
    attacker = stage.viewer()
    victim = victim_of(stage, attacker)
    assert attacker.post() == 201
    timed_out = stage.closed("handshake_timeout")
    with stage.undisturbed():
        for _ in range(20):
            attacker.check()
        attacker.say(hellos.hello())
        check = bytes(attacker.check_message())
        victim.sendto(check, attacker.target)
        stage.wait_for_more(lambda: stage.closed("handshake_timeout"), timed_out, 1, "handshake given up")
        stage.settle()
    heard = drained(victim)
    print(f"\n{len(check)} bytes in the victim's name, {sum(map(len, heard))} bytes to it in {len(heard)} datagrams")
    assert sum(map(len, heard)) <= 3 * len(check)


def test_a_session_of_ones_own_takes_nobodys_feedback(stage):
    """An attacker says authentic checks for its own, newer session in the name of a viewer's address, and so becomes another owner of it."""
    victim = stage.viewer().join()
    for joins in (False, True):
        attacker = stage.viewer()
        if joins:
            attacker.join()
        else:
            assert attacker.post() == 201
        # The answer goes to the victim, who did not ask.
        seen = victim.counts["stun"]
        victim.say(attacker.check_message())
        victim.wait_for(lambda v: v.counts["stun"] > seen, "the answer to the attacker's check")
        repairs = stage.total("repairs_sent")
        rejected = stage.dropped("srtcp_rejected")
        with stage.undisturbed(pictures=1):
            victim.say(victim.feedback(victim.nack(victim.video.highest - 16)))
            stage.wait_for_more(lambda: stage.total("repairs_sent"), repairs, 1, "packet sent again")
        assert stage.dropped("srtcp_rejected") == rejected
        attacker.close()


def test_user_names_are_no_oracle(stage):
    """A right user name with a wrong password is answered as a wrong one is: not at all."""
    viewer = stage.viewer()
    assert viewer.post() == 201
    stranger = stage.stranger()
    rejected, unknown = stage.dropped("stun_rejected"), stage.dropped("stun_unknown_user")
    for index in range(len(viewer.remote_ufrag)):
        wrong = viewer.remote_ufrag[:index] + next(c for c in CHARACTERS if c != viewer.remote_ufrag[index]) + viewer.remote_ufrag[index + 1 :]
        stranger.say(viewer.check_message(username=f"{wrong}:{viewer.ufrag}", password=text(24)))
        stranger.say(viewer.check_message(password=text(24)))
    count = len(viewer.remote_ufrag)
    stage.wait_for_more(lambda: stage.dropped("stun_rejected"), rejected, count, "rejected")
    stage.wait_for_more(lambda: stage.dropped("stun_unknown_user"), unknown, count, "unknown")
    stage.settle()
    assert stranger.heard() == []


def test_an_address_in_an_answer_is_believed_by_nobody(stage):
    """Success responses that nobody asked for, with any transaction id, move nothing."""
    viewer = stage.viewer().join()
    other = stage.stranger("127.0.8.8")
    with stage.undisturbed():
        for end in (viewer.socket, other.socket):
            for _ in range(50):
                response = stun.Message(stun.Method.BINDING, stun.Class.RESPONSE, transaction_id=os.urandom(12))
                response.attributes["XOR-MAPPED-ADDRESS"] = other.socket.getsockname()
                response.add_message_integrity(viewer.pwd.encode())
                response.add_fingerprint()
                end.sendto(bytes(response), viewer.target)
        viewer.wait_for_pictures(5)
        stage.settle()
    assert other.heard() == []
    assert viewer.video.missing == 0


def test_header_lengths_that_lie_are_malformed(stage):
    viewer = stage.viewer()
    assert viewer.post() == 201
    check = bytes(viewer.check_message())
    lies = [check[:2] + struct.pack("!H", size) + check[4:] for size in (0, 4, len(check), 0xFFFC, 0xFFFF, len(check) - 21)]
    with stage.undisturbed(pictures=1), stage.counting(stun_malformed=len(lies)):
        viewer.say(*lies)
    stage.settle()
    assert drained(viewer.socket) == []
