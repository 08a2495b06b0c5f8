// The details panel: what is known about a slide, its label and overview, and the raw metadata.
import { imageAddress, slideMetadata } from "./api.js";
import { el, iconButton } from "./dom.js";
import { bytes, dateTime, dimensions, magnification, micrometres } from "./format.js";
import { icon } from "./icons.js";

const associatedNames = { label: "Label", macro: "Overview", thumb: "Thumbnail" };

export class Details {
  constructor({ onClose }) {
    this.body = el("div", { class: "details-body" });
    this.element = el("aside", { class: "details", "aria-label": "Details", hidden: true },
      el("header", { class: "details-head" },
        el("h2", {}, "Details"),
        iconButton(icon("close"), "Close the details", onClose)),
      this.body);
  }

  /** Loads and shows everything; what cannot be loaded says so in its place. */
  async load(path, info, signal) {
    this.body.replaceChildren(facts(info), associated(path, info.associated ?? []));
    const place = el("section", { class: "metadata", "aria-label": "Metadata" }, el("h3", {}, "Metadata"), el("p", { class: "quiet" }, "Loading…"));
    this.body.append(place);
    try {
      place.replaceChildren(...metadata(await slideMetadata(path, signal)));
    } catch (error) {
      if (error.name !== "AbortError") place.replaceChildren(el("h3", {}, "Metadata"), el("p", { class: "quiet" }, error.message));
    }
  }
}

function facts(info) {
  const image = info.image, objective = info.instrument?.objective ?? {};
  const file = (info.representations ?? []).find((item) => item.role === "UPLOAD")?.file;
  const spatial = (info.representations ?? []).find((item) => item.pyramid)?.pyramid;
  const power = objective.calibrated_magnification ?? objective.nominal_magnification;
  const mpp = image.physical_size_x;
  const rows = [
    ["Size", `${dimensions(image.width, image.height)} px`],
    mpp && ["Area", `${micrometres(image.width * mpp)} × ${micrometres(image.height * (image.physical_size_y ?? mpp))}`],
    mpp && ["Pixel", `${Number(mpp.toPrecision(4))} µm`],
    power && ["Objective", magnification(power)],
    ["Format", image.original_format],
    spatial && ["Levels", String(spatial.n_tiers)],
    image.depth > 1 && ["Focal planes", String(image.depth)],
    image.duration > 1 && ["Time points", String(image.duration)],
    ["Channels", `${image.n_channels} × ${image.significant_bits} bit`],
    info.instrument?.microscope?.model && ["Scanner", info.instrument.microscope.model],
    image.acquired_at && ["Scanned", dateTime(image.acquired_at)],
    file?.size > 0 && ["File", bytes(file.size)],
  ].filter(Boolean);
  return el("dl", { class: "fact-list" }, rows.flatMap(([term, value]) => [el("dt", {}, term), el("dd", {}, value)]));
}

function associated(path, items) {
  if (!items.length) return "";
  return el("section", { class: "associated", "aria-label": "Associated images" }, items.map((item) => {
    const name = associatedNames[item.name] ?? item.name;
    return el("figure", {},
      el("img", { src: imageAddress(path, `/associated/${encodeURIComponent(item.name)}?length=600`), alt: `${name} of the slide`, loading: "lazy", width: item.width, height: item.height }),
      el("figcaption", {}, name));
  }));
}

function metadata(items) {
  const title = el("h3", {}, "Metadata ", el("span", { class: "count" }, String(items.length)));
  if (!items.length) return [title, el("p", { class: "quiet" }, "The file has none.")];
  const groups = el("div", {}, [...byNamespace(items)].map(([namespace, group]) => metadataGroup(namespace, group)));
  const filter = el("input", { type: "search", class: "search-input", placeholder: "Filter", "aria-label": "Filter the metadata", oninput: () => {
    const wanted = filter.value.trim().toLowerCase();
    for (const row of groups.querySelectorAll("[data-text]")) row.hidden = !row.dataset.text.includes(wanted);
    for (const group of groups.children) group.hidden = !group.querySelector("[data-text]:not([hidden])");
  } });
  return [title, el("label", { class: "search" }, icon("search"), filter), groups];
}

function byNamespace(items) {
  const groups = new Map();
  for (const item of items) {
    const name = item.namespace || "Other";
    groups.set(name, [...(groups.get(name) ?? []), item]);
  }
  return groups;
}

function metadataGroup(namespace, items) {
  return el("section", { class: "metadata-group" },
    el("h4", {}, namespace),
    el("dl", {}, items.map((item) => {
      const value = typeof item.value === "object" ? JSON.stringify(item.value) : String(item.value);
      return el("div", { class: "metadata-row", "data-text": `${item.key} ${value}`.toLowerCase() }, el("dt", {}, item.key), el("dd", {}, value));
    })));
}

