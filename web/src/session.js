// Who looks at the page, and what he may do there. A credential goes to the server once, in a
// header, and comes back as a cookie that no script can read; the page keeps nothing of it.
import { session, signIn, signOut } from "./api.js";
import { announce, el, iconButton } from "./dom.js";
import { icon } from "./icons.js";

// Where access is open, and what is assumed of a server that can not be asked.
const open = { restricted: false, accepts: [], signedIn: false, byCookie: false, rights: ["read", "label", "export", "write", "admin"], slides: "" };

const names = { token: "access token", grant: "grant" };

/** The state of the session, the form that signs in, and the button that signs out. */
export class Session {
  #state = open;

  constructor({ onChange }) {
    this.onChange = onChange;
    this.input = el("input", { type: "password", class: "sign-in-input", id: "credential", autocomplete: "off", autocapitalize: "off", spellcheck: "false", required: true });
    this.label = el("label", { for: "credential" });
    this.problem = el("p", { class: "sign-in-problem", role: "alert", hidden: true });
    this.submit = el("button", { type: "submit", class: "button primary" }, "Sign in");
    this.element = el("form", { class: "sign-in", hidden: true, onsubmit: (event) => {
      event.preventDefault();
      this.enter(this.input.value.trim());
    } },
    el("div", { class: "empty-art", "aria-hidden": "true" }, icon("key")),
    el("h2", {}, "Sign in"),
    this.label, this.input, this.problem, this.submit,
    el("p", { class: "quiet" }, "It is kept in a cookie that scripts cannot read, until it ends or you sign out."));
    this.button = iconButton(icon("signOut"), "Sign out", () => this.leave(), { hidden: true });
  }

  /** Whether nothing can be shown before somebody signs in. */
  get mustSignIn() { return this.#state.restricted && !this.#state.signedIn; }

  /** Whether uploads are allowed: they make new slides, so a right for some slides is none. */
  get mayUpload() { return this.#state.rights.includes("write") && this.#state.slides === ""; }

  /** Asks the server who looks at the page. */
  async load() {
    try {
      this.#set(await session());
    } catch {
      this.#set(open); // the list tells what is the matter
    }
  }

  /** Looks whether the session has ended, which an answer suggests. */
  async recheck() {
    const state = await session().catch(() => null);
    if (state?.restricted && !state.signedIn && !this.mustSignIn) this.#set(state);
  }

  /** Signs in with a credential that was typed, or that came in a link. */
  async enter(credential) {
    this.submit.disabled = true;
    try {
      const state = await signIn(credential);
      this.input.value = "";
      this.#set(state);
      announce("Signed in");
    } catch (error) {
      this.#set({ ...this.#state, reason: error.message });
      this.input.select();
      if (!this.mustSignIn) announce(error.message); // a bad link, while somebody is signed in
    } finally {
      this.submit.disabled = false;
    }
  }

  /** Signs out. The page begins anew, so that nothing of what was shown is left in it. */
  async leave() {
    try {
      await signOut();
      location.reload();
    } catch (error) {
      announce(`Signing out failed: ${error.message}`);
    }
  }

  #set(state) {
    this.#state = state;
    // What may not be done is not offered; the server decides all the same.
    const rights = state.rights.filter((right) => right !== "write" || this.mayUpload);
    document.documentElement.dataset.rights = rights.join(" ");
    this.label.textContent = `This server asks who you are. Paste the ${state.accepts.map((kind) => names[kind]).join(" or ")} that you were given.`;
    this.problem.textContent = state.reason ?? "";
    this.problem.hidden = !state.reason;
    this.input.setAttribute("aria-invalid", String(!this.problem.hidden));
    this.button.hidden = !state.byCookie;
    this.element.hidden = !this.mustSignIn;
    this.onChange();
  }
}
