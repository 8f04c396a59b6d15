"""A viewer whose every datagram the test writes: STUN by aioice, DTLS by pyOpenSSL over memory, SRTP by pylibsrtp, and sockets by hand.

It asks for nothing again, so a packet that does not reach it shows as a gap in the sequence. Once it watches, a thread of its own reads.
"""

import json
import re
import secrets
import socket
import string
import struct
import threading
import time
from collections import Counter

from aioice import stun
from aiortc.rtcdtlstransport import SRTP_AEAD_AES_128_GCM, RTCCertificate
from OpenSSL import SSL
from pylibsrtp import Error as SRTPError
from pylibsrtp import Policy, Session

from client import request
from waiting import PATIENCE

# <asm-generic/socket.h>: it has no name in Python.
SO_RCVBUFFORCE = 33
RECEIVE_BUFFER_SIZE = 8 << 20
DATAGRAM_SIZE_MAX = 4096
FLIGHT_DATAGRAM_MAX = 1200

# RFC 7675 §5.1 has consent end after 30 s.
CHECK_INTERVAL = 4.0
TRY_AGAIN = 0.5
# A server that limits joins says when to come again.
WAIT_MAX = 15
BUSY = (429, 503)

CHARACTERS = string.ascii_letters + string.digits
LAYER = "urn:ietf:params:whep:ext:core:layer"
PROFILES = [(102, "42001f"), (104, "42e01f"), (106, "4d001f"), (108, "64001f"), (110, "640c1f")]


def text(size):
    return "".join(secrets.choice(CHARACTERS) for _ in range(size))


def patiently(method, url, body=b"", content_type=None):
    """A server may limit how fast requests come: what it asks to wait for is waited for, within reason."""
    while True:
        response = request(method, url, body, content_type)
        wait = response.headers["Retry-After"] or ""
        if not (response.status in BUSY and wait.isdigit() and int(wait) <= WAIT_MAX):
            return response
        time.sleep(int(wait))


def is_stun(datagram):
    return len(datagram) >= 20 and datagram[0] < 4


def is_dtls(datagram):
    return len(datagram) >= 13 and 20 <= datagram[0] < 64


def is_sealed_alert(datagram):
    """The end of an association, when it is authentic. Flights and plain alerts may be somebody else's, and mean nothing to who watches."""
    return is_dtls(datagram) and datagram[0] == 21 and datagram[3:5] != b"\0\0"


def is_rtcp(datagram):
    return len(datagram) >= 8 and 128 <= datagram[0] < 192 and 192 <= datagram[1] <= 223


def is_rtp(datagram):
    return len(datagram) >= 12 and 128 <= datagram[0] < 192 and not 192 <= datagram[1] <= 223


def udp_socket(host="127.0.0.1", port=0):
    end = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    try:
        end.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER_SIZE)
    except PermissionError:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_SIZE)
    end.bind((host, port))
    return end


def drained(end):
    """All that waits at a socket."""
    end.setblocking(False)
    found = []
    while True:
        try:
            found.append(end.recv(DATAGRAM_SIZE_MAX))
        except BlockingIOError:
            return found


TRANSPORT_CC = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
TRANSPORT_CC_ID = 3


def offer(ufrag, pwd, fingerprint, transport_cc=False):
    formats = " ".join(f"{number} {number + 1}" for number, _ in PROFILES)
    transport = ["c=IN IP4 0.0.0.0", "a=recvonly", "a=rtcp-mux", f"a=ice-ufrag:{ufrag}", f"a=ice-pwd:{pwd}", "a=setup:actpass"]
    transport.append(f"a=fingerprint:sha-256 {fingerprint}")
    lines = ["v=0", f"o=- {secrets.randbits(62)} 2 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=group:BUNDLE 0 1"]
    lines += [f"m=video 9 UDP/TLS/RTP/SAVPF {formats}", *transport, "a=mid:0"]
    for number, profile in PROFILES:
        lines += [f"a=rtpmap:{number} H264/90000", f"a=rtcp-fb:{number} nack", f"a=rtcp-fb:{number} nack pli"]
        lines += [f"a=fmtp:{number} level-asymmetry-allowed=1;packetization-mode=1;profile-level-id={profile}"]
        lines += [f"a=rtpmap:{number + 1} rtx/90000", f"a=fmtp:{number + 1} apt={number}"]
        lines += [f"a=rtcp-fb:{number} transport-cc"] if transport_cc else []
    lines += [f"a=extmap:{TRANSPORT_CC_ID} {TRANSPORT_CC}"] if transport_cc else []
    lines += ["m=audio 9 UDP/TLS/RTP/SAVPF 111", *transport, "a=mid:1", "a=rtpmap:111 opus/48000/2"]
    return "".join(line + "\r\n" for line in lines)


