// The page's own icons: 24 × 24, drawn with the current colour.

const paths = {
  back: "M15 5l-7 7 7 7",
  close: "M6 6l12 12M18 6L6 18",
  details: "M4 6h16M4 12h16M4 18h10",
  fit: "M4 9V5a1 1 0 0 1 1-1h4M20 9V5a1 1 0 0 0-1-1h-4M4 15v4a1 1 0 0 0 1 1h4M20 15v4a1 1 0 0 1-1 1h-4",
  fullscreen: "M14 4h6v6M20 4l-7 7M10 20H4v-6M4 20l7-7",
  home: "M4 11l8-7 8 7M6 9.5V20h12V9.5",
  key: "M14.5 4a5.5 5.5 0 1 1-4 9.3L9 15H7v2H5v2H3v-3l6.3-6.3A5.5 5.5 0 0 1 14.5 4zM16 8v.01",
  search: "M11 4a7 7 0 1 1 0 14 7 7 0 0 1 0-14zM16.2 16.2L21 21",
  signOut: "M10 4H6a1 1 0 0 0-1 1v14a1 1 0 0 0 1 1h4M15 8l4 4-4 4M19 12H10",
  trash: "M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13M10 11v5M14 11v5",
  upload: "M12 16V4M7 9l5-5 5 5M4 16v3a1 1 0 0 0 1 1h14a1 1 0 0 0 1-1v-3",
  warning: "M12 4l9 16H3zM12 10v4M12 17v.01",
  done: "M5 12.5l4.5 4.5L19 7.5",
  zoomIn: "M12 5v14M5 12h14",
  zoomOut: "M5 12h14",
};

/** An icon for decoration: the control around it carries the name. */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", paths[name]);
  svg.append(path);
  return svg;
}
