"""Everything that is parsed, given what it is not made for: thousands of mutations from a seed that is printed, and the classics by hand."""

import json
import random

import pytest

import hellos
import wire
from client import request
from mutation import mutated, mutated_text
from scripted import Scripted, patiently

DATAGRAMS = 3000
DOCUMENTS = 300
REQUESTS = 250

WORDS = ["", "0", "-1", "65536", "4294967296", "99999999999999999999", "a" * 5000, "\u00e4\u00f6", "%00", "..", "*", ":", "=", "1e999", "true"]


def test_mutated_datagrams_change_nothing_for_those_who_watch(stage, seed):
    """STUN, DTLS, SRTP and SRTCP, from a stranger, from a viewer that has not shaken hands, and in the name of one who watches."""
    rng = random.Random(seed)
    guest = stage.viewer()
    assert guest.post() == 201
    guest.check()
    viewer = stage.viewer().join()
    stranger = stage.stranger()

    def sound():
        yield bytes(guest.check_message())
        yield bytes(viewer.check_message())
        yield hellos.hello()
        yield rng.choice(list(hellos.BAD.values()))
        yield viewer.feedback(viewer.nack(viewer.video.highest), viewer.pli())
        yield b"\x80\x66" + rng.randbytes(100)

    with stage.undisturbed():
        for _ in range(DATAGRAMS // 100):
            for _ in range(100):
                datagram = mutated(rng, rng.choice(list(sound())))[:1400]
                rng.choice([guest, viewer, stranger, stage.watchers[0]]).say(datagram)
            # One by one, so that none is lost in a full buffer.
            stage.settle()
    viewer.wait_for_pictures(3)
    assert stage.server.get("/healthz").status == 200


def test_mutated_offers_get_an_answer_or_a_reason(stage, seed):
    rng = random.Random(seed)
    source = Scripted(stage.server, stage.stream)
    offer = source.offer()
    seen = {}
    with stage.undisturbed():
        for number in range(DOCUMENTS):
            text = mutated_text(rng, offer, WORDS).encode() if number % 2 else mutated(rng, offer.encode())
            response = request("POST", source.url, text, "application/sdp")
            seen[response.status] = seen.get(response.status, 0) + 1
            if response.status == 201:
                assert patiently("DELETE", stage.server.url(response.headers["Location"])).status == 200
            elif response.status != 406:
                assert response.detail
    source.close()
    print(f"\noffers, by status: {seen}")
    assert set(seen) <= {201, 400, 406, 413, 422, 429, 503}
    stage.wait_until_viewers_are(len(stage.watchers))


def test_mutated_fragments_leave_the_session_as_it_is(stage, seed):
    rng = random.Random(seed)
    viewer = stage.viewer().join()
    fragment = f"a=ice-ufrag:{viewer.ufrag}\r\na=ice-pwd:{viewer.pwd}\r\nm=video 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n"
    fragment += "a=candidate:1 1 udp 2130706431 192.0.2.1 9 typ host\r\na=end-of-candidates\r\n"
    with stage.undisturbed():
        for _ in range(DOCUMENTS // 2):
            # No precondition, so that none of them is a restart.
            text = mutated_text(rng, fragment, WORDS)
            status = request("PATCH", viewer.session, text.encode(), "application/trickle-ice-sdpfrag").status
            assert status in (400, 413, 428, 429, 503), text
        viewer.wait_for_pictures(3)
    assert viewer.video.missing == 0


NESTED = [
    b"[" * 30_000,
    b'{"a":' * 10_000,
    b'{"video_map":' + b"[" * 20_000 + b"]" * 20_000 + b"}",
    b'{"video_pt": 1e400}',
    b'{"video_pt": ' + b"9" * 10_000 + b"}",
    b'{"video_pt": 102, "video_pt": 103}',
    b'{"\\u0000": 1}',
    b'"' + b"\\ud800" * 100 + b'"',
    b"\xff\xfe{\0}\0",
    b"\xef\xbb\xbf{}",
    b"null",
    b"0",
    b"",
]


@pytest.mark.parametrize("body", NESTED, ids=lambda body: repr(body[:12]))
def test_json_that_is_none_is_refused_or_taken_and_nothing_else(stage, body):
    with stage.undisturbed(pictures=1):
        response = request("PUT", stage.server.url("/api/v1/streams/nested"), body, "application/json")
        assert response.status in (201, 400)
        if response.status == 201:
            assert stage.server.delete_stream("nested").status == 204


def test_mutated_json_makes_streams_or_reasons(stage, seed):
    rng = random.Random(seed)
    sound = json.dumps({"enabled": True, "video_pt": 102, "audio_pt": 111, "video_map": "0:v:0", "audio_map": "none", "force_transcode": False})
    with stage.undisturbed():
        for _ in range(DOCUMENTS):
            response = request("PUT", stage.server.url("/api/v1/streams/mutated"), mutated(rng, sound.encode()), "application/json")
            assert response.status in (201, 400), response
            if response.status == 201:
                assert stage.server.delete_stream("mutated").status == 204


# Sound, or nearly: targets and heads that servers have read in two ways.
TARGETS = [
    "/whep/..%2f..%2fetc%2fpasswd",
    "/whep/%2e%2e/%2e%2e/etc/passwd",
    "/assets/..%2f..%2f..%2fetc%2fpasswd",
    "/assets/../../../../etc/passwd",
    "//etc/passwd",
    "/watch/%00",
    "/watch/%ff%fe",
    "/watch/%",
    "/watch/<script>alert(1)</script>",
    "/api/v1/streams/%0d%0aX-Evil:%201",
    "/api/v1/streams/" + "a" * 5000,
    "/?" + "a=b&" * 5000,
    "*",
    "http://other.example/whep/stage",
    "/whep/stage/../../healthz",
    "/whep//stage",
    "/\u00e4",
]


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target[:24])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_no_target_leads_out_of_what_is_served(stage, method, target):
    answer = wire.exchange(stage.server, wire.request_bytes(method, target, Content_Type="application/sdp"))
    assert b"root:" not in answer
    assert b"X-Evil" not in answer.split(b"\r\n\r\n")[0]
    assert b"<script>alert" not in answer
    assert wire.status(answer) is None or wire.status(answer) < 500
    assert stage.server.stream(stage.stream)["viewers"] == len(stage.watchers)


RAW = {
    "nothing_but_lines": b"\r\n" * 2000,
    "no_version": b"GET /\r\n\r\n",
    "another_version": b"GET / HTTP/9.9\r\n\r\n",
    "http_2_preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(60),
    "tls_hello": b"\x16\x03\x01\x02\x00\x01" + bytes(500),
    "endless_method": b"A" * 200_000,
    "endless_target": b"GET /" + b"a" * 200_000,
    "endless_field": b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 200_000,
    "endless_fields": b"GET / HTTP/1.1\r\nHost: a\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(20_000)) + b"\r\n",
    "two_lengths": b"POST /whep/stage HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 60\r\n\r\nhello",
    "length_and_chunks": (
        b"POST /whep/stage HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"0\r\n\r\nGET / HTTP/1.1\r\n\r\n"
    ),
    "negative_length": b"POST /whep/stage HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\nhello",
    "length_beyond_all": b"POST /whep/stage HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\nhello",
    "length_that_never_comes": b"POST /whep/stage HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nhello",
    "chunk_size_beyond_all": b"POST /whep/stage HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\nhello",
    "chunks_without_end": b"POST /whep/stage HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\na\r\n" * 100_000,
    "fields_with_zeros": b"GET / HTTP/1.1\r\nHost: a\r\nX: \0\0\0\r\n\r\n",
    "folded_fields": b"GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\tc\r\n\r\n",
    "pipelined": b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n" * 200,
}


@pytest.mark.parametrize("name", RAW)
def test_bytes_that_are_no_request_are_refused_or_left(stage, name):
    resident = stage.resident
    with stage.undisturbed(pictures=1):
        for _ in range(5):
            answer = wire.exchange(stage.server, RAW[name], is_patient=False)
            assert wire.status(answer) is None or wire.status(answer) < 500 or wire.status(answer) == 505
        assert stage.server.get("/healthz").status == 200
    assert stage.resident - resident < 32 << 20


def test_mutated_requests_leave_the_server_answering(stage, seed):
    rng = random.Random(seed)
    source = Scripted(stage.server, stage.stream)
    sound = [
        wire.request_bytes("POST", "/whep/stage", source.offer().encode(), Content_Type="application/sdp"),
        wire.request_bytes("PATCH", "/whep/stage/" + "0" * 32, b"a=mid:0\r\n", Content_Type="application/trickle-ice-sdpfrag", If_Match="*"),
        wire.request_bytes("PUT", "/api/v1/streams/x%20y", b'{"video_pt": 300}', Content_Type="application/json"),
        wire.request_bytes("GET", "/metrics"),
    ]
    source.close()
    with stage.undisturbed():
        for _ in range(REQUESTS):
            answer = wire.exchange(stage.server, mutated(rng, rng.choice(sound)))
            assert wire.status(answer) is None or wire.status(answer) in (501, 503, 505) or wire.status(answer) < 500, answer[:500]
        assert stage.server.get("/healthz").status == 200
