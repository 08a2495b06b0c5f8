// The list of slides.
import { deleteSlide, imageAddress, listSlides } from "./api.js";
import { announce, confirmDialog, el, iconButton } from "./dom.js";
import { bytes, dimensions, magnification, reason, stage } from "./format.js";
import { icon } from "./icons.js";
import { slideHash } from "./route.js";

const refreshMs = 5000;
// The server spends at most this share of its time on listing for one page.
const refreshShare = 0.05;
const cardsAtOnce = 120;

/** The list: cards that keep up with the server while the list is shown. */
export class SlideList {
  #items = [];
  #shown = "";
  #timer = 0;
  #filter = "";
  #loading = null;
  #limit = cardsAtOnce;

  constructor({ onPick, mayUpload }) {
    this.grid = el("ul", { class: "grid", "aria-label": "Slides" });
    this.message = el("div", { class: "list-message" });
    this.count = el("h2");
    this.search = el("input", { type: "search", class: "search-input", placeholder: "Find by name", "aria-label": "Find a slide by name", oninput: () => {
      this.#filter = this.search.value.trim().toLowerCase();
      this.#limit = cardsAtOnce;
      this.#render();
    } });
    this.onPick = onPick;
    this.mayUpload = mayUpload;
    this.tools = el("div", { class: "list-tools", hidden: true },
      this.count,
      el("label", { class: "search" }, icon("search"), this.search));
    this.more = el("button", { type: "button", class: "button more", hidden: true, onclick: () => {
      const next = this.grid.children.length;
      this.#limit += cardsAtOnce;
      this.#render();
      this.grid.children[next]?.querySelector("a, button")?.focus();
    } }, "Show more");
    this.element = el("section", { class: "list" }, this.tools, this.message, this.grid, this.more);
  }

  /** Starts following the server. */
  start() {
    this.stop();
    this.refresh();
  }