def transport_number(packet):
    """Of an RTP packet; None: it has none."""
    if packet[0] & 0x10 and packet[12:14] == b"\xbe\xde":
        size = 4 * int.from_bytes(packet[14:16], "big")
        elements = packet[16 : 16 + size]
        while elements:
            if elements[0] == 0:
                elements = elements[1:]
            elif elements[0] >> 4 == TRANSPORT_CC_ID:
                return int.from_bytes(elements[1:3], "big")
            else:
                elements = elements[2 + (elements[0] & 15) :]
    return None


class Track:
    """What came of one track: its numbers without a gap, or with how many."""

    def __init__(self):
        self.ssrc = None
        self.highest = None
        self.lowest = None
        self.count = 0
        self.pictures = 0
        self._timestamp = None
        self._seen = set()

    def add(self, packet):
        sequence, timestamp, self.ssrc = struct.unpack_from("!HII", packet, 2)
        if self.highest is None:
            self.lowest = self.highest = sequence
        extended = self.highest + ((sequence - self.highest + 0x8000) & 0xFFFF) - 0x8000
        self.highest = max(self.highest, extended)
        self.lowest = min(self.lowest, extended)
        self._seen.add(extended)
        self.count += 1
        if timestamp != self._timestamp:
            self._timestamp = timestamp
            self.pictures += 1

    @property
    def missing(self):
        return 0 if self.highest is None else self.highest - self.lowest + 1 - len(self._seen)


