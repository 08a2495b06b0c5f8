// Building elements without a framework.

/**
 * Makes an element. Attributes: `class`, `on…` listeners, `hidden`-like
 * booleans, everything else as an attribute; null and false are left out.
 * Children: elements or text, never HTML.
 */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** A button with an icon; its label is read aloud and shown as a tooltip. */
export function iconButton(icon, label, onclick, attributes = {}) {
  return el("button", { type: "button", class: "icon-button", "aria-label": label, title: label, onclick, ...attributes }, icon);
}

let announcer;

/** Says a sentence to screen readers, politely. */
export function announce(sentence) {
  if (!announcer) {
    announcer = el("div", { class: "visually-hidden", role: "status", "aria-live": "polite" });
    document.body.append(announcer);
  }
  announcer.textContent = sentence;
}

/** Asks in a modal dialog; resolves to true when confirmed. Esc and the backdrop mean no. */
export function confirmDialog({ title, text, confirm }) {
  return new Promise((resolve) => {
    const answer = (value) => { dialog.returnValue = value; dialog.close(value); };
    const dialog = el("dialog", { class: "dialog", "aria-labelledby": "dialog-title", onclose: () => {
      resolve(dialog.returnValue === "yes");
      dialog.remove();
    }, onclick: (event) => { if (event.target === dialog) answer("no"); } },
    el("div", { class: "dialog-body" },
      el("h2", { id: "dialog-title" }, title),
      el("p", {}, text),
      el("div", { class: "dialog-actions" },
        el("button", { type: "button", class: "button", autofocus: true, onclick: () => answer("no") }, "Cancel"),
        el("button", { type: "button", class: "button danger", onclick: () => answer("yes") }, confirm))));
    document.body.append(dialog);
    dialog.showModal();
  });
}
