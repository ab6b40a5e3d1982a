// What the session says beside its text: a bell, a notification, a title. Nothing of it is more than a mark and a line of plain text.
import type { Context } from "./context";
import { clean } from "./title";

const MARK = "● ";

export class Signals {
  readonly #context: Context;
  readonly #own = document.title;
  readonly #still = matchMedia("(prefers-reduced-motion: reduce)");
  #name = "";
  #title = "";
  #marked = false;

  constructor(context: Context) {
    this.#context = context;
    const { terminal, element, settings } = context;
    const quiet = () => element.classList.remove("bell");
    const seen = () => this.#seen();
    addEventListener("focus", seen);
    document.addEventListener("visibilitychange", seen);
    for (const event of ["keydown", "pointerdown"]) document.addEventListener(event, () => this.#still.matches && quiet(), { capture: true });

    // The frame flashes; where nothing may move, it stays marked until a key is pressed.
    terminal.onBell(() => {
      this.#mark();
      if (settings.get("bell")) element.classList.add("bell");
    });
    element.addEventListener("animationend", (event) => {
      if (event.target === element) quiet();
    });
    settings.follow("bell", (on) => {
      if (!on) quiet();
    });

    // Notifications: iTerm2's form (in which "4;" is a progress bar), and rxvt's.
    terminal.parser.registerOscHandler(9, (text) => {
      if (!text.startsWith("4;")) this.#mark();
      return true;
    });
    terminal.parser.registerOscHandler(777, (text) => {
      if (text.startsWith("notify;")) this.#mark();
      return true;
    });
    terminal.onTitleChange((text) => {
      this.#title = clean(text);
      this.#show();
    });
  }

  // The session that is shown has this name.
  setName(name: string) {
    this.#name = name;
    if (this.#title) this.#show();
  }

  #show() {
    document.title = (this.#marked ? MARK : "") + (this.#title ? `${this.#title} · ${this.#name} · muxboard` : this.#own);
  }

  #looked(): boolean {
    return !document.hidden && document.hasFocus();
  }

  #mark() {
    if (this.#looked()) return;
    this.#marked = true;
    this.#show();
  }

  #seen() {
    if (!this.#looked()) return;
    if (this.#marked) {
      this.#marked = false;
      this.#show();
    }
    if (this.#still.matches) this.#context.element.classList.remove("bell");
  }
}
