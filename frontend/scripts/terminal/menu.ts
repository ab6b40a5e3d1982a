// The menu in the terminal's bar: what one sets and what one does, and the keys that are taken from the terminal, which are few: Ctrl+Shift and a key,
// and Shift+PageUp. All others are the program's.
import type { ComposeLine } from "./compose";
import type { Context } from "./context";
import { make } from "./dialog";
import type { KeyBar } from "./keys";
import type { Paste } from "./paste";
import type { Choices, Name } from "./settings";
import type { TextView } from "./text";
import type { Toasts } from "./toasts";
import type { Upload } from "./upload";

const KEYS: [keys: string, what: string][] = [
  ["Ctrl+Shift+Space", "out of the terminal: to the button of a line at its top, else to this menu"],
  ["Ctrl+Shift+=", "larger"],
  ["Ctrl+Shift+-", "smaller"],
  ["Shift+PageUp, Shift+wheel", "text and history"],
  ["Ctrl+Shift+F", "search in it"],
  ["Ctrl+Shift+C, Ctrl+Shift+V", "copy, paste"],
];

export interface MenuParts {
  compose: ComposeLine;
  keys: KeyBar;
  paste: Paste;
  text: TextView;
  toasts: Toasts;
  upload: Upload;
}

export class Menu {
  readonly #context: Context;
  readonly #parts: MenuParts;
  readonly #opener = make("button", { type: "button", className: "button small menu-button", textContent: "☰" });
  readonly #box = make("div", { className: "terminal-menu", id: "menu", popover: "auto" });
  #back?: { focus(): void }; // had the keyboard

  constructor(context: Context, bar: Element, parts: MenuParts) {
    this.#context = context;
    this.#parts = parts;
    const [opener, box] = [this.#opener, this.#box];
    bar.append(opener);
    opener.setAttribute("aria-label", "Menu");
    document.body.append(box);
    box.setAttribute("role", "dialog");
    box.setAttribute("aria-label", "Menu");
    opener.popoverTargetElement = box;

    this.#actions();
    this.#fontSize();
    this.#switches();
    this.#keyList();

    // Back to where one was; a phone's keyboard comes up when it is wanted.
    box.addEventListener("toggle", (event) => {
      opener.setAttribute("aria-expanded", String(event.newState === "open"));
      if (event.newState !== "closed") return;
      const away = document.activeElement;
      if (!matchMedia("(pointer: coarse)").matches && (away === opener || away === document.body)) (this.#back ?? context.terminal).focus();
      this.#back = undefined;
    });
    // Before the terminal, whatever has the focus.
    document.addEventListener(
      "keydown",
      (event) => {
        const act = this.#taken(event);
        if (!act) return;
        event.preventDefault();
        event.stopPropagation();
        act();
      },
      { capture: true },
    );
  }

  // What one does. What is not offered is not shown.
  #actions() {
    const { watching, urls, toast } = this.#context;
    const { paste, text, upload } = this.#parts;
    const actions = this.#box.appendChild(make("div", { className: "actions" }));
    const action = (label: string, act: () => void, offered = true) => {
      const button = make("button", { type: "button", className: "button", textContent: label, hidden: !offered });
      button.addEventListener("click", () => {
        this.#box.hidePopover();
        act();
      });
      actions.append(button);
      return button;
    };
    action("Text and history", () => text.open());
    action("Paste", () => paste.fromClipboard(), !watching);
    action("Attach a file", () => upload.pick(), !watching && urls.upload !== "");
    const toggle = () => {
      const done = document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen();
      done.catch(() => toast("The browser does not allow full screen here.", { ms: 5000 }));
    };
    const full = action("Full screen", toggle, document.fullscreenEnabled);
    document.addEventListener("fullscreenchange", () => {
      full.textContent = document.fullscreenElement ? "Leave full screen" : "Full screen";
    });
  }

  #stepFont(by: number) {
    const { settings } = this.#context;
    settings.set("fontPx", settings.get("fontPx") + by);
  }

