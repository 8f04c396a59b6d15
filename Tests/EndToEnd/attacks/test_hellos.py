"""ClientHellos of strangers, of viewers that are no clients, and in the wrong moment (CVE-2023-49786, CVE-2023-51275, CVE-2023-51443)."""

import pytest
from OpenSSL import SSL

import hellos

SPRAYERS = 40
SPRAYED_BY_EACH = 50


def test_hellos_sprayed_from_everywhere_are_dropped_unanswered(stage):
    """From 40 addresses; from the port of a viewer, at another address; from the ports beside it, at its own."""
    host, port = stage.watchers[0].address
    sprayers = stage.strangers(SPRAYERS)
    sprayers.append(stage.stranger("127.0.9.9", port))
    for near in range(port - 8, port + 9):
        try:
            sprayers.append(stage.stranger(host, near))
        except OSError:
            pass  # somebody has it
    assert len(sprayers) > SPRAYERS + 1
    done = stage.total("handshakes_done")
    failed = stage.total("handshakes_failed")
    with stage.undisturbed():
        for _ in range(SPRAYED_BY_EACH):
            with stage.counting(unvalidated=len(sprayers)):
                for sprayer in sprayers:
                    sprayer.say(hellos.hello())
        stage.settle()
    assert [len(sprayer.heard()) for sprayer in sprayers] == [0] * len(sprayers)
    assert stage.total("handshakes_done") == done
    assert stage.total("handshakes_failed") == failed


def test_a_viewer_joins_though_hellos_race_its_own(stage):
    """The window of ES2023-01: the viewer is expected, and has not said its hello yet."""
    racers = stage.strangers(10)
    viewer = stage.viewer()
    with stage.undisturbed():
        assert viewer.post() == 201
        with stage.counting(unvalidated=11):
            for racer in racers:
                racer.say(hellos.hello())
            viewer.say(hellos.hello())  # its own address, but no check has come from there
        viewer.check()
        with stage.counting(unvalidated=10):
            for racer in racers:
                racer.say(hellos.hello())
        noise = [hellos.hello() for _ in racers]

        def race():
            for racer, datagram in zip(racers, noise):
                racer.say(datagram)

        race()
        viewer.shake_hands().watch()
        race()
        viewer.wait_for_pictures(5)
    assert viewer.video.missing == 0
    assert not any(racer.heard() for racer in racers)


@pytest.mark.parametrize("name", hellos.BAD)
def test_a_bad_hello_from_the_viewers_own_address_does_not_end_its_session(stage, name):
    """Before its hello, between its flights, and once it watches. No alert comes of it, which would end the viewer's side."""
    bad = [hellos.BAD[name]] * 3
    viewer = stage.viewer()
    assert viewer.post() == 201
    viewer.check()
    viewer.shake_hands(intrusions={1: bad, 2: bad}).watch()
    assert viewer.counts["plain alerts"] == 0
    with stage.undisturbed(pictures=1):
        viewer.say(*bad)
        viewer.say(*bad)
        viewer.wait_for_pictures(5)
    assert viewer.video.missing == 0
    assert viewer.counts["bye"] == 0


def test_a_good_hello_in_the_name_of_a_viewer_that_watches_changes_nothing(stage):
    """A new association over the old one would be the way in for whoever can write the viewer's address on a datagram."""
    watcher = stage.watchers[0]
    done = stage.total("handshakes_done")
    with stage.undisturbed():
        seen = watcher.counts["dtls"]
        watcher.say(*[hellos.hello() for _ in range(20)])
        # What is said to it is the last flight again, as to a client that has lost it (RFC 6347 §4.2.4).
        watcher.wait_for(lambda w: w.counts["dtls"] > seen, "the last flight again")
        stage.settle()
    assert stage.total("handshakes_done") == done


def test_who_says_a_good_hello_in_anothers_name_gets_no_keys(stage):
    """What is left to somebody who writes the viewer's address on a hello before its own: that one handshake fails, and no other."""
    viewer = stage.viewer()
    assert viewer.post() == 201
    viewer.check()
    failed = stage.total("handshakes_failed")
    with stage.undisturbed():
        with pytest.raises((SSL.Error, AssertionError)):
            viewer.shake_hands(intrusions={1: [hellos.hello()]}, within=5)
        again = stage.viewer()
        again.join()
        again.wait_for_pictures(3)
    viewer.leave()
    assert stage.total("handshakes_failed") - failed <= 1
