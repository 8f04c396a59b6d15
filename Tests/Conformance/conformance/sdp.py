"""Offers as a player makes them, and what the rows look for in answers."""

import os
import secrets
import string

_CHARACTERS = string.ascii_letters + string.digits

H264 = [(102, "42001f"), (104, "42e01f"), (106, "4d001f"), (108, "64001f"), (110, "640c1f")]
OTHERS = [(96, "VP8/90000", None), (98, "VP9/90000", "profile-id=0"), (100, "AV1/90000", None), (112, "H265/90000", None)]

CANDIDATES = [
    "candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host",
    "candidate:473322822 1 tcp 1518280447 192.0.2.1 9 typ host tcptype active",
    "candidate:3283763799 1 udp 2113937151 28465703-5b2b-470d-a1c7-4804a9895302.local 44898 typ host",
    "candidate:7 1 udp 2113937151 no-such-name.invalid 44898 typ host",
]


def _text(size):
    return "".join(secrets.choice(_CHARACTERS) for _ in range(size))


class Credentials:
    def __init__(self):
        self.ufrag = _text(4)
        self.pwd = _text(24)

    @property
    def lines(self):
        return [f"a=ice-ufrag:{self.ufrag}", f"a=ice-pwd:{self.pwd}"]


def text(lines):
    return "".join(line + "\r\n" for line in lines)


def fragment(credentials=None, candidates=(), kind="video", mid="0"):
    lines = ["a=group:BUNDLE 0 1", f"m={kind} 9 UDP/TLS/RTP/SAVPF 0", f"a=mid:{mid}"]
    lines += credentials.lines if credentials else []
    return text(lines + [f"a={candidate}" for candidate in candidates])


def _transport(credentials, setup, direction, mid, candidates):
    fingerprint = ":".join(f"{byte:02X}" for byte in os.urandom(32))
    lines = ["c=IN IP4 0.0.0.0", f"a=mid:{mid}", f"a={direction}", "a=rtcp-mux", "a=rtcp-mux-only", *credentials.lines]
    lines += ["a=ice-options:trickle", f"a=fingerprint:sha-256 {fingerprint}", f"a=setup:{setup}"]
    return lines + [f"a={candidate}" for candidate in candidates]


def _video(codecs):
    lines = []
    formats = []
    if "H264" in codecs:
        for number, profile in H264:
            formats += [number, number + 1]
            parameters = f"level-asymmetry-allowed=1;packetization-mode=1;profile-level-id={profile}"
            lines += [f"a=rtpmap:{number} H264/90000", f"a=fmtp:{number} {parameters}", f"a=rtcp-fb:{number} nack"]
            lines += [f"a=rtcp-fb:{number} nack pli", f"a=rtpmap:{number + 1} rtx/90000", f"a=fmtp:{number + 1} apt={number}"]
    for number, name, parameters in OTHERS if codecs == "all H264" else []:
        formats.append(number)
        lines += [f"a=rtpmap:{number} {name}", f"a=rtcp-fb:{number} nack", f"a=rtcp-fb:{number} nack pli"]
        lines += [f"a=fmtp:{number} {parameters}"] if parameters else []
    if codecs == "none":
        formats.append(120)
        lines.append("a=rtpmap:120 x-nobody-has-this/90000")
    return formats, lines


def offer(credentials, direction="recvonly", candidates=(), codecs="all H264", setup="actpass"):
    """One video and one audio section, bundled. `codecs="none"`: what no server has."""
    lines = ["v=0", f"o=- {secrets.randbits(62)} 2 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=group:BUNDLE 0 1"]
    formats, attributes = _video(codecs)
    lines.append(f"m=video 9 UDP/TLS/RTP/SAVPF {' '.join(map(str, formats))}")
    lines += _transport(credentials, setup, direction, "0", candidates) + attributes
    sound = "x-nobody-has-this/48000/2" if codecs == "none" else "opus/48000/2"
    lines.append("m=audio 9 UDP/TLS/RTP/SAVPF 111")
    lines += _transport(credentials, setup, direction, "1", []) + [f"a=rtpmap:111 {sound}", "a=fmtp:111 minptime=10;useinbandfec=1"]
    return text(lines)


def answer(counter_offer, credentials, setup="active"):
    """Takes what a counter-offer has, as it is."""
    description = Description(counter_offer)
    lines = ["v=0", f"o=- {secrets.randbits(62)} 2 IN IP4 127.0.0.1", "s=-", "t=0 0"]
    lines += [f"a=group:{group}" for group in description.values("group")]
    for section in description.sections:
        lines.append(f"m={section.media}")
        lines += _transport(credentials, setup, "recvonly", section.value("mid") or "0", [])
        for name in ("rtpmap", "fmtp", "rtcp-fb"):
            lines += [f"a={name}:{value}" for value in section.values(name)]
    return text(lines)


class _Attributes:
    def __init__(self):
        self.attributes = []

    def values(self, name):
        return [value for key, value in self.attributes if key == name]

    def value(self, name):
        return next(iter(self.values(name)), None)

    def has(self, name):
        return any(key == name for key, _ in self.attributes)


class Section(_Attributes):
    def __init__(self, media):
        super().__init__()
        self.media = media
        self.kind, self.port, *_ = media.split()

    @property
    def direction(self):
        return next((key for key, _ in self.attributes if key in ("sendonly", "sendrecv", "recvonly", "inactive")), "sendrecv")

    @property
    def is_accepted(self):
        return self.port != "0" or self.has("bundle-only")


class Description(_Attributes):
    """An SDP or a fragment of one."""

    def __init__(self, text):
        super().__init__()
        self.is_sdp = text.startswith("v=0")
        self.sections = []
        for line in text.splitlines():
            if line.startswith("m="):
                self.sections.append(Section(line[2:]))
            elif line.startswith("a="):
                key, _, value = line[2:].partition(":")
                (self.sections[-1] if self.sections else self).attributes.append((key, value))

    @property
    def accepted(self):
        return [section for section in self.sections if section.is_accepted]

    def first(self, name):
        """Of the accepted section that has it, or of the session."""
        return next((section.value(name) for section in self.accepted if section.has(name)), self.value(name))

    @property
    def candidates(self):
        return [value.split() for owner in (self, *self.sections) for value in owner.values("candidate")]
