// Numbers, sizes and dates as people read them.

const number = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

/** "1.4 GB"; decimal units, as file managers show them. */
export function bytes(count) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = count, unit = 0;
  while (value >= 1000 && unit < units.length - 1) { value /= 1000; unit++; }
  return `${value >= 100 || unit === 0 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** "46,000 × 32,914" pixels. */
export function dimensions(width, height) {
  return `${number.format(width)} × ${number.format(height)}`;
}

/** "20×", "4.9×", "0.25×". */
export function magnification(value) {
  const digits = value >= 10 ? 0 : value >= 1 ? 1 : 2;
  return `${Number(value.toFixed(digits))}×`;
}

/** A length given in µm, in the unit that reads best: "250 µm", "2 mm", "500 nm". */
export function micrometres(value) {
  if (value >= 10000) return `${trim(value / 10000)} cm`;
  if (value >= 1000) return `${trim(value / 1000)} mm`;
  if (value >= 1) return `${trim(value)} µm`;
  return `${trim(value * 1000)} nm`;
}

function trim(value) {
  return String(Number(value.toPrecision(3)));
}

/** A date and time in the reader's own way; the text itself when it is no date. */
export function dateTime(text) {
  const date = new Date(text);
  if (Number.isNaN(date.getTime())) return text;
  return date.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
}

const stages = {
  queued: "Waiting to be imported",
  probing: "Recognising the format",
  checking: "Checking the file",
  registering: "Reading the structure",
  unpacking: "Unpacking the archive",
  converting: "Converting",
  unpacked: "Unpacked",
  done: "Ready",
  failed: "Import failed",
};

/** An import state as a sentence fragment. */
export function stage(state) {
  return stages[state] ?? "Importing";
}

/** What went wrong, of the shapes that the server and the browser give it. */
export function reason(error) {
  if (!error) return "No reason was given.";
  if (typeof error === "string") return error;
  return error.detail ?? error.details ?? error.message ?? error.title ?? error.code ?? "No reason was given.";
}
