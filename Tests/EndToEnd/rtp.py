"""The host's side of the API: a real FFmpeg with the outputs that PUT returned; and datagrams that no FFmpeg sends."""

import signal
import socket
import struct
import subprocess


def played(path):
    """FFmpeg's arguments to read a file in real time."""
    return ["-re", "-i", str(path)]


class FFmpeg:
    """Runs until the `with` block ends."""

    def __init__(self, arguments, log_path, program="ffmpeg"):
        self._log = open(log_path, "wb")
        self._process = subprocess.Popen(
            [program, "-nostdin", "-hide_banner", "-loglevel", "warning", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )

    @classmethod
    def feeding(cls, outputs, log_path, source, program="ffmpeg"):
        """`source` reads the input; the outputs are appended as a host appends them."""
        return cls([*source, *(token for leg in outputs for token in [*leg["options"], leg["address"]])], log_path, program)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def kill(self):
        """Without a goodbye."""
        self._process.kill()
        self._process.wait()

    def suspend(self):
        """It says nothing any more, and is still there."""
        self._process.send_signal(signal.SIGSTOP)

    def resume(self):
        self._process.send_signal(signal.SIGCONT)

    def stop(self):
        self.resume()
        self._process.terminate()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()


def rtp_packet(payload_type, sequence, ssrc=0x0BADF00D, payload=b"\x41" + bytes(100)):
    return struct.pack("!BBHII", 0x80, payload_type, sequence & 0xFFFF, sequence * 3000 & 0xFFFFFFFF, ssrc) + payload


def send(port, datagrams):
    """From one socket, as it comes: nobody listens to replies."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for datagram in datagrams:
            sender.sendto(datagram, ("127.0.0.1", port))
