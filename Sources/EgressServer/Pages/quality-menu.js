// The menu of a stream's qualities: what there is, what plays, and what the user wants.

function bitRateText(bitRate) {
  if (bitRate >= 1e6) return (bitRate / 1e6).toFixed(1).replace(".0", "") + " Mbit/s";
  return Math.round(bitRate / 1e4) * 10 + " kbit/s";
}

// Most are named after their size.
function nameOf({ rid, width, height }) {
  return height && !/^\d+p$/.test(rid) ? `${rid}, ${Math.min(width, height)}p` : rid;
}

function textOf(level) {
  return level.bitRate ? `${nameOf(level)} · ${bitRateText(level.bitRate)}` : nameOf(level);
}

function option(value, text) {
  const element = document.createElement("option");
  element.value = value;
  element.textContent = text;
  return element;
}

export class QualityMenu {
  #player;
  #box;
  #select;
  #playing;

  // `box` has a select element and, behind it, one for what plays where that is not what is selected.
  constructor(player, box) {
    this.#player = player;
    this.#box = box;
    this.#select = box.querySelector("select");
    this.#playing = box.querySelector(".playing");
    this.#select.addEventListener("change", () => player.choose(this.#select.value || null));
    player.addEventListener("quality", () => this.#draw());
  }

  #draw() {
    const { qualities, quality } = this.#player;
    this.#box.hidden = qualities.length === 0;
    const playing = qualities.find((level) => level.isPlaying);
    const automatic = quality === null && playing ? `Auto (${nameOf(playing)})` : "Auto";
    this.#fill([["", automatic], ...qualities.map((level) => [level.rid, textOf(level)])]);
    this.#select.value = quality ?? "";
    this.#playing.textContent = !playing ? "sound alone" : quality !== null && quality !== playing.rid ? `now ${nameOf(playing)}` : "";
  }

  // A list that is open, or has the focus, keeps its elements as long as it offers the same.
  #fill(rows) {
    const options = [...this.#select.options];
    const isSame = options.length === rows.length && rows.every(([value], index) => options[index].value === value);
    if (!isSame) return this.#select.replaceChildren(...rows.map(([value, text]) => option(value, text)));
    rows.forEach(([, text], index) => { if (options[index].textContent !== text) options[index].textContent = text; });
  }
}
