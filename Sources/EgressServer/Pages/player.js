// The page around the player. It plays muted, since browsers let nothing else begin by itself, and turns the sound on at a click.
import { EgressPlayer } from "./egress-player.js";
import { QualityMenu } from "./quality-menu.js";

// Behind the address, where it is sent to nobody: no server sees it, no log has it.
const token = new URLSearchParams(location.hash.slice(1)).get("token");
const video = document.getElementById("video");
const notice = document.getElementById("notice");
const stateText = document.getElementById("state");
const soundButton = document.getElementById("sound");
const toggle = document.getElementById("toggle");
const panel = document.getElementById("stats");

const player = new EgressPlayer(video, document.body.dataset.whep, { token });
// Its state and numbers, for tests.
window.egressPlayer = player;
new QualityMenu(player, document.getElementById("quality"));

const colors = { playing: "active", connecting: "waiting", waiting: "waiting", stopped: "inactive" };

// What the player says, and what can be done about it on this page.
function textFor({ state, message, status }) {
  if (status === 401 && !token) return "This stream needs a token, behind the address of this page: #token=…";
  if (status === 404) return message + " Reload the page to try again.";
  if (state === "waiting") return message + " This page goes on by itself.";
  return message;
}

player.addEventListener("state", ({ detail }) => {
  const text = textFor(detail);
  stateText.textContent = detail.state;
  stateText.className = "state " + colors[detail.state];
  notice.textContent = text;
  notice.hidden = !text;
});

player.addEventListener("track", ({ detail }) => {
  if (detail.track.kind === "audio") soundButton.hidden = !video.muted;
});

soundButton.addEventListener("click", () => {
  video.muted = false;
  soundButton.hidden = true;
  video.play().catch(() => {
    video.muted = true;
    soundButton.hidden = false;
  });
});

toggle.addEventListener("click", () => {
  panel.hidden = !panel.hidden;
  toggle.setAttribute("aria-expanded", String(!panel.hidden));
});

function draw(stats) {
  const unknown = "–";
  const fixed = (value, digits, unit) => (value === null || value === undefined ? unknown : value.toFixed(digits) + unit);
  const rows = {
    "Codec": stats.codec ?? unknown,
    "Resolution": stats.width ? stats.width + " × " + stats.height : unknown,
    "Pictures a second": fixed(stats.framesPerSecond, 0, ""),
    "Bit rate": fixed(stats.bitRate === null ? null : stats.bitRate / 1e6, 2, " Mbit/s"),
    "Packets lost": String(stats.packetsLost),
    "Jitter buffer": fixed(stats.jitterBufferMs, 0, " ms"),
    "Freezes": String(stats.freezeCount),
    "Round trip": fixed(stats.roundTripMs, 1, " ms"),
  };
  panel.replaceChildren(...Object.entries(rows).map(([name, value]) => {
    const group = document.createElement("div");
    const term = document.createElement("dt");
    const text = document.createElement("dd");
    term.textContent = name;
    text.textContent = value;
    group.append(term, text);
    return group;
  }));
}

player.addEventListener("stats", ({ detail }) => { if (!panel.hidden) draw(detail); });

document.getElementById("warning").hidden = document.body.dataset.bFrames !== "true";
// The operator's token opens the list as well.
if (token) for (const link of document.links) link.hash = location.hash;
addEventListener("hashchange", () => location.reload());
// Back from the browser's page cache, also after a refusal.
addEventListener("pageshow", (event) => { if (event.persisted) player.start(); });
player.start();
