"""A link between one viewer and the engine that loses, delays and is only so wide.

The viewer is pointed at it by the candidates of its answer (`candidates_through`). What goes to the engine passes with the delay alone: it is
media that a link of this kind breaks. Loss is drawn from a seed, for packets of the payload types in `lossy` only.
"""

import heapq
import random
import re
import select
import socket
import struct
import threading
import time
from collections import Counter

# <asm-generic/socket.h>: neither has a name in Python.
SO_RCVBUFFORCE = 33
SO_TIMESTAMPNS = 35

RECEIVE_BUFFER_SIZE = 4 << 20
UDP_AND_IP = 28


def payload_types(answer, kind):
    """Of one section of an answer: those of its media and of their retransmissions."""
    line = re.search(rf"^m={kind} \d+ \S+ ([\d ]+)", answer, re.MULTILINE)
    return frozenset(int(number) for number in line[1].split())


def candidates_through(answer, port):
    """The answer with one candidate in place of its own: a port of this machine."""
    candidate = f"a=candidate:1 1 udp 2130706431 127.0.0.1 {port} typ host"
    lines = []
    for line in answer.split("\r\n"):
        if not line.startswith("a=candidate:"):
            lines.append(line)
        elif candidate not in lines[-1:]:
            lines.append(candidate)
    return "\r\n".join(lines)


def is_rtp(datagram):
    return len(datagram) >= 12 and 128 <= datagram[0] <= 191 and not 192 <= datagram[1] <= 223


class Relay:
    """Runs in a thread until the `with` block ends.

    Its queue is reckoned in the kernel's time of arrival, not in that of this program, which may be late: a packet is dropped when those
    before it would not have left such a link yet.
    """

    def __init__(self, engine_port, delay=0.0, bits_per_second=None, queue_size=None, loss=0.0, seed=1, loses_repairs=True):
        self._engine = ("127.0.0.1", engine_port)
        self._delay = delay
        self._rate = bits_per_second
        self._queue_size = queue_size
        self._loss = loss
        self._loses_repairs = loses_repairs
        self._random = random.Random(seed)
        self._free_at = 0.0
        self._viewer = None
        self._waiting = []
        self._order = 0
        # Set when the answer is known; nothing is lost before.
        self.lossy = frozenset()
        self.counts = Counter()
        # Sequence numbers by payload type: those that came from the engine, and those that were let through at least once.
        self.offered = {}
        self.passed = {}
        self._front = self._socket()
        self._back = self._socket()
        self.port = self._front.getsockname()[1]
        self._is_running = True
        self._thread = threading.Thread(target=self._run, daemon=True)

    @staticmethod
    def _socket():
        end = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            end.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER_SIZE)
        except PermissionError:
            end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_SIZE)
        end.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        end.setblocking(False)
        end.bind(("127.0.0.1", 0))
        return end

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._is_running = False
        self._thread.join()
        self._front.close()
        self._back.close()

    def _run(self):
        while self._is_running:
            pause = 0.05
            if self._waiting:
                pause = min(pause, max(0.0, self._waiting[0][0] - time.time()))
            for end in select.select([self._front, self._back], [], [], pause)[0]:
                self._receive(end)
            self._send_what_is_due()

    def _receive(self, end):
        while True:
            try:
                datagram, ancillary, _, sender = end.recvmsg(4096, 64)
            except BlockingIOError:
                return
            seconds, nanoseconds = struct.unpack("@qq", ancillary[0][2])
            arrival = seconds + nanoseconds / 1e9
            if end is self._front:
                self._viewer = sender
                self._queue(arrival + self._delay, self._back, self._engine, datagram)
            else:
                self._take_media(arrival, datagram)

    def _take_media(self, arrival, datagram):
        if is_rtp(datagram) and not self._may_pass(datagram):
            return
        leaves = arrival
        if self._rate:
            begins = max(arrival, self._free_at)
            if (begins - arrival) * self._rate / 8 + len(datagram) + UDP_AND_IP > self._queue_size:
                self.counts["dropped"] += 1
                return
            leaves = self._free_at = begins + (len(datagram) + UDP_AND_IP) * 8 / self._rate
        if self._viewer:
            self._queue(leaves + self._delay, self._front, self._viewer, datagram)

    def _may_pass(self, datagram):
        payload_type = datagram[1] & 0x7F
        if payload_type not in self.lossy:
            return True
        sequence = int.from_bytes(datagram[2:4], "big")
        self.counts["offered"] += 1
        offered = self.offered.setdefault(payload_type, set())
        may_be_lost = self._loses_repairs or sequence not in offered
        offered.add(sequence)
        if may_be_lost and self._random.random() < self._loss:
            self.counts["lost"] += 1
            return False
        self.passed.setdefault(payload_type, set()).add(sequence)
        return True

    def _queue(self, due, end, address, datagram):
        self._order += 1
        heapq.heappush(self._waiting, (due, self._order, end, address, datagram))

    def _send_what_is_due(self):
        while self._waiting and self._waiting[0][0] <= time.time():
            _, _, end, address, datagram = heapq.heappop(self._waiting)
            try:
                end.sendto(datagram, address)
            except OSError:
                self.counts["unsendable"] += 1
