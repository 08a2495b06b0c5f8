// The page's address: "#/" is the list, "#/slide/<id>?z=…&x=…&y=…" a slide, "#/grant=…" a link that signs in.

/**
 * Reads a hash. A view, when present, has x, y (centre, pixels of the full
 * resolution) and z (screen pixels per pixel of the full resolution).
 */
export function parseRoute(hash) {
  const match = /^#\/slide\/([^?]+)(?:\?(.*))?$/.exec(hash);
  if (!match) return { name: "list" };
  const query = new URLSearchParams(match[2] ?? "");
  const value = (key) => (query.has(key) ? Number(query.get(key)) : NaN);
  const view = { x: value("x"), y: value("y"), z: value("z") };
  const complete = Object.values(view).every(Number.isFinite) && view.z > 0;
  return { name: "slide", id: decodeURIComponent(match[1]), view: complete ? view : null };
}

/**
 * Takes the credential out of the address, if it is a link that signs in; null otherwise. What
 * stands behind the # was sent to no server, and is not in the address any more.
 */
export function takeCredential() {
  const match = /^#\/grant=([\w.~-]+)$/.exec(location.hash);
  if (!match) return null;
  history.replaceState(null, "", `${location.pathname}${location.search}#/`);
  return match[1];
}

/** The hash of a slide, with a view when one is given. */
export function slideHash(id, view) {
  const base = `#/slide/${encodeURIComponent(id)}`;
  if (!view) return base;
  return `${base}?z=${Number(view.z.toPrecision(4))}&x=${Math.round(view.x)}&y=${Math.round(view.y)}`;
}
