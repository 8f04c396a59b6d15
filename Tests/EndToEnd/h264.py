"""Which picture of a film a packet begins: by the first bytes of its slice, which no two pictures of a noisy film share."""

import itertools
import struct

import av

KEPT = 48
SLICES = (1, 5)
STAP_A, FU_A = 24, 28


def _units(annex_b):
    """NAL units behind start codes."""
    for part in annex_b.split(b"\0\0\1")[1:]:
        yield part.rstrip(b"\0")


def _first_slice(units):
    return next((unit[1 : 1 + KEPT] for unit in units if unit and unit[0] & 31 in SLICES), None)


def pictures(path, count):
    """Of each rendition of a film: slice to (rendition, number of the picture), and the timestamps of all of them."""
    known, times = {}, {}
    with av.open(str(path)) as film:
        counters = [itertools.count() for _ in range(count)]
        for packet in film.demux(film.streams.video[:count]):
            if packet.size:
                rendition = packet.stream.index
                number = next(counters[rendition])
                known[_first_slice(_units(bytes(packet)))] = (rendition, number)
                times[rendition, number] = packet.pts
    assert None not in known and len(known) == len(times), "pictures that can't be told apart"
    return known, times


def payload(packet):
    """Of an RTP packet without padding."""
    at = 12 + 4 * (packet[0] & 15)
    if packet[0] & 0x10:
        at += 4 + 4 * struct.unpack_from("!H", packet, at + 2)[0]
    return packet[at:]


def slice_in(packet):
    """The first bytes of the slice that begins in an RTP packet; None: none does."""
    body = payload(packet)
    kind = body[0] & 31
    if kind == STAP_A:
        return _first_slice(_aggregated(body))
    if kind == FU_A:
        return body[2 : 2 + KEPT] if body[1] & 0x80 and body[1] & 31 in SLICES else None
    return _first_slice([body])


def _aggregated(body):
    at = 1
    while at + 2 <= len(body):
        size = struct.unpack_from("!H", body, at)[0]
        yield body[at + 2 : at + 2 + size]
        at += 2 + size
