// The uploads of this visit: a row each, from the first byte to the viewable slide.
import { takesParts, upload } from "./api.js";
import { announce, el, iconButton } from "./dom.js";
import { bytes, reason, stage } from "./format.js";
import { icon } from "./icons.js";
import { followImport } from "./imports.js";
import { giveUp, sendInParts } from "./parts.js";
import { slideHash } from "./route.js";

const parallel = 2;

/** The uploads panel. onChange is called when a slide appears or changes. */
export class Uploads {
  #waiting = [];
  #running = 0;
  #rows = el("ul", { class: "upload-rows" });

  constructor(onChange) {
    this.onChange = onChange;
    this.element = el("section", { class: "uploads", "aria-label": "Uploads", hidden: true }, this.#rows);
  }

  /** Takes files from the button or from a drop. */
  add(files) {
    const list = [...files];
    if (!list.length) return;
    for (const file of list) this.#waiting.push(new Row(file, this));
    announce(list.length === 1 ? `Uploading ${list[0].name}` : `Uploading ${list.length} files`);
    this.#next();
  }

  show(row) {
    this.#rows.append(row.element);
    this.element.hidden = false;
  }

  remove(row) {
    this.#waiting = this.#waiting.filter((other) => other !== row);
    row.element.remove();
    this.element.hidden = this.#rows.children.length === 0;
  }

  /** Takes a row again whose upload has failed. */
  again(row) {
    this.#waiting.push(row);
    this.#next();
  }

  async #next() {
    while (this.#running < parallel && this.#waiting.length) {
      const row = this.#waiting.shift();
      this.#running++;
      row.run().finally(() => { this.#running--; this.#next(); });
    }
  }
}

/** One file on its way. */
class Row {
  #abort = new AbortController();
  #stopFollowing = () => {};

  constructor(file, uploads) {
    this.file = file;
    this.uploads = uploads;
    this.fill = el("div", { class: "bar-fill" });
    this.bar = el("div", { class: "bar", role: "progressbar", "aria-label": `Progress of ${file.name}`, "aria-valuemin": 0, "aria-valuemax": 100 }, this.fill);
    this.text = el("p", { class: "upload-text" }, "Waiting");
    this.action = el("span", { class: "upload-action" }, this.#cancelButton());
    this.element = el("li", { class: "upload-row" },
      el("div", { class: "upload-head" },
        el("span", { class: "upload-name", title: file.name }, file.name),
        el("span", { class: "upload-size" }, bytes(file.size))),
      this.action, this.bar, this.text);
    uploads.show(this);
  }

  /** Sends the file; resolves when the connection is free for another one. */
  async run() {
    try {
      const send = await takesParts(this.#abort.signal) ? sendInParts : upload;
      const id = await send(this.file, { signal: this.#abort.signal, onProgress: (sent, total) => this.#sent(sent, total) });
      this.#progress(null, "Uploaded, waiting to be imported");
      this.action.replaceChildren();
      this.uploads.onChange();
      this.#stopFollowing = followImport(id, (report) => this.#report(report));
    } catch (error) {
      if (error.name === "AbortError") return;
      this.#failed("Upload failed", error.message);
      this.action.replaceChildren(
        el("button", { type: "button", class: "button small", onclick: () => this.#again() }, "Try again"),
        iconButton(icon("close"), `Hide ${this.file.name}`, () => {
          giveUp(this.file);
          this.uploads.remove(this);
        }));
    }
  }

  #again() {
    this.element.classList.remove("failed");
    this.#progress(0, "Waiting");
    this.action.replaceChildren(this.#cancelButton());
    this.uploads.again(this);
  }

  #cancelButton() {
    return iconButton(icon("close"), `Cancel ${this.file.name}`, () => this.#cancel());
  }

  #sent(sent, total) {
    if (sent >= total) return this.#progress(null, "Uploaded, the server is storing it");
    this.#progress(sent / total, `${bytes(sent)} of ${bytes(total)} uploaded`);
  }

  #report(report) {
    if (report.state === "failed") return this.#failed("Import failed", reason(report.error));
    if (report.state === "done" && report.viewable === false) return this.#failed("Stored, but it can not be viewed yet", report.why ?? "");
    if (report.state === "unpacked") return this.#unpacked(report);
    if (report.state === "done") return this.#done(report.id);
    const share = typeof report.progress === "number" && report.progress > 0 ? report.progress : null;
    this.#progress(share, stage(report.state));
  }

  #done(id) {
    this.element.classList.add("done");
    this.#progress(1, "Ready");
    this.action.replaceChildren(
      el("a", { class: "button small", href: slideHash(id) }, "Open"),
      iconButton(icon("close"), `Hide ${this.file.name}`, () => this.uploads.remove(this)));
    announce(`${this.file.name} is ready`);
    this.uploads.onChange();
  }

  /** An archive's slides have imports of their own, which the list shows. */
  #unpacked(report) {
    const count = (report.archive?.members ?? []).filter((member) => member.id).length;
    this.element.classList.add("done");
    this.#progress(1, `Unpacked: ${count} files are imported`);
    this.action.replaceChildren(iconButton(icon("close"), `Hide ${this.file.name}`, () => this.uploads.remove(this)));
    announce(`${this.file.name} is unpacked`);
    this.uploads.onChange();
  }

  #failed(title, sentence) {
    this.element.classList.add("failed");
    this.#progress(1, "");
    this.text.replaceChildren(el("strong", {}, `${title}. `), sentence);
    this.action.replaceChildren(iconButton(icon("close"), `Hide ${this.file.name}`, () => this.uploads.remove(this)));
    announce(`${this.file.name}: ${title}. ${sentence}`);
    this.uploads.onChange();
  }

  /** share is 0 to 1, or null while it is not known how long it takes. */
  #progress(share, text) {
    this.bar.classList.toggle("unknown", share === null);
    if (share === null) this.bar.removeAttribute("aria-valuenow");
    else this.bar.setAttribute("aria-valuenow", Math.round(share * 100));
    this.bar.setAttribute("aria-valuetext", text);
    this.fill.style.width = share === null ? "" : `${(share * 100).toFixed(1)}%`;
    this.text.textContent = text;
  }

  #cancel() {
    this.#abort.abort();
    this.#stopFollowing();
    this.uploads.remove(this);
    announce(`${this.file.name}: upload cancelled`);
  }
}
