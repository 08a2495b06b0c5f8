// A scale bar: a round length in micrometres, as long as fits into a few centimetres of screen.
import { el } from "./dom.js";
import { micrometres } from "./format.js";

const maxPx = 140;

/** The longest of 1, 2, 5 × 10ⁿ µm that is at most maxPx long; micrometresPerPx is of the screen. */
export function roundLength(micrometresPerPx) {
  const longest = micrometresPerPx * maxPx;
  const power = 10 ** Math.floor(Math.log10(longest));
  const step = [5, 2, 1].find((factor) => factor * power <= longest);
  return step * power;
}

export class ScaleBar {
  constructor() {
    this.label = el("span", { class: "scale-label" });
    this.line = el("span", { class: "scale-line", "aria-hidden": "true" });
    this.element = el("div", { class: "scale-bar", hidden: true }, this.label, this.line);
  }

  /** Shows the scale; hidden when the slide does not say how large its pixels are. */
  update(micrometresPerPx) {
    const known = Number.isFinite(micrometresPerPx) && micrometresPerPx > 0;
    this.element.hidden = !known;
    if (!known) return;
    const length = roundLength(micrometresPerPx);
    this.line.style.width = `${(length / micrometresPerPx).toFixed(1)}px`;
    this.label.textContent = micrometres(length);
  }
}
