// Following imports: by server-sent events for a few, by polling for the rest.
import { address, importReport } from "./api.js";

// HTTP/1.1 browsers keep six connections to a server; every event stream holds
// one for as long as it lasts, and thumbnails and tiles need the others.
const maxStreams = 2;
const pollMs = 1500;
let streams = 0;

/**
 * Calls onReport with every report of an import until it is done or failed.
 * Returns a function that stops following.
 */
export function followImport(id, onReport) {
  let stopped = false, source = null, timer = 0;

  const finished = (report) => ["done", "unpacked", "failed"].includes(report.state);
  const stop = () => {
    stopped = true;
    clearTimeout(timer);
    closeStream();
  };
  const deliver = (report) => {
    if (stopped) return;
    if (finished(report)) stop();
    onReport(report);
  };

  function closeStream() {
    if (!source) return;
    source.close();
    source = null;
    streams--;
  }

  function listen() {
    streams++;
    source = new EventSource(address(`imports/${encodeURIComponent(id)}/events`));
    source.addEventListener("message", (event) => deliver(JSON.parse(event.data)));
    // A stream may end early (a proxy's limit, a restart); polling carries on.
    source.addEventListener("error", () => { closeStream(); if (!stopped) poll(); });
  }

  async function poll() {
    try {
      deliver(await importReport(id));
    } catch (error) {
      // 404: the report is not written yet. Anything else may pass as well.
      if (error.status >= 400 && error.status !== 404 && error.status < 500) {
        return deliver({ id, state: "failed", error: error.message });
      }
    }
    if (!stopped) timer = setTimeout(poll, pollMs);
  }

  if (streams < maxStreams) listen();
  else poll();
  return stop;
}
