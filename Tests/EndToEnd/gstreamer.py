"""Viewers of GStreamer's webrtcbin behind WHEP.

The library is the system's, and so is the Python that has its bindings: `attempt` runs this file as a program, which reads cases as JSON from
its input and writes what came of them to its output. All cases are tried at once.
"""

import json
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request

PYTHON = "/usr/bin/python3"

# Up to 1.22 at least, "balanced" bundles nothing either.
POLICIES = ["max-bundle", "max-compat", "balanced", "none"]
UNBUNDLED = ["balanced", "none"]

# Decoders by the kind of media.
DECODERS = {"video": "rtph264depay ! avdec_h264", "audio": "rtpopusdepay ! opusdec"}
# As its manual has them: no parameters of H.264, no channels of Opus.
CAPS = {
    "video": "application/x-rtp,media=video,encoding-name=H264,payload=96,clock-rate=90000",
    "audio": "application/x-rtp,media=audio,encoding-name=OPUS,payload=97,clock-rate=48000",
}


def attempt(cases, within=100):
    """For each case its `status` and what was `decoded`. A case has `whep`, `order`, `policy` (`none`: no bundle), and `expected`."""
    run = subprocess.run([PYTHON, __file__], input=json.dumps(cases), capture_output=True, text=True, timeout=within)
    assert run.returncode == 0, run.stderr
    print(run.stderr, file=sys.stderr)
    return json.loads(run.stdout)


def _main():
    import gi

    gi.require_version("Gst", "1.0")
    gi.require_version("GstSdp", "1.0")
    gi.require_version("GstWebRTC", "1.0")
    from gi.repository import GLib, Gst, GstSdp, GstWebRTC

    Gst.init(None)
    # The bindings make a class of it at its first use, which must not be on two threads at once.
    assert GstSdp.SDPResult.OK is not None
    loop = GLib.MainLoop()

    class Viewer:
        def __init__(self, case):
            self.case = case
            self.result = {"status": None, "decoded": [], "text": "", "offer": ""}
            self.location = None
            self.pipeline = Gst.Pipeline()
            self.peer = Gst.ElementFactory.make("webrtcbin")
            Gst.util_set_object_arg(self.peer, "bundle-policy", case["policy"])
            self.pipeline.add(self.peer)
            self.peer.connect("pad-added", self.on_pad)
            # Nothing is to be sent, so nothing asks for an offer by itself.
            for kind in case["order"]:
                caps = Gst.Caps.from_string(CAPS[kind])
                self.peer.emit("add-transceiver", GstWebRTC.WebRTCRTPTransceiverDirection.RECVONLY, caps)
            self.pipeline.set_state(Gst.State.PLAYING)
            self.peer.emit("create-offer", None, Gst.Promise.new_with_change_func(self.on_offer))

        def on_offer(self, promise):
            # The offer is the reply's, and goes with it.
            reply = promise.get_reply()
            offer = reply.get_value("offer")
            self.peer.emit("set-local-description", offer, Gst.Promise.new())
            self.result["offer"] = offer.sdp.as_text()
            request = urllib.request.Request(
                self.case["whep"], self.result["offer"].encode(), {"Content-Type": "application/sdp"}, method="POST"
            )
            try:
                with urllib.request.urlopen(request, timeout=30) as response:
                    self.result["status"] = response.status
                    self.result["text"] = response.read().decode()
                    self.location = urllib.parse.urljoin(self.case["whep"], response.headers["Location"])
            except urllib.error.HTTPError as error:
                self.result["status"] = error.code
                self.result["text"] = error.read().decode()
                GLib.idle_add(finish, self)
                return
            _, sdp = GstSdp.SDPMessage.new_from_text(self.result["text"])
            answer = GstWebRTC.WebRTCSessionDescription.new(GstWebRTC.WebRTCSDPType.ANSWER, sdp)
            self.peer.emit("set-remote-description", answer, Gst.Promise.new())

        def on_pad(self, _, pad):
            if pad.direction != Gst.PadDirection.SRC:
                return
            caps = pad.get_current_caps() or pad.query_caps(None)
            kind = caps.get_structure(0).get_string("media")
            sink = Gst.parse_bin_from_description(f"queue ! {DECODERS[kind]} ! fakesink name=sink signal-handoffs=true sync=false", True)
            sink.get_by_name("sink").connect("handoff", lambda *_: GLib.idle_add(self.on_media, kind))
            self.pipeline.add(sink)
            sink.sync_state_with_parent()
            pad.link(sink.sinkpads[0])

        def on_media(self, kind):
            if kind not in self.result["decoded"]:
                self.result["decoded"].append(kind)
                if set(self.case["expected"]) <= set(self.result["decoded"]):
                    finish(self)

        def leave(self):
            self.pipeline.set_state(Gst.State.NULL)
            if not self.location:
                return
            try:
                urllib.request.urlopen(urllib.request.Request(self.location, method="DELETE"), timeout=30).close()
            except urllib.error.HTTPError as error:
                # The server has seen it go before.
                self.result["text"] += error.read().decode()

    running = set()

    def finish(viewer):
        running.discard(viewer)
        if not running:
            loop.quit()

    viewers = [Viewer(case) for case in json.load(sys.stdin)]
    running.update(viewers)
    GLib.timeout_add_seconds(45, loop.quit)
    loop.run()
    for viewer in viewers:
        viewer.leave()
    json.dump([viewer.result | {"decoded": sorted(viewer.result["decoded"])} for viewer in viewers], sys.stdout)


if __name__ == "__main__":
    _main()
