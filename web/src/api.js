// The server's HTTP API. All addresses are relative to the page, so the page
// works below any base path.

/** The address of a resource of this server. */
export function address(path) {
  return new URL(path, document.baseURI).href;
}

/** The address of something of one slide; path is "upload-…/name.svs". */
export function imageAddress(path, rest) {
  return address(`image/${path.split("/").map(encodeURIComponent).join("/")}${rest}`);
}

/** An answer that is not a success, with the server's own sentence. */
export class ApiError extends Error {
  constructor(status, sentence) {
    super(sentence);
    this.name = "ApiError";
    this.status = status;
  }
}

/** The public sentence of an error body, whatever shape the endpoint gives it. */
export function errorSentence(status, text) {
  try {
    const body = JSON.parse(text);
    const problem = Array.isArray(body) ? body[0] : body;
    const sentence = problem.detail ?? problem.details ?? problem.error ?? problem.title;
    if (typeof sentence === "string" && sentence) return sentence;
  } catch { /* not JSON: a proxy in front, or no body */ }
  return `The server answered with status ${status}.`;
}

async function request(url, options) {
  let response;
  try {
    response = await fetch(url, options);
  } catch (cause) {
    if (cause.name === "AbortError") throw cause;
    throw new ApiError(0, "The server cannot be reached.");
  }
  if (response.ok) return response;
  if (response.status === 401 && url !== address("session")) dispatchEvent(new Event("unauthenticated"));
  throw new ApiError(response.status, errorSentence(response.status, await response.text()));
}

async function json(url, signal) {
  return (await request(url, { headers: { Accept: "application/json" }, signal })).json();
}

/** Who looks at the page: restricted, accepts, signedIn, byCookie, rights, slides, reason. */
export const session = () => json(address("session"));

/** Makes a credential the cookie of this browser; resolves to the session. */
export const signIn = async (credential) => (await request(address("session"), {
  method: "POST", headers: { Accept: "application/json", Authorization: `Bearer ${credential}` },
})).json();

/** Removes the cookie; resolves to the session. */
export const signOut = async () => (await request(address("session"), { method: "DELETE", headers: { Accept: "application/json" } })).json();

// The most that the server gives at once.
const pageSize = 1000;

/** All slides, those still being imported and those that failed included. */
export async function listSlides(signal) {
  const all = [];
  let after = null;
  do {
    const query = new URLSearchParams({ limit: pageSize, ...(after && { after }) });
    const page = await json(address(`slides?${query}`), signal);
    all.push(...page.items);
    after = page.next;
  } while (after);
  return all;
}

/** A slide's properties: image, instrument, associated, channels, representations. */
export const slideInfo = (path, signal) => json(imageAddress(path, "/info"), signal);

/** A slide's raw metadata: items of key, value, type, namespace. */
export const slideMetadata = async (path, signal) => (await json(imageAddress(path, "/metadata"), signal)).items ?? [];

/** The report of one import. */
export const importReport = (id, signal) => json(address(`imports/${encodeURIComponent(id)}`), signal);

/** Removes a slide and everything stored for it. */
export async function deleteSlide(path) {
  await request(imageAddress(path, ""), { method: "DELETE" });
}

const send = async (url, body, signal) => (await request(url, {
  method: "POST", headers: { Accept: "application/json", "Content-Type": "application/json" }, body: JSON.stringify(body), signal,
})).json();

let offer = null; // what the server offers does not change while it runs

/** Whether files go to the store in parts (see parts.js) or to the server. */
export async function takesParts(signal) {
  offer ??= json(address("uploads"), signal).catch((error) => { offer = null; throw error; });
  return (await offer).direct;
}

/** Begins an upload in parts: id, partSize, partCount. */
export const beginUpload = (file, signal) => send(address("uploads"), { name: file.name, size: file.size, checksum: "CRC32C" }, signal);

/** An upload that has begun, with the parts that are there. */
export const uploadState = (id, signal) => json(address(`uploads/${encodeURIComponent(id)}`), signal);

/** Where to send one part, and with which headers. */
export async function partAddress(id, number, checksum, signal) {
  return (await send(address(`uploads/${id}/parts`), { parts: [{ number, checksum }] }, signal)).parts[0];
}

/** Makes the parts a file; resolves to the id of the slide that it becomes. */
export const completeUpload = async (id, signal) => (await send(address(`uploads/${id}/complete`), {}, signal)).id;

/** Gives an upload up. What can not be told is removed by the store after some days. */
export function abortUpload(id) {
  request(address(`uploads/${id}`), { method: "DELETE", keepalive: true }).catch(() => {});
}

/**
 * Sends one file to the server. Calls onProgress(sentBytes, totalBytes) as bytes
 * go out; resolves to the id of the slide that it becomes.
 */
export function upload(file, { onProgress, signal }) {
  return new Promise((resolve, reject) => {
    const xhr = new XMLHttpRequest();
    xhr.upload.addEventListener("progress", (event) => onProgress(event.loaded, event.lengthComputable ? event.total : file.size));
    xhr.addEventListener("load", () => {
      if (xhr.status >= 400) return reject(new ApiError(xhr.status, errorSentence(xhr.status, xhr.responseText)));
      const id = uploadedId(xhr.responseText);
      if (id) resolve(id);
      else reject(new ApiError(xhr.status, "The server took the file but did not say which slide it becomes."));
    });
    xhr.addEventListener("error", () => reject(new ApiError(0, "The connection broke off during the upload.")));
    xhr.addEventListener("abort", () => reject(new DOMException("cancelled", "AbortError")));
    signal.addEventListener("abort", () => xhr.abort());
    xhr.open("POST", address("upload"));
    xhr.setRequestHeader("Accept", "application/json");
    const form = new FormData();
    form.append("files[]", file, file.name);
    xhr.send(form);
  });
}

function uploadedId(text) {
  try {
    const [reply] = JSON.parse(text);
    return reply.uploadedFile?.id ?? reply.id ?? null;
  } catch {
    return null;
  }
}
