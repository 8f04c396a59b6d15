"""H.265 for aiortc, which has its receiving, jitter buffer and repair, but not this codec: RFC 7798's payloads, and FFmpeg's decoder."""

import struct

import aiortc.codecs
import aiortc.rtcrtpreceiver
import av
from aiortc.mediastreams import VIDEO_TIME_BASE
from aiortc.rtcrtpparameters import RTCRtcpFeedback, RTCRtpCodecParameters

MIME_TYPE = "video/H265"
PAYLOAD_TYPE = 113

START = b"\0\0\0\1"
HEADER_SIZE = 2
AGGREGATION, FRAGMENT = 48, 49


def depayload(payload):
    """A packet's part of a byte stream."""
    kind = payload[0] >> 1 & 0x3F
    if kind == AGGREGATION:
        return b"".join(START + unit for unit in _aggregated(payload[HEADER_SIZE:]))
    if kind != FRAGMENT:
        return START + payload
    fragment = payload[HEADER_SIZE]
    header = bytes([payload[0] & 0x81 | (fragment & 0x3F) << 1, payload[1]])
    return (START + header if fragment & 0x80 else b"") + payload[HEADER_SIZE + 1 :]


def _aggregated(rest):
    while rest:
        (size,) = struct.unpack_from("!H", rest)
        yield rest[2 : 2 + size]
        rest = rest[2 + size :]


class Decoder:
    def __init__(self):
        self._codec = av.CodecContext.create("hevc", "r")

    def decode(self, frame):
        packet = av.Packet(frame.data)
        packet.pts, packet.time_base = frame.timestamp, VIDEO_TIME_BASE
        return self._codec.decode(packet)


def register():
    """It is offered behind what aiortc offers by itself."""
    feedback = [RTCRtcpFeedback("nack"), RTCRtcpFeedback("nack", "pli")]
    parameters = {"profile-id": "1", "tier-flag": "0", "level-id": "93", "tx-mode": "SRST"}
    aiortc.codecs.CODECS["video"] += [
        RTCRtpCodecParameters(MIME_TYPE, 90000, payloadType=PAYLOAD_TYPE, rtcpFeedback=feedback, parameters=parameters),
        RTCRtpCodecParameters("video/rtx", 90000, payloadType=PAYLOAD_TYPE + 1, parameters={"apt": PAYLOAD_TYPE}),
    ]
    receiver = aiortc.rtcrtpreceiver
    others, decoders = receiver.depayload, receiver.get_decoder
    receiver.depayload = lambda codec, payload: depayload(payload) if codec.mimeType == MIME_TYPE else others(codec, payload)
    receiver.get_decoder = lambda codec: Decoder() if codec.mimeType == MIME_TYPE else decoders(codec)
