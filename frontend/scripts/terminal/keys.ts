// The key bar: what a phone's keyboard lacks.
import { bytes, named } from "./bytes";
import type { Context, PaneText } from "./context";
import type { Input } from "./input";
import type { Modifier, Modifiers } from "./modifiers";
import type { Paste } from "./paste";
import type { TextView } from "./text";
import type { Typing } from "./typing";

// A press held so long repeats, so often.
const HOLD_MS = 400;
const REPEAT_MS = 60;
const REPEATS = new Set(["Tab", "Up", "Down", "Left", "Right", "PgUp", "PgDn", "Home", "End"]);
const USUAL = "\x02"; // tmux's prefix, where nobody changed it
const PREFIX_MS = 1000; // so long it is waited for, and what follows it too

// What a key of the bar is, what is on it, and its name.
const KEYS: [key: string, label?: string, name?: string][] = [
  ["Esc"],
  ["Tab"],
  ["Ctrl"],
  ["Alt"],
  ["Left", "←", "Left arrow"],
  ["Up", "↑", "Up arrow"],
  ["Down", "↓", "Down arrow"],
  ["Right", "→", "Right arrow"],
  ["Prefix", "tmux", "tmux prefix"],
  ["Paste"],
  ["Text", "Text", "Text and history"],
  ["PgUp", "PgUp", "Page up"],
  ["PgDn", "PgDn", "Page down"],
  ["|", "|", "Vertical bar"],
  ["/", "/", "Slash"],
  ["-", "-", "Minus"],
  ["Home"],
  ["End"],
  ["Keyboard", "⌨", "Keyboard"],
];

export interface KeyBarParts {
  input: Input;
  modifiers: Modifiers;
  paste: Paste;
  text: TextView;
  typing: Typing;
}

export class KeyBar {
  readonly #context: Context;
  readonly #parts: KeyBarParts;
  readonly #bar = document.createElement("div");
  readonly #coarse = matchMedia("(pointer: coarse)");
  #tmuxPrefix?: string;
  #asked?: Promise<string | undefined>;

  constructor(context: Context, parts: KeyBarParts) {
    this.#context = context;
    this.#parts = parts;
    const { settings, terminal, watching } = context;
    const { modifiers, paste, text } = parts;
    this.#bar.className = "key-bar";
    this.#bar.setAttribute("role", "toolbar");
    this.#bar.setAttribute("aria-label", "Keys");

    const typed = () => terminal.textarea === document.activeElement;
    const acts: Record<string, () => void> = {
      Ctrl: () => modifiers.tap("Ctrl"),
      Alt: () => modifiers.tap("Alt"),
      Paste: () => paste.fromClipboard(),
      Text: () => text.open(),
      Keyboard: () => (typed() ? terminal.blur() : terminal.focus()),
      Prefix: () => this.#pressPrefix(),
    };
    const buttons = new Map<string, HTMLButtonElement>();
    for (const [key, label = key, name = label] of KEYS) buttons.set(key, this.#button(key, label, name, acts[key] ?? (() => this.#press(key))));

    modifiers.follow((name: Modifier, latch) => {
      const button = buttons.get(name);
      if (!button) return;
      button.setAttribute("aria-pressed", String(latch !== "up"));
      button.setAttribute("aria-label", latch === "locked" ? `${name}, locked` : name);
      button.dataset.latch = latch;
    });
    const follow = () => buttons.get("Keyboard")?.setAttribute("aria-pressed", String(typed()));
    for (const event of ["focusin", "focusout"]) document.addEventListener(event, () => setTimeout(follow));
    follow();

    document.body.append(this.#bar);
    const show = () => {
      this.#bar.hidden = watching || !this.shown;
    };
    this.#coarse.addEventListener("change", show);
    settings.follow("keys", show);
  }

  // Whether the person, or the pointer, wants it.
  get shown(): boolean {
    const choice = this.#context.settings.get("keys");
    return choice === "on" || (choice === "auto" && this.#coarse.matches);
  }

  // tmux's prefix: the person's word, or tmux's own, or its usual one if tmux does not say it soon.
  get #prefix(): string | undefined {
    return named(this.#context.settings.get("prefix")) ?? this.#tmuxPrefix;
  }

  // Asks tmux for it; a failed question is put again.
  #askPrefix(): Promise<string | undefined> {
    this.#asked ??= this.#fetchPrefix().then((its) => {
      this.#asked = undefined;
      this.#tmuxPrefix = its;
      return its;
    });
    return this.#asked;
  }

  async #fetchPrefix(): Promise<string | undefined> {
    const { screen } = this.#context.urls;
    if (!screen) return undefined;
    try {
      const answer = await fetch(screen, { signal: AbortSignal.timeout(PREFIX_MS), headers: { accept: "application/json" } });
      return answer.ok ? named(String(((await answer.json()) as PaneText).prefix)) : undefined;
    } catch {
      return undefined;
    }
  }

  #press(key: string) {
    const { input, modifiers, typing } = this.#parts;
    const held = modifiers.use();
    typing.flushComposition();
    input.type(bytes(key, { ...held, application: this.#context.terminal.modes.applicationCursorKeysMode }));
  }

  #pressPrefix() {
    const { input, modifiers, typing } = this.#parts;
    modifiers.use();
    typing.flushComposition();
    const prefix = this.#prefix;
    if (prefix) input.type(prefix);
    else input.sendAfter(this.#askPrefix(), USUAL);
  }

  // The keyboard and the focus stay where they are: a press is a click without its mouse.
  #button(key: string, label: string, name: string, act: () => void): HTMLButtonElement {
    const own = this.#bar.appendChild(document.createElement("button"));
    own.type = "button";
    own.className = "key";
    own.textContent = label;
    if (name !== label) own.setAttribute("aria-label", name);
    if (/^[^a-z]$/i.test(label)) own.classList.add("sign");
    let timer: ReturnType<typeof setTimeout> | undefined;
    let repeated = false;
    const stop = () => {
      clearTimeout(timer);
      timer = undefined;
    };
    const again = () => {
      repeated = true;
      act();
      timer = setTimeout(again, REPEAT_MS);
    };
    own.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      if (key === "Prefix" && !this.#prefix) this.#askPrefix(); // on its way while the finger is down
      stop();
      repeated = false;
      if (REPEATS.has(key) && event.isPrimary && event.button === 0) timer = setTimeout(again, HOLD_MS);
    });
    own.addEventListener("mousedown", (event) => event.preventDefault());
    own.addEventListener("contextmenu", (event) => event.preventDefault());
    for (const end of ["pointerup", "pointercancel", "pointerleave"]) own.addEventListener(end, stop);
    own.addEventListener("click", () => {
      if (!repeated) act();
      repeated = false;
    });
    return own;
  }
}
