"""A narrow place on the way: a token bucket that is one packet deep, with a queue in front of it that drops what does not fit.

It decides when packets leave, in the time that its caller tells, and sends nothing.
"""

import threading
from collections import deque

UDP_AND_IP = 28


class Link:
    """`bits_per_second` may change while it runs: what waits leaves at the new rate. Without a rate nothing waits."""

    def __init__(self, bits_per_second=None, queue_size=None):
        self._rate = bits_per_second
        self._queue_size = queue_size
        # [(arrival, size, packet)], of which none has begun to leave.
        self._waiting = deque()
        self._waiting_size = 0
        # When the packet that leaves now has left.
        self._free_at = 0.0
        self._gone = []
        self._lock = threading.Lock()
        # [(time, bytes that wait)] at each arrival, and the times of drops.
        self.levels = []
        self.drops = []

    def set_rate(self, bits_per_second, now):
        with self._lock:
            self._serve(now)
            self._rate = bits_per_second

    def put(self, arrival, size, packet):
        """Takes a datagram's payload of `size` bytes. False: it did not fit, and is lost."""
        size += UDP_AND_IP
        with self._lock:
            self._serve(arrival)
            waits = self._waiting_size
            if self._rate:
                waits += int(max(0.0, self._free_at - arrival) * self._rate / 8)
                self.levels.append((arrival, waits))
                if waits + size > self._queue_size:
                    self.drops.append(arrival)
                    return False
            self._waiting.append((arrival, size, packet))
            self._waiting_size += size
            return True

    def leaving(self, now):
        """[(when it has left, packet)] of those that have begun to leave by now and were not told before."""
        with self._lock:
            self._serve(now)
            gone, self._gone = self._gone, []
            return gone

    @property
    def next(self):
        """When `leaving` has more to tell; None: nothing waits."""
        with self._lock:
            if self._gone:
                return self._gone[0][0]
            return max(self._free_at, self._waiting[0][0]) if self._waiting else None

    def _serve(self, until):
        while self._waiting and (begins := max(self._free_at, self._waiting[0][0])) <= until:
            _, size, packet = self._waiting.popleft()
            self._waiting_size -= size
            self._free_at = begins + (size * 8 / self._rate if self._rate else 0.0)
            self._gone.append((self._free_at, packet))
