// Sends a file in parts straight to the store, to addresses that the server
// signs: several at once, each checked, and again when the network fails. What was
// interrupted goes on where it was, also after the page was loaded anew.
import { ApiError, abortUpload, beginUpload, completeUpload, partAddress, uploadState } from "./api.js";
import { checksum } from "./crc32c.js";

const parallel = 4;
const attempts = 5;

// Uploads under way, for as long as this tab lives. The id of an upload is no credential.
const under = (file) => `upload ${file.size} ${file.lastModified} ${file.name}`;

function remember(file, id) {
  try {
    if (id) sessionStorage.setItem(under(file), id);
    else sessionStorage.removeItem(under(file));
  } catch { /* without storage it begins anew */ }
}

function remembered(file) {
  try {
    return sessionStorage.getItem(under(file));
  } catch {
    return null;
  }
}

/** Gives an upload up that was interrupted. */
export function giveUp(file) {
  const id = remembered(file);
  if (!id) return;
  remember(file, null);
  abortUpload(id);
}

/** The upload of this file that was interrupted, or a new one. there has checksums by part. */
async function begun(file, signal) {
  const id = remembered(file);
  if (id) {
    try {
      const upload = await uploadState(id, signal);
      if (upload.size === file.size) return { upload, there: new Map(upload.parts.map((part) => [part.number, part.checksum])) };
    } catch (error) {
      if (error.status !== 404) throw error; // it has ended meanwhile
    }
  }
  const upload = await beginUpload(file, signal);
  remember(file, upload.id);
  return { upload, there: new Map() };
}

/**
 * Sends one file. Calls onProgress(sentBytes, totalBytes) as bytes go out;
 * resolves to the id of the slide that it becomes.
 */
export async function sendInParts(file, { onProgress, signal }) {
  const { upload, there } = await begun(file, signal);
  const sent = new Array(upload.partCount).fill(0);
  const tell = () => onProgress(sent.reduce((sum, bytes) => sum + bytes, 0), file.size);
  let next = 0;
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);

  async function work() {
    while (next < upload.partCount && !either.aborted) {
      const index = next++;
      const part = file.slice(index * upload.partSize, (index + 1) * upload.partSize);
      await sendPart(upload, index + 1, part, there.get(index + 1), (bytes) => { sent[index] = bytes; tell(); }, either);
    }
  }

  try {
    await Promise.all(Array.from({ length: Math.min(parallel, upload.partCount) }, work));
    signal.throwIfAborted();
    const slide = await completeUpload(upload.id, signal);
    remember(file, null);
    return slide;
  } catch (error) {
    failed.abort();
    if (signal.aborted) { // given up; what failed may go on
      remember(file, null);
      abortUpload(upload.id);
    }
    throw error;
  }
}

async function sendPart(upload, number, part, there, tell, signal) {
  const sum = await checksum(part);
  if (sum === there) return tell(part.size);
  for (let attempt = 1; ; attempt++) {
    try {
      const address = await partAddress(upload.id, number, sum, signal);
      return await put(address, part, tell, signal);
    } catch (error) {
      if (error.name === "AbortError" || attempt === attempts) throw error;
      tell(0);
      await new Promise((resolve) => setTimeout(resolve, 500 * 2 ** (attempt - 1)));
    }
  }
}

function put({ url, headers }, part, tell, signal) {
  return new Promise((resolve, reject) => {
    const xhr = new XMLHttpRequest(); // fetch does not tell how far it is
    const stop = () => xhr.abort();
    xhr.upload.addEventListener("progress", (event) => tell(Math.min(event.loaded, part.size)));
    xhr.addEventListener("load", () => {
      if (xhr.status >= 400) return reject(new ApiError(xhr.status, `The store refused a part of the file (status ${xhr.status}).`));
      tell(part.size);
      resolve();
    });
    xhr.addEventListener("error", () => reject(new ApiError(0, "The store cannot be reached from this page. Its CORS rule must allow this address.")));
    xhr.addEventListener("abort", () => reject(new DOMException("cancelled", "AbortError")));
    xhr.addEventListener("loadend", () => signal.removeEventListener("abort", stop));
    signal.addEventListener("abort", stop);
    xhr.open("PUT", url);
    for (const [name, value] of Object.entries(headers ?? {})) xhr.setRequestHeader(name, value);
    xhr.send(part);
  });
}
