"""A camera that sends MPEG-TS over TCP to whoever connects, and can be set up anew meanwhile."""

import signal
import socket
import subprocess
import threading


class Camera:
    """At a port of the system's choice, until the block ends. Whoever connects gets a film, over and over, as `options` of FFmpeg make it."""

    def __init__(self, film, *options):
        self._film = film
        self._options = options
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._senders = []
        self._thread = threading.Thread(target=self._serve, daemon=True)

    @property
    def url(self):
        return f"tcp://127.0.0.1:{self._listener.getsockname()[1]}"

    def set_up(self, *options):
        """It hangs up, as cameras do, and sends something else from then on."""
        self._options = options
        self._hang_up()

    def fall_silent(self):
        """To those that are connected; the connections stay open."""
        for sender in self._senders:
            sender.send_signal(signal.SIGSTOP)

    def _serve(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            command = ["ffmpeg", "-nostdin", "-v", "error", "-re", "-stream_loop", "-1", "-i", self._film, *self._options, "-f", "mpegts", "pipe:1"]
            with connection:
                self._senders.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=connection, stderr=subprocess.DEVNULL))

    def _hang_up(self):
        while self._senders:
            sender = self._senders.pop()
            sender.kill()
            sender.wait()

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        self._hang_up()