  #fontSize() {
    const { settings, terminal, watching } = this.#context;
    const stepper = (label: string, name: string, by: number) => {
      const button = make("button", { type: "button", className: "button", textContent: label });
      button.setAttribute("aria-label", name);
      button.addEventListener("click", () => this.#stepFont(by));
      return button;
    };
    const now = make("output");
    const row = make("div", { className: "row" }, make("span", { textContent: "Font size" }), stepper("−", "Smaller", -1), now, stepper("+", "Larger", 1));
    row.setAttribute("role", "group");
    row.setAttribute("aria-label", "Font size");
    this.#box.append(row);
    settings.follow("fontPx", (px) => {
      now.textContent = `${px} px`;
      // A watcher's size is what the grid of another needs.
      if (!watching) terminal.options.fontSize = px;
      this.#context.fit();
    });
  }

  #row(label: string, control: HTMLInputElement) {
    this.#box.append(make("label", { className: "row" }, make("span", { textContent: label }), control));
  }

  #switches() {
    const { settings, watching } = this.#context;
    const { compose, keys } = this.#parts;
    const toggle = (label: string, name: Name, read: () => boolean, write: (on: boolean) => void) => {
      const input = make("input", { type: "checkbox" });
      this.#row(label, input);
      input.addEventListener("change", () => write(input.checked));
      settings.follow(name, () => {
        input.checked = read();
      });
    };
    const field = <N extends Name>(label: string, name: N, properties: Partial<HTMLInputElement>, read: (input: HTMLInputElement) => Choices[N]) => {
      const input = make("input", properties);
      this.#row(label, input);
      input.addEventListener("change", () => {
        settings.set(name, read(input));
        input.value = String(settings.get(name));
      });
      settings.follow(name, (value) => {
        input.value = String(value);
      });
    };
    const showCompose = (on: boolean) => {
      this.#box.hidePopover();
      compose.show(on);
    };
    if (!watching) {
      toggle(
        "Key bar",
        "keys",
        () => keys.shown,
        (on) => settings.set("keys", on ? "on" : "off"),
      );
      toggle("Compose line", "compose", () => settings.get("compose"), showCompose);
    }
    toggle(
      "Flash at a bell",
      "bell",
      () => settings.get("bell"),
      (on) => settings.set("bell", on),
    );
    toggle(
      "Draw with the graphics card",
      "webgl",
      () => settings.get("webgl") !== "off",
      (on) => settings.set("webgl", on ? "auto" : "off"),
    );
    if (watching) return;
    const number = { type: "number", min: "0", max: "1000", inputMode: "numeric" };
    field("Ask before pasting so many lines (0: never)", "askLines", number, (input) => Number(input.value));
    const name: Partial<HTMLInputElement> = { type: "text", placeholder: "C-b", autocapitalize: "off", autocomplete: "off", spellcheck: false };
    field("tmux prefix (empty: tmux's own)", "prefix", name, (input) => input.value.trim());
  }

  #keyList() {
    const list = make("dl");
    for (const [keys, what] of KEYS) list.append(make("dt", { textContent: keys }), make("dd", { textContent: what }));
    const note = make("p", { textContent: "Every other key goes to the terminal, Escape and Tab too." });
    this.#box.append(make("details", {}, make("summary", { textContent: "Keys" }), list, note));
  }

  // What a key does that is taken from the terminal.
  #taken(event: KeyboardEvent): (() => void) | undefined {
    const { element, terminal } = this.#context;
    if (event.altKey || event.metaKey || !event.shiftKey) return undefined;
    if (!event.ctrlKey) {
      const there = event.key === "PageUp" && element.contains(event.target as Node);
      return there ? () => this.#parts.text.open({ fromBottom: terminal.rows }) : undefined;
    }
    // What a modal dialog covers is out of reach.
    if (event.code === "Space") return document.querySelector("dialog:modal") ? undefined : () => this.#reach();
    // By what is printed on the key; a German one has a star over its plus.
    if (event.key === "+" || event.key === "=" || (event.key === "*" && event.code === "BracketRight")) return () => this.#stepFont(1);
    // Ctrl+_ of a US keyboard is this too: Ctrl+/ sends the same.
    if (event.key === "_" || event.key === "-") return () => this.#stepFont(-1);
    return undefined;
  }

  // Out of the terminal with the keyboard: to a button of a toast, or to this menu.
  #reach() {
    if (this.#parts.toasts.reach()) return;
    const had = document.activeElement as HTMLElement | null;
    this.#back ??= !had || had === document.body ? this.#context.terminal : had;
    this.#opener.focus();
    this.#box.showPopover();
    this.#box.querySelector<HTMLElement>("button:not([hidden]), input")?.focus();
  }
}
