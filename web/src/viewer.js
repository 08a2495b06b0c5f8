// The slide viewer: OpenSeadragon over the server's Deep Zoom tiles, with the page's own controls.
import OpenSeadragon from "openseadragon";
import { deleteSlide, imageAddress, slideInfo } from "./api.js";
import { Details } from "./details.js";
import { announce, el, iconButton } from "./dom.js";
import { magnification } from "./format.js";
import { icon } from "./icons.js";
import { confirmDelete } from "./list.js";
import { Loads } from "./loads.js";
import { slideHash } from "./route.js";
import { ScaleBar } from "./scalebar.js";

// How far past one screen pixel per image pixel one may zoom.
const maxPixelZoom = 8;

/** The navigator has the slide's shape, at most 190 × 150 pixels. */
function navigatorSize({ width, height }) {
  const scale = Math.min(190 / width, 150 / height);
  return { navigatorWidth: Math.max(48, Math.round(width * scale)), navigatorHeight: Math.max(48, Math.round(height * scale)) };
}

/** Shows one slide at a time. onClose is called when the user leaves. */
export class Viewer {
  #osd = null;
  #loads = null;
  #slide = null;
  #info = null;
  #abort = new AbortController();

  constructor({ onClose }) {
    this.onClose = onClose;
    this.title = el("h1", { class: "viewer-title" });
    this.stage = el("div", { class: "stage" });
    this.problem = el("div", { class: "stage-problem", role: "alert", hidden: true });
    this.scale = new ScaleBar();
    this.power = el("output", { class: "power", "aria-label": "Magnification" });
    this.details = new Details({ onClose: () => this.#toggleDetails(false) });
    this.detailsButton = iconButton(icon("details"), "Details", () => this.#toggleDetails(), { "aria-expanded": "false" });
    this.element = el("section", { class: "viewer", hidden: true, onkeydown: (event) => this.#key(event) },
      el("header", { class: "viewer-bar" },
        iconButton(icon("back"), "Back to the slides", () => this.onClose()),
        this.title,
        iconButton(icon("trash"), "Delete this slide", () => this.#delete(), { class: "icon-button needs-admin" }),
        this.detailsButton),
      el("div", { class: "viewer-body" },
        el("div", { class: "stage-frame" }, this.stage, this.problem, this.#controls(),
          el("div", { class: "readout" }, this.power, this.scale.element)),
        this.details.element));
  }

  #controls() {
    return el("div", { class: "controls", role: "toolbar", "aria-label": "View", "aria-orientation": "vertical" },
      iconButton(icon("zoomIn"), "Zoom in (+)", () => this.#zoomBy(1.6)),
      iconButton(icon("zoomOut"), "Zoom out (−)", () => this.#zoomBy(1 / 1.6)),
      iconButton(icon("fit"), "Show the whole slide (0)", () => this.#osd?.viewport.goHome()),
      el("button", { type: "button", class: "icon-button one-to-one", "aria-label": "Full resolution (1)", title: "Full resolution (1)", onclick: () => this.#fullResolution() }, "1:1"),
      iconButton(icon("fullscreen"), "Full screen (f)", () => this.#toggleFullScreen()));
  }

  /** Opens a slide; view is what the address asks for, or null for the whole slide. */
  async open(slide, view) {
    this.close();
    this.#slide = slide;
    this.#abort = new AbortController();
    this.element.hidden = false;
    this.problem.hidden = true;
    this.title.textContent = slide.name ?? slide.id;
    this.title.title = this.title.textContent;
    try {
      this.#info = await slideInfo(slide.path, this.#abort.signal);
    } catch (error) {
      if (error.name === "AbortError") return;
      return this.#show(error.message);
    }
    this.#start(view);
    this.details.load(slide.path, this.#info, this.#abort.signal);
  }

  close() {
    this.#abort.abort();
    this.#loads?.abort();
    this.#loads = null;
    this.#osd?.destroy();
    this.#osd = null;
    this.#slide = null;
    this.#info = null;
    this.element.hidden = true;
    this.scale.update(NaN);
    this.power.textContent = "";
  }

  /** Moves to a view that came from the address bar. */
  go(view) {
    if (view && this.#osd?.world.getItemCount()) this.#apply(view, false);
  }

  #start(view) {
    const still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    const osd = (this.#osd = OpenSeadragon({
      element: this.stage,
      // Tiles whose address names the version are never asked for again.
      tileSources: imageAddress(this.#slide.path, this.#slide.version ? `.dzi?v=${this.#slide.version}` : ".dzi"),
      drawer: "canvas",
      showNavigationControl: false,
      showNavigator: true,
      navigatorPosition: "TOP_RIGHT",
      ...navigatorSize(this.#info.image),
      navigatorAutoFade: false,
      navigatorOpacity: 1,
      animationTime: still ? 0 : 0.5,
      springStiffness: 9,
      blendTime: 0,
      maxZoomPixelRatio: maxPixelZoom,
      minZoomImageRatio: 0.6,
      visibilityRatio: 0.4,
      zoomPerScroll: 1.35,
      imageLoaderLimit: 6,
      maxImageCacheCount: 600,
      gestureSettingsMouse: { clickToZoom: false, dblClickToZoom: true },
      gestureSettingsTouch: { flickEnabled: !still },
    }));
    osd.addOnceHandler("open", () => {
      this.#loads = new Loads(osd.world.getItemAt(0).source);
      if (view) this.#apply(view, true);
      this.#moved();
      osd.canvas.setAttribute("aria-label", `${this.title.textContent}. Arrow keys move, plus and minus zoom, 0 shows the whole slide.`);
      osd.canvas.setAttribute("role", "application");
      osd.canvas.focus({ preventScroll: true });
      this.element.dataset.opened = this.#slide.id;
      announce(`${this.title.textContent} is open`);
    });
    osd.addHandler("open-failed", (event) => this.#show(`The slide cannot be opened: ${event.message}`));
    osd.addHandler("update-viewport", () => this.#moved());
    osd.addHandler("animation-finish", () => this.#keepAddress());
    osd.addHandler("canvas-key", (event) => this.#canvasKey(event));
  }

  #show(sentence) {
    this.problem.replaceChildren(icon("warning"), el("p", {}, sentence),
      el("button", { type: "button", class: "button", onclick: () => this.onClose() }, "Back to the slides"));
    this.problem.hidden = false;
  }

  #view() {
    const viewport = this.#osd.viewport;
    const centre = viewport.viewportToImageCoordinates(viewport.getCenter(false));
    return { x: centre.x, y: centre.y, z: viewport.viewportToImageZoom(viewport.getZoom(false)) };
  }

  #apply(view, immediately) {
    const viewport = this.#osd.viewport;
    viewport.zoomTo(viewport.imageToViewportZoom(view.z), null, immediately);
    viewport.panTo(viewport.imageToViewportCoordinates(new OpenSeadragon.Point(view.x, view.y)), immediately);
    viewport.applyConstraints(immediately);
  }

  #moved() {
    if (!this.#osd?.world.getItemCount()) return;
    const viewport = this.#osd.viewport;
    const zoom = viewport.viewportToImageZoom(viewport.getZoom(true));
    this.scale.update(this.#info.image.physical_size_x / zoom);
    const objective = this.#info.instrument?.objective ?? {};
    const nominal = objective.calibrated_magnification ?? objective.nominal_magnification;
    this.power.textContent = nominal ? magnification(nominal * zoom) : `${Number((zoom * 100).toPrecision(2))} %`;
  }

  #keepAddress() {
    if (!this.#osd?.world.getItemCount()) return;
    const hash = slideHash(this.#slide.id, this.#view());
    if (hash !== location.hash) history.replaceState(history.state, "", hash);
  }

  #zoomBy(factor) {
    this.#osd?.viewport.zoomBy(factor);
    this.#osd?.viewport.applyConstraints();
  }

  #fullResolution() {
    const viewport = this.#osd?.viewport;
    if (viewport) viewport.zoomTo(viewport.imageToViewportZoom(1));
  }

  #toggleFullScreen() {
    if (document.fullscreenElement) document.exitFullscreen();
    else this.element.requestFullscreen?.().catch(() => announce("Full screen is not possible here"));
  }

  #toggleDetails(show = this.details.element.hidden) {
    this.details.element.hidden = !show;
    this.detailsButton.setAttribute("aria-expanded", String(show));
    if (show) this.details.element.querySelector("button").focus();
    else this.detailsButton.focus();
  }

  #canvasKey(event) {
    const key = event.originalEvent.key;
    if (key === "1") this.#fullResolution();
    else if (key === "f") this.#toggleFullScreen();
    else if (key !== "F" && key !== "r" && key !== "R") return;
    // Rotating and flipping by a slip of the finger would mislead; they have no button either.
    event.preventDefaultAction = true;
  }

  #key(event) {
    if (event.key !== "Escape" || document.fullscreenElement || event.defaultPrevented) return;
    event.preventDefault();
    if (!this.details.element.hidden) this.#toggleDetails(false);
    else this.onClose();
  }

  async #delete() {
    const slide = this.#slide;
    if (!slide || !(await confirmDelete(slide.name ?? slide.id))) return;
    try {
      await deleteSlide(slide.path);
      announce(`${slide.name ?? slide.id} was deleted`);
      this.onClose();
    } catch (error) {
      this.#show(`The slide was not deleted: ${error.message}`);
    }
  }
}