  stop() {
    clearTimeout(this.#timer);
    this.#loading?.abort();
  }

  /** Forgets what is listed: it was for somebody else. */
  clear() {
    this.stop();
    this.#items = [];
    this.#shown = "";
    this.tools.hidden = this.more.hidden = true;
    this.message.replaceChildren();
    this.grid.replaceChildren();
  }

  /** Asks the server now; the cards change only when the answer did. */
  async refresh() {
    clearTimeout(this.#timer);
    this.#loading?.abort();
    const loading = (this.#loading = new AbortController());
    const began = performance.now();
    try {
      this.#items = await listSlides(loading.signal);
      this.#render();
    } catch (error) {
      if (error.name === "AbortError") return;
      this.#shown = "";
      this.message.replaceChildren(this.#problem(error.message));
    }
    const pause = Math.max(refreshMs, (performance.now() - began) / refreshShare);
    this.#timer = setTimeout(() => this.#refreshWhenSeen(), pause);
  }

  /** Nobody looks at a page in the background: it asks when it is looked at again. */
  #refreshWhenSeen() {
    if (!document.hidden) this.refresh();
    else document.addEventListener("visibilitychange", () => this.#refreshWhenSeen(), { once: true });
  }

  #render() {
    const key = JSON.stringify([this.#items, this.#filter, this.#limit]);
    if (key === this.#shown) return;
    this.#shown = key;

    const newestFirst = [...this.#items].sort((a, b) => String(b.createdAt).localeCompare(String(a.createdAt)));
    const visible = newestFirst.filter((item) => (item.name ?? item.id).toLowerCase().includes(this.#filter));
    this.tools.hidden = this.#items.length === 0;
    this.count.textContent = this.#items.length === 1 ? "1 slide" : `${this.#items.length} slides`;
    this.#renderMessage(visible.length);
    this.#renderCards(visible.slice(0, this.#limit));
    this.more.hidden = visible.length <= this.#limit;
  }

  #renderMessage(visible) {
    if (!this.#items.length) this.message.replaceChildren(this.#empty());
    else if (!visible) this.message.replaceChildren(el("p", { class: "nothing" }, `No slide has “${this.search.value.trim()}” in its name.`));
    else this.message.replaceChildren();
  }

  /** Cards that did not change stay in the document, with their focus and picture. */
  #renderCards(items) {
    const old = new Map([...this.grid.children].map((card) => [card.dataset.key, card]));
    const cards = items.map((item) => {
      const key = JSON.stringify(item);
      const card = old.get(key) ?? this.#card(item);
      card.dataset.key = key;
      return card;
    });
    const focused = this.grid.contains(document.activeElement) ? document.activeElement : null;
    if (cards.length !== this.grid.children.length || cards.some((card, i) => card !== this.grid.children[i])) {
      this.grid.replaceChildren(...cards);
      focused?.focus({ preventScroll: true });
    }
  }

  #card(item) {
    const name = item.name ?? item.id;
    if (item.state === "failed") return this.#failedCard(item, name);
    if (item.state === "unpacked") return this.#sadCard(item, name, "unviewable", "Archive, unpacked", "Its slides are in the list by themselves.");
    if (item.state !== "done") return this.#pendingCard(item, name);
    if (item.viewable === false) return this.#unviewableCard(item, name);
    const picture = el("img", {
      src: imageAddress(item.path, "/thumb.jpg?length=512"), alt: "", loading: "lazy", decoding: "async",
      onerror: () => picture.replaceWith(el("span", { class: "no-picture" }, "No preview")),
    });
    const facts = [item.format, item.magnification ? magnification(item.magnification) : null].filter(Boolean);
    return el("li", { class: "card" },
      el("a", { class: "card-link", href: slideHash(item.id) },
        el("div", { class: "picture" }, picture),
        el("div", { class: "card-body" },
          el("h3", { title: name }, name),
          el("p", { class: "facts" },
            item.width ? dimensions(item.width, item.height) : "",
            item.sizeBytes ? ` · ${bytes(item.sizeBytes)}` : ""),
          el("p", { class: "tags" }, facts.map((fact) => el("span", { class: "tag" }, fact))))),
      iconButton(icon("trash"), `Delete ${name}`, () => this.#delete(item, name), { class: "icon-button card-delete needs-admin" }));
  }

  #pendingCard(item, name) {
    return el("li", { class: "card pending" },
      el("div", { class: "picture" }, el("span", { class: "spinner", "aria-hidden": "true" })),
      el("div", { class: "card-body" },
        el("h3", { title: name }, name),
        el("p", { class: "facts" }, `${stage(item.state)}…`)));
  }

  #failedCard(item, name) {
    return this.#sadCard(item, name, "failed", "Import failed", reason(item.error));
  }

  #unviewableCard(item, name) {
    return this.#sadCard(item, name, "unviewable", "Stored, not viewable yet", `The server has no way yet to show a ${item.format ?? "file"} stored like this one.`);
  }

  #sadCard(item, name, kind, title, sentence) {
    return el("li", { class: `card ${kind}` },
      el("div", { class: "picture" }, icon("warning")),
      el("div", { class: "card-body" },
        el("h3", { title: name }, name),
        el("p", { class: "failed-title" }, title),
        el("p", { class: "failed-reason", title: sentence }, sentence)),
      iconButton(icon("trash"), `Delete ${name}`, () => this.#delete(item, name), { class: "icon-button card-delete needs-admin" }));
  }

  #empty() {
    if (!this.mayUpload()) {
      return el("div", { class: "empty" },
        el("div", { class: "empty-art", "aria-hidden": "true" }, icon("details")),
        el("h2", {}, "No slides"),
        el("p", {}, "There is no slide here that you may see."));
    }
    return el("div", { class: "empty" },
      el("div", { class: "empty-art", "aria-hidden": "true" }, icon("upload")),
      el("h2", {}, "Add your first slide"),
      el("p", {}, "Drop files anywhere on this page, or choose them. A slide can be viewed seconds after it has arrived."),
      el("button", { type: "button", class: "button primary", onclick: () => this.onPick() }, "Choose files"));
  }

  #problem(sentence) {
    return el("div", { class: "problem", role: "alert" }, icon("warning"),
      el("p", {}, el("strong", {}, "The slides cannot be listed. "), sentence),
      el("button", { type: "button", class: "button", onclick: () => this.refresh() }, "Try again"));
  }

  async #delete(item, name) {
    if (!(await confirmDelete(name))) return;
    try {
      await deleteSlide(item.path || item.id);
      announce(`${name} was deleted`);
    } catch (error) {
      this.message.replaceChildren(el("div", { class: "problem", role: "alert" }, icon("warning"),
        el("p", {}, el("strong", {}, `${name} was not deleted. `), error.message)));
    }
    await this.refresh();
    this.search.focus();
  }
}

/** Asks whether a slide is to be deleted. */
export function confirmDelete(name) {
  return confirmDialog({
    title: "Delete this slide?",
    text: `“${name}” and everything stored for it will be removed from this server. This cannot be undone.`,
    confirm: "Delete",
  });
}