class Scripted:
    """Nothing happens by itself: `post`, `check`, `shake_hands`, `watch`, or all of them by `join`.

    `transport_cc`: it offers to tell what arrives, which it does only when a test says so.
    """

    certificates = []

    def __init__(self, server, stream, host="127.0.0.1", certificate=None, ufrag=None, transport_cc=False):
        self.server = server
        self.socket = udp_socket(host)
        self.target = (host if ":" in host else "127.0.0.1", server.ports["udp"])
        self.url = server.url(f"/whep/{stream}")
        self.ufrag, self.pwd = ufrag or text(4), text(24)
        self._own = certificate or self._certificate()
        self._shown = self._own
        self._transport_cc = transport_cc
        self.session = None
        # Of the answer, by their rel.
        self.links = {}
        self.remote_ufrag = self.remote_pwd = None
        self.video, self.audio, self.other = Track(), Track(), Track()
        # Of what came: kinds of datagrams; packets that libsrtp refused; alerts in plain DTLS records.
        self.counts = Counter()
        # Every payload that was decrypted is shown to it, on the reading thread.
        self.inspect = None
        self.answers_checks = True
        # Transactions of its checks that were answered since it watches.
        self._answered = set()
        self._early = []
        self._types = {}
        self._receive = self._send = None
        self._connection = None
        self._changed = threading.Condition()
        self._thread = None
        self._is_watching = False
        # What has ended the reading before its time.
        self._failure = None

    @classmethod
    def _certificate(cls):
        # One for all: what is tested is not how they are made, and making one takes longer than a join.
        if not cls.certificates:
            cls.certificates.append(RTCCertificate.generateCertificate())
        return cls.certificates[0]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    @property
    def address(self):
        return self.socket.getsockname()

    # Signalling.

    def offer(self):
        fingerprint = next(f.value for f in self._own.getFingerprints() if f.algorithm == "sha-256")
        return offer(self.ufrag, self.pwd, fingerprint, self._transport_cc)

    def post(self, patient=True):
        """The status; 201 has made a session."""
        response = (patiently if patient else request)("POST", self.url, self.offer(), "application/sdp")
        if response.status == 201:
            answer = response.text
            self.session = self.server.url(response.headers["Location"])
            links = ", ".join(response.headers.get_all("Link", []))
            self.links = {rel: self.server.url(path) for path, rel in re.findall(r'<([^>]*)>; rel="([^"]*)"', links)}
            self.remote_ufrag = re.search(r"^a=ice-ufrag:(\S+)", answer, re.M)[1]
            self.remote_pwd = re.search(r"^a=ice-pwd:(\S+)", answer, re.M)[1]
            for kind in ("video", "audio"):
                for number in re.search(rf"^m={kind} \d+ \S+ ([\d ]+?)\s*$", answer, re.M)[1].split()[:1]:
                    self._types[int(number)] = getattr(self, kind)
        return response.status

    def choose(self, **choice):
        """A layer, by the URL that the answer has told of; the response."""
        return patiently("POST", self.links[LAYER], json.dumps(choice), "application/json")

    def leave(self):
        return patiently("DELETE", self.session).status

    # ICE.

    def check_message(self, is_nominated=True, username=None, password=None, **attributes):
        """An authentic check, unless told otherwise; `password=""` leaves the integrity out."""
        message = stun.Message(message_method=stun.Method.BINDING, message_class=stun.Class.REQUEST)
        message.attributes["USERNAME"] = username or f"{self.remote_ufrag}:{self.ufrag}"
        message.attributes["PRIORITY"] = 110 << 24 | 65535 << 8 | 255
        message.attributes["ICE-CONTROLLING"] = secrets.randbits(64)
        if is_nominated:
            message.attributes["USE-CANDIDATE"] = None
        message.attributes |= attributes
        password = self.remote_pwd if password is None else password
        if password:
            message.add_message_integrity(password.encode())
            message.add_fingerprint()
        return message

    def say(self, *datagrams):
        for datagram in datagrams:
            self.socket.sendto(bytes(datagram), self.target)

    def check(self, message=None, via=None, within=PATIENCE):
        """Sends a check until it is answered; the answer. `via`: another socket than its own."""
        message = message or self.check_message()
        end = via or self.socket
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            end.sendto(bytes(message), self.target)
            end.settimeout(TRY_AGAIN)
            try:
                while True:
                    datagram = end.recv(DATAGRAM_SIZE_MAX)
                    if is_stun(datagram) and datagram[8:20] == message.transaction_id and datagram[0] & 1:
                        return datagram
                    if end is self.socket:
                        self._early.append(datagram)
            except TimeoutError:
                pass
        raise AssertionError(f"no answer to a check within {within:g} s")

    def answer(self, datagram):
        """What a peer says to a check of the server's; None when it is none."""
        try:
            message = stun.parse_message(datagram)
            if message.message_class != stun.Class.REQUEST:
                return None
            message.check_message_integrity(self.pwd.encode())
        except ValueError:
            return None
        response = stun.Message(stun.Method.BINDING, stun.Class.RESPONSE, transaction_id=message.transaction_id)
        response.attributes["XOR-MAPPED-ADDRESS"] = self.target[:2]
        response.add_message_integrity(self.pwd.encode())
        response.add_fingerprint()
        return bytes(response)

    # DTLS.

    def shake_hands(self, intrusions=None, certificate=None, within=PATIENCE):
        """`intrusions` are sent from here before the n-th flight: {1: [...], 2: [...]}. Raises SSL.Error when the other side refuses."""
        context = (certificate or self._own)._create_ssl_context([SRTP_AEAD_AES_128_GCM])
        connection = self._connection = SSL.Connection(context)
        connection.set_connect_state()
        deadline = time.monotonic() + within
        flight = 0
        while time.monotonic() < deadline:
            try:
                connection.do_handshake()
                is_done = True
            except SSL.WantReadError:
                is_done = False
            if datagrams := self._flight():
                flight += 1
                self.say(*(intrusions or {}).get(flight, ()))
                self.say(*datagrams)
            if is_done:
                self._take_keys()
                return self
            self._feed()
        raise AssertionError(f"no DTLS handshake within {within:g} s")

    def _flight(self):
        """What OpenSSL wants to send, in datagrams that end where records do."""
        try:
            rest = self._connection.bio_read(1 << 16)
        except SSL.WantReadError:
            return []
        datagrams = [b""]
        while rest:
            size = 13 + int.from_bytes(rest[11:13], "big")
            if datagrams[-1] and len(datagrams[-1]) + size > FLIGHT_DATAGRAM_MAX:
                datagrams.append(b"")
            datagrams[-1] += rest[:size]
            rest = rest[size:]
        return datagrams

    def _feed(self):
        """Gives OpenSSL the next datagram, or tells it that time has passed."""
        wait = self._connection.DTLSv1_get_timeout()
        datagram = self._early.pop(0) if self._early else self._next(TRY_AGAIN if wait is None else min(wait, TRY_AGAIN))
        if datagram is None:
            self._connection.DTLSv1_handle_timeout()
        elif is_dtls(datagram):
            if datagram[0] == 21 and datagram[3:5] == b"\0\0":
                self.counts["plain alerts"] += 1
            self._connection.bio_write(datagram)
        elif is_stun(datagram):
            self._take_stun(datagram)

    def _next(self, seconds):
        self.socket.settimeout(max(seconds, 0.001))
        try:
            return self.socket.recv(DATAGRAM_SIZE_MAX)
        except (TimeoutError, BlockingIOError):
            return None

    def _take_keys(self):
        assert self._connection.get_selected_srtp_profile() == SRTP_AEAD_AES_128_GCM.openssl_profile
        material = self._connection.export_keying_material(b"EXTRACTOR-dtls_srtp", 2 * (16 + 12))

        def session(index, kind):
            key = SRTP_AEAD_AES_128_GCM.get_key_and_salt(material, index)
            return Session(Policy(key=key, ssrc_type=kind, srtp_profile=Policy.SRTP_PROFILE_AEAD_AES_128_GCM))

        self._send = session(0, Policy.SSRC_ANY_OUTBOUND)
        self._receive = session(1, Policy.SSRC_ANY_INBOUND)

    # Media.

    def feedback(self, *packets):
        """An SRTCP datagram of these RTCP packets."""
        return self._send.protect_rtcp(b"".join([b"\x80\xc9\x00\x01" + self.own_ssrc, *packets]))

    own_ssrc = b"\0\0\0\x07"

    def nack(self, sequence, bitmask=0xFFFF):
        fci = struct.pack("!HH", sequence & 0xFFFF, bitmask)
        return struct.pack("!BBH", 0x81, 205, 3) + self.own_ssrc + struct.pack("!I", self.video.ssrc) + fci

    def transport_feedback(self, base, arrived, sequence, reference=0):
        """Transport-wide: of packets from number `base` on, which have `arrived`, those a quarter of a millisecond apart."""
        chunks = []
        for at in range(0, len(arrived), 14):
            chunks.append(0x8000 | sum(0x2000 >> index for index, has in enumerate(arrived[at : at + 14]) if has))
        fci = struct.pack("!HHI", base & 0xFFFF, len(arrived), (reference & 0xFFFFFF) << 8 | sequence & 0xFF)
        fci += struct.pack(f"!{len(chunks)}H", *chunks) + b"\1" * sum(arrived)
        fci += bytes(-len(fci) % 4)
        return struct.pack("!BBH", 0x8F, 205, 2 + len(fci) // 4) + self.own_ssrc + struct.pack("!I", self.video.ssrc) + fci

    def pli(self):
        return struct.pack("!BBH", 0x81, 206, 2) + self.own_ssrc + struct.pack("!I", self.video.ssrc)

    def join(self):
        assert self.post() == 201
        self.check()
        self.shake_hands()
        return self.watch()

    def watch(self):
        """Reads from now on; ends with the first picture and the first sound."""
        self._is_watching = True
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self.wait_for_pictures(1)
        self.wait_for(lambda v: v.audio.count > 0, "sound")
        return self

    def _run(self):
        try:
            self._read()
        except BaseException as failure:
            with self._changed:
                self._failure = failure
                self._changed.notify_all()

    def _read(self):
        next_check = 0.0
        for datagram in self._early:
            self._take(datagram)
        while self._is_watching:
            if time.monotonic() >= next_check:
                self.say(self.check_message())
                next_check = time.monotonic() + CHECK_INTERVAL
            datagram = self._next(0.25)
            if datagram is not None:
                self._take(datagram)

    def _take(self, datagram):
        with self._changed:
            if is_stun(datagram):
                self._take_stun(datagram)
            elif is_rtcp(datagram):
                self._take_rtcp(datagram)
            elif is_rtp(datagram):
                self._take_rtp(datagram)
            else:
                self.counts["dtls" if is_dtls(datagram) else "unknown"] += 1
                self.counts["sealed alerts"] += is_sealed_alert(datagram)
            self._changed.notify_all()

    def _take_stun(self, datagram):
        self.counts["stun"] += 1
        if datagram[0] & 1 and self._is_watching:
            self._answered.add(bytes(datagram[8:20]))
        if self.answers_checks and (answer := self.answer(datagram)):
            self.say(answer)

    def _take_rtcp(self, datagram):
        try:
            plain = self._receive.unprotect_rtcp(datagram)
        except SRTPError:
            self.counts["broken"] += 1
            return
        self.counts["rtcp"] += 1
        while len(plain) >= 4:
            if plain[1] == 203:
                self.counts["bye"] += 1
            plain = plain[4 + 4 * int.from_bytes(plain[2:4], "big") :]

    def _take_rtp(self, datagram):
        try:
            plain = self._receive.unprotect(datagram)
        except SRTPError:
            self.counts["broken"] += 1
            return
        self.counts["rtp"] += 1
        self._types.get(plain[1] & 0x7F, self.other).add(plain)
        if self.inspect:
            self.inspect(plain)

    def wait_for(self, condition, what, within=PATIENCE):
        with self._changed:
            if not self._changed.wait_for(lambda: self._failure or condition(self), within) or self._failure:
                raise self._failure or AssertionError(f"not within {within:g} s: {what} ({self.video.pictures} pictures, {dict(self.counts)})")

    def wait_until_heard(self, within=PATIENCE):
        """All that was sent from here before has been looked at, and what it is answered with is here: the answer to one more check is."""
        question = self.check_message()
        self.say(question)
        self.wait_for(lambda v: question.transaction_id in v._answered, "the answer to this very check", within)

    def wait_for_pictures(self, count, within=PATIENCE):
        """`count` more than there are now."""
        goal = self.video.pictures + count
        self.wait_for(lambda v: v.video.pictures >= goal, f"{count} more pictures", within)

    def pause(self):
        """Stops reading by itself; the socket stays."""
        self._is_watching = False
        if self._thread:
            self._thread.join()
            self._thread = None

    def close(self):
        self.pause()
        if self.session and self.server.is_running:
            self.leave()
        self.socket.close()


class Stranger:
    """Somebody with a socket and nothing else. What it is sent is counted: it has asked for none of it."""

    def __init__(self, server, host="127.0.0.1", port=0):
        self.socket = udp_socket(host, port)
        self._target = ("::1" if ":" in host else "127.0.0.1", server.ports["udp"])
        self.sent = 0

    def say(self, *datagrams):
        for datagram in map(bytes, datagrams):
            self.socket.sendto(datagram, self._target)
            self.sent += len(datagram)

    def heard(self):
        return drained(self.socket)

    def close(self):
        self.socket.close()

