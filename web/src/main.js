// The web page: the list of slides, uploads, and the viewer, switched by the address.
import { importReport, listSlides } from "./api.js";
import { el } from "./dom.js";
import { icon } from "./icons.js";
import { SlideList } from "./list.js";
import { parseRoute, slideHash, takeCredential } from "./route.js";
import { Session } from "./session.js";
import { Uploads } from "./uploads.js";
import { Viewer } from "./viewer.js";
import "./style.css";

const picker = el("input", { type: "file", multiple: true, class: "visually-hidden", tabindex: -1, "aria-hidden": "true", onchange: () => {
  takeFiles(picker.files);
  picker.value = "";
} });
const session = new Session({ onChange: () => showWhoever() });
const list = new SlideList({ onPick: () => picker.click(), mayUpload: () => session.mayUpload });
const uploads = new Uploads(() => list.refresh());
const viewer = new Viewer({ onClose: () => { location.hash = "#/"; } });
const home = el("div", { class: "home" },
  el("header", { class: "top" },
    el("a", { class: "brand", href: "#/" }, el("img", { src: "favicon.svg", alt: "", width: 32, height: 32 }), el("h1", {}, "Slides")),
    el("nav", { "aria-label": "Pages" }, el("a", { href: "docs" }, "API")),
    session.button,
    el("button", { type: "button", class: "button primary needs-write", onclick: () => picker.click() }, icon("upload"), "Upload")),
  el("main", { id: "content", tabindex: -1 }, session.element, uploads.element, list.element));
const dropHint = el("div", { class: "drop-hint", hidden: true, "aria-hidden": "true" }, el("div", {}, icon("upload"), el("p", {}, "Drop to upload")));

document.getElementById("app").append(home, viewer.element, dropHint, picker);

let openId = null;
let lastCard = null;

function takeFiles(files) {
  if (!files.length || !session.mayUpload) return;
  if (openId) location.hash = "#/";
  uploads.add(files);
}

/** Brings the page in line with the address. */
async function follow() {
  const credential = takeCredential();
  if (credential) return session.enter(credential);
  if (session.mustSignIn) return;
  const route = parseRoute(location.hash);
  if (route.name === "list") return showList();
  if (route.id === openId) return viewer.go(route.view);
  openId = route.id;
  list.stop();
  lastCard = slideHash(route.id);
  home.hidden = true;
  const slide = await findSlide(route.id);
  if (openId !== route.id) return;
  document.title = `${slide.name ?? slide.id} – Slides`;
  viewer.open(slide, route.view);
}

/** Shows what the session allows: the form that signs in, or what the address says. */
function showWhoever() {
  document.documentElement.classList.toggle("signed-out", session.mustSignIn);
  viewer.close();
  openId = null;
  home.hidden = false;
  if (session.mustSignIn) {
    list.clear();
    document.title = "Sign in – Slides";
    session.input.focus();
  }
  follow();
}

function showList() {
  viewer.close();
  openId = null;
  document.title = "Slides";
  home.hidden = false;
  list.start();
  // The keyboard user comes back to where he left.
  const card = lastCard && [...document.querySelectorAll(".card-link")].find((link) => link.getAttribute("href") === lastCard);
  card?.focus({ preventScroll: true });
}

/** A slide by id. Its path is the id and the name; an import report or the list has them. */
async function findSlide(id) {
  try {
    const report = await importReport(id);
    if (report.path) return { id, path: report.path, name: report.name };
  } catch { /* imported by other means: the list has it */ }
  try {
    const item = (await listSlides()).find((slide) => slide.id === id);
    if (item) return item;
  } catch { /* the viewer tells what the server answers */ }
  return { id, path: id, name: id };
}

let dragDepth = 0;
const carriesFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");

window.addEventListener("dragenter", (event) => {
  if (!carriesFiles(event)) return;
  event.preventDefault();
  dragDepth++;
  dropHint.hidden = false;
});
window.addEventListener("dragover", (event) => { if (carriesFiles(event)) event.preventDefault(); });
window.addEventListener("dragleave", (event) => {
  if (!carriesFiles(event)) return;
  dragDepth = Math.max(0, dragDepth - 1);
  dropHint.hidden = dragDepth === 0;
});
window.addEventListener("drop", (event) => {
  if (!carriesFiles(event)) return;
  event.preventDefault();
  dragDepth = 0;
  dropHint.hidden = true;
  takeFiles(event.dataTransfer.files);
});
// The viewer takes the focus when it opens. Browsers take that for the keyboard's doing as
// long as nothing was touched, and would draw a ring round the picture.
const byKeyboard = (is) => () => document.documentElement.classList.toggle("by-keyboard", is);
window.addEventListener("keydown", byKeyboard(true), { capture: true });
window.addEventListener("pointerdown", byKeyboard(false), { capture: true });

window.addEventListener("hashchange", follow);
window.addEventListener("unauthenticated", () => session.recheck());
session.load();
