"""A link between viewers and the engine that loses, delays and is only so wide.

A viewer is pointed at it by the candidates of its answer (`candidates_through`). What goes to the engine passes with the delay alone: it is
media that a link of this kind breaks. Loss is drawn from a seed, for packets of the payload types in `lossy` only.
"""

import heapq
import os
import random
import re
import select
import socket
import struct
import threading
import time
from collections import Counter

from link import Link

# <asm-generic/socket.h>: neither has a name in Python.
SO_RCVBUFFORCE = 33
SO_TIMESTAMPNS = 35

RECEIVE_BUFFER_SIZE = 4 << 20


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


def hurry():
    """This thread goes before what else the machine does, where that is allowed: a link is not slow because a browser is busy."""
    try:
        os.sched_setscheduler(threading.get_native_id(), os.SCHED_RR, os.sched_param(1))
    except PermissionError:
        pass


def _socket(host):
    end = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        end.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER_SIZE)
    except PermissionError:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_SIZE)
    end.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    end.setblocking(False)
    end.bind((host, 0))
    return end


class Door:
    """Where one viewer's packets go in and out of the link. The engine sees each at an address of its own."""

    def __init__(self, target):
        self.target = target
        self.viewer = None
        self.front, self.back = _socket("127.0.0.1"), _socket(target[0])
        self.port = self.front.getsockname()[1]

    def close(self):
        self.front.close()
        self.back.close()


class Relay:
    """Runs in a thread until the `with` block ends.

    Its queue is reckoned in the kernel's time of arrival, not in that of this program, which may be late: a packet is dropped when those
    before it would not have left such a link yet. All viewers share the one queue: the first one's door is at `port`, others get theirs by
    `open_door`.
    """

    def __init__(self, engine_port, delay=0.0, bits_per_second=None, queue_size=None, loss=0.0, seed=1, loses_repairs=True, host="127.0.0.1"):
        self._engine = (host, engine_port)
        self._delay = delay
        self.link = Link(bits_per_second, queue_size)
        self._loss = loss
        self._loses_repairs = loses_repairs
        self._random = random.Random(seed)
        self._waiting = []
        self._order = 0
        # Set when the answer is known; nothing is lost before.
        self.lossy = frozenset()
        self.counts = Counter()
        # Sequence numbers by payload type: those that came from the engine, and those that were let through at least once.
        self.offered = {}
        self.passed = {}
        self._doors = [Door(self._engine)]
        self.port = self._doors[0].port
        self._is_running = True
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._is_running = False
        self._thread.join()
        for door in self._doors:
            door.close()

    def open_door(self):
        """For one more viewer, which is pointed at the door's `port`."""
        door = Door(self._engine)
        self._doors = [*self._doors, door]
        return door

    def set_rate(self, bits_per_second):
        """Of what goes to the viewers, from now on; gives the time of it."""
        now = time.time()
        self.link.set_rate(bits_per_second, now)
        return now

    def _run(self):
        hurry()
        while self._is_running:
            doors = self._doors
            ends = {end: door for door in doors for end in (door.front, door.back)}
            readable = select.select(list(ends), [], [], self._pause())[0]
            # In the order in which they came, since doors share a queue.
            for arrival, end, datagram in sorted((found for end in readable for found in self._received(end, ends[end])), key=lambda f: f[0]):
                door = ends[end]
                if end is door.front:
                    self._queue(arrival + self._delay, door.back, door.target, datagram)
                else:
                    self._take_media(arrival, door, datagram)
            self._send_what_is_due()

    def _pause(self):
        times = [self._waiting[0][0]] if self._waiting else []
        if (leaves := self.link.next) is not None:
            times.append(leaves)
        return min(0.05, max(0.0, min(times) - time.time())) if times else 0.05

    @staticmethod
    def _received(end, door):
        while True:
            try:
                datagram, ancillary, _, sender = end.recvmsg(4096, 64)
            except BlockingIOError:
                return
            if end is door.front:
                door.viewer = sender
            seconds, nanoseconds = struct.unpack("@qq", ancillary[0][2])
            yield seconds + nanoseconds / 1e9, end, datagram

    def _take_media(self, arrival, door, datagram):
        if is_rtp(datagram) and not self._may_pass(datagram):
            return
        if not self.link.put(arrival, len(datagram), (door, datagram)):
            self.counts["dropped"] += 1

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
        for leaves, (door, datagram) in self.link.leaving(time.time()):
            if door.viewer:
                self._queue(leaves + self._delay, door.front, door.viewer, datagram)
        while self._waiting and self._waiting[0][0] <= time.time():
            _, _, end, address, datagram = heapq.heappop(self._waiting)
            try:
                end.sendto(datagram, address)
            except OSError:
                self.counts["unsendable"] += 1
