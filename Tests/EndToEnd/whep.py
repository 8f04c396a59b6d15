"""A viewer that is not a browser: aiortc behind WHEP.

Its event loop has a thread of its own, so that tests stay plain functions and Playwright, which has a loop too, does not get in the way.
As a program (`python whep.py URL`) it watches until it is killed, and says so when the first picture is there.
"""

import asyncio
import logging
import sys
import threading
import time
from urllib.parse import urljoin

import aiohttp
import numpy
from aiortc import RTCBundlePolicy, RTCConfiguration, RTCPeerConnection, RTCRtpReceiver, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError
from aiortc.rtp import RtcpSrPacket

import h265
from relay import candidates_through
from waiting import PATIENCE

h265.register()

# aioice tells of every retransmitted check and aiortc of every packet it cannot decode.
logging.getLogger("aioice").setLevel(logging.ERROR)
logging.getLogger("aiortc").setLevel(logging.ERROR)

_loop = asyncio.new_event_loop()
threading.Thread(target=_loop.run_forever, daemon=True).start()


def _wait(coroutine, within=PATIENCE):
    return asyncio.run_coroutine_threadsafe(coroutine, _loop).result(within)


POLICIES = [RTCBundlePolicy.MAX_BUNDLE, RTCBundlePolicy.BALANCED, RTCBundlePolicy.MAX_COMPAT]


def _connection(codec=None, kinds=("video", "audio"), policy=RTCBundlePolicy.BALANCED):
    # Without the default STUN server: nothing leaves this machine.
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[], bundlePolicy=policy))
    for kind in kinds:
        transceiver = connection.addTransceiver(kind, direction="recvonly")
        if codec and kind == "video":
            codecs = RTCRtpReceiver.getCapabilities("video").codecs
            transceiver.setCodecPreferences([c for c in codecs if c.mimeType.lower() == f"video/{codec.lower()}"])
    return connection


def offer(codec=None, kinds=("video", "audio")):
    """An offer's text, for video with one codec only if one is named."""

    async def make():
        connection = _connection(codec, kinds)
        await connection.setLocalDescription(await connection.createOffer())
        text = connection.localDescription.sdp
        await connection.close()
        return text

    return _wait(make())


class Received:
    """What came in on one track."""

    # Enough to compare pictures of the last seconds.
    KEPT = 300

    def __init__(self):
        self.count = 0
        self.times = []
        # Small copies of video frames, peaks of audio frames; the newest last.
        self.samples = []
        self.size = None
        # What `read` makes of each frame, when it is given.
        self.read = None
        self.readings = []

    def add(self, frame):
        self.count += 1
        self.times.append(time.monotonic())
        if self.read:
            self.readings.append(self.read(frame))
        if hasattr(frame, "width"):
            self.size = (frame.width, frame.height)
            self.samples.append(frame.reformat(width=32, height=18, format="rgb24").to_ndarray())
        else:
            self.samples.append(int(numpy.abs(frame.to_ndarray().astype(numpy.int32)).max()))
        del self.samples[: -self.KEPT]

    def longest_gap(self, since):
        """In seconds, between arrivals from a point in time on."""
        times = [t for t in self.times if t >= since]
        return max((b - a for a, b in zip(times, times[1:])), default=0.0)


class Viewer:
    """`kinds` are the sections of its offer, `codec` is the only one of video in it; `context` says what to trust where the URL is https.

    `through` is a relay; `read` is called with each picture.
    """

    def __init__(
        self, url, kinds=("video", "audio"), policy=RTCBundlePolicy.BALANCED, token=None, context=None, codec=None, through=None, read=None
    ):
        self.url = url
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._context = context or True
        self.kinds, self._policy, self._codec = kinds, policy, codec
        self.session = None
        self._through = through
        self.answer = None
        self.video = Received()
        self.video.read = read
        self.audio = Received()
        # Of each track: NTP and RTP time of the sender reports, and the RTP timestamp that aiortc's time 0 stands for.
        self.reports = {"video": [], "audio": []}
        self.origins = {}
        self.state = "new"
        self._changed = threading.Condition()
        self._connection = None

    def __enter__(self):
        return self.connect()

    def __exit__(self, *_):
        self.close()

    def connect(self):
        """Ends with the answer taken in; media comes after it."""
        _wait(self._connect())
        return self

    async def _connect(self):
        connection = self._connection = _connection(self._codec, self.kinds, self._policy)
        connection.on("track", lambda track: asyncio.ensure_future(self._receive(track)))
        connection.on("connectionstatechange", lambda: self._note("state", connection.connectionState))
        self._overhear(connection)
        await connection.setLocalDescription(await connection.createOffer())
        async with aiohttp.ClientSession(headers=self._headers) as client:
            headers = {"Content-Type": "application/sdp"}
            offer = connection.localDescription.sdp
            async with client.post(self.url, data=offer, headers=headers, ssl=self._context) as response:
                text = await response.text()
                assert response.status == 201, f"{response.status} {text}"
                assert response.content_type == "application/sdp"
                self.session = urljoin(self.url, response.headers["Location"])
        self.answer = text
        if self._through:
            text = candidates_through(text, self._through.port)
        await connection.setRemoteDescription(RTCSessionDescription(text, "answer"))

    def _overhear(self, connection):
        """aiortc tells nobody of sender reports: its receivers are looked over the shoulder."""
        for transceiver in connection.getTransceivers():
            receiver, kind = transceiver.receiver, transceiver.kind
            handle_rtcp, handle_rtp = receiver._handle_rtcp_packet, receiver._handle_rtp_packet

            async def rtcp(packet, kind=kind, handle=handle_rtcp):
                if isinstance(packet, RtcpSrPacket):
                    self.reports[kind].append((packet.sender_info.ntp_timestamp, packet.sender_info.rtp_timestamp))
                await handle(packet)

            async def rtp(packet, arrival_time_ms, kind=kind, handle=handle_rtp):
                self.origins.setdefault(kind, packet.timestamp)
                await handle(packet, arrival_time_ms)

            receiver._handle_rtcp_packet, receiver._handle_rtp_packet = rtcp, rtp

    def received(self, kind):
        return self.video if kind == "video" else self.audio

    async def _receive(self, track):
        received = self.received(track.kind)
        while True:
            try:
                frame = await track.recv()
            except MediaStreamError:
                return
            with self._changed:
                received.add(frame)
                self._changed.notify_all()

    def _note(self, name, value):
        with self._changed:
            setattr(self, name, value)
            self._changed.notify_all()

    def wait_for(self, condition, what, within=PATIENCE):
        with self._changed:
            if not self._changed.wait_for(lambda: condition(self), within):
                raise AssertionError(
                    f"not within {within:g} s: {what} (state {self.state}, {self.video.count} pictures, {self.audio.count} sound frames)"
                )

    def wait_for_pictures(self, count, within=PATIENCE):
        """`count` more than there are now."""
        goal = self.video.count + count
        self.wait_for(lambda v: v.video.count >= goal, f"{count} more pictures", within)

    def wait_until_closed(self, within=PATIENCE):
        self.wait_for(lambda v: v.state in ("closed", "failed"), "closed by the other side", within)

    def leave(self):
        """The goodbye of WHEP; returns the status of the DELETE."""

        async def delete():
            async with aiohttp.ClientSession(headers=self._headers) as client:
                async with client.delete(self.session, ssl=self._context) as response:
                    return response.status

        return _wait(delete())

    def close(self):
        if self._connection:
            _wait(self._connection.close())


def main():
    with Viewer(sys.argv[1]) as viewer:
        viewer.wait_for_pictures(1)
        print("watching", flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
