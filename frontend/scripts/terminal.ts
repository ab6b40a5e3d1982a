// The shim between the page's program and xterm.js: one class, made to be driven from Rust (its extern types: app/src/terminal/shim.rs).
import { FitAddon } from "@xterm/addon-fit";
import { Terminal } from "@xterm/xterm";
import { clipboard } from "./terminal/clipboard";
import { ComposeLine } from "./terminal/compose";
import type { Context } from "./terminal/context";
import { Input } from "./terminal/input";
import { KeyBar } from "./terminal/keys";
import { links } from "./terminal/links";
import { Menu } from "./terminal/menu";
import { Modifiers } from "./terminal/modifiers";
import { giveStylesTheNonce } from "./terminal/nonce";
import { Paste } from "./terminal/paste";
import { Settings } from "./terminal/settings";
import { Signals } from "./terminal/signals";
import { TextView } from "./terminal/text";
import { theme } from "./terminal/theme";
import { Toasts } from "./terminal/toasts";
import { Touch } from "./terminal/touch";
import { transfer } from "./terminal/transfer";
import { Typing } from "./terminal/typing";
import { unicode15 } from "./terminal/unicode";
import { Upload } from "./terminal/upload";
import { viewport } from "./terminal/viewport";
import { webgl } from "./terminal/webgl";

giveStylesTheNonce();

export class MuxTerminal {
  private readonly terminal: Terminal;
  private readonly context: Context;
  private readonly urls: { text: string; screen: string; upload: string };
  private readonly parts: { input: Input; paste: Paste; signals: Signals; text: TextView; upload: Upload };
  readonly #fit = new FitAddon();
  readonly #settings = new Settings();
  #held?: [columns: number, rows: number]; // of a watcher, whose grid is another's

  // `typed` takes bytes and whether they are a part of a paste, and says whether they are on their way.
  constructor(
    element: HTMLElement,
    watching: boolean,
    typed: (bytes: Uint8Array, paste: boolean) => boolean,
    resized: (columns: number, rows: number) => void,
    leave: () => void,
  ) {
    const terminal = new Terminal({
      allowProposedApi: true, // the unicode add-on's
      fontFamily: getComputedStyle(document.documentElement).getPropertyValue("--mono"),
      fontSize: this.#settings.get("fontPx"),
      minimumContrastRatio: 4.5, // WCAG 2.2 AA, whatever colours a program combines
      scrollback: 0, // the history is tmux's
      theme: theme(),
    });
    this.terminal = terminal;
    terminal.loadAddon(this.#fit);
    terminal.unicode.register(unicode15);
    terminal.unicode.activeVersion = unicode15.version;
    terminal.open(element);
    this.#fit.fit();

    const { text = "", upload = "", uploadMax } = document.documentElement.dataset;
    this.urls = { text, screen: text && `${text}?history=0`, upload };
    const toasts = new Toasts();
    this.context = {
      terminal,
      element,
      line: { send: (bytes) => typed(bytes, false), sendPasteChunk: (bytes) => typed(bytes, true), leave },
      settings: this.#settings,
      toast: toasts.show,
      urls: this.urls,
      uploadBytesMax: Number(uploadMax),
      watching,
      fit: () => this.#refit(),
    };
    this.parts = this.#build(toasts);
    terminal.onResize(({ cols, rows }) => resized(cols, rows));
    new ResizeObserver(() => this.#refit()).observe(element);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      terminal.options.theme = theme();
    });
  }

  // In the order in which they see an event of the element.
  #build(toasts: Toasts) {
    const { context, terminal } = this;
    viewport();
    const input = new Input(context);
    const modifiers = new Modifiers();
    clipboard(context);
    links(context);
    const text = new TextView(context);
    const typing = new Typing(context, input, modifiers);
    const paste = new Paste(context, input, typing);
    const upload = new Upload(context, paste);
    transfer(context, paste, upload);
    const compose = new ComposeLine(context, input, paste);
    const keys = new KeyBar(context, { input, modifiers, paste, text, typing });
    new Touch(context, text);
    const signals = new Signals(context);
    const bar = document.querySelector(".term-bar");
    if (bar) new Menu(context, bar, { compose, keys, paste, text, toasts, upload });
    webgl(context);
    terminal.onData((its) => input.type(modifiers.applyModifiers(its)));
    terminal.onBinary((its) => input.send(Uint8Array.from(its, (c) => c.charCodeAt(0))));
    return { input, paste, signals, text, upload };
  }

  write(bytes: Uint8Array, taken: () => void) {
    this.terminal.write(bytes, taken);
  }

  reset() {
    this.terminal.reset();
  }

  hold(columns: number, rows: number) {
    this.#held = [columns, rows];
    this.terminal.resize(columns, rows);
    this.#scale(columns, rows);
  }

  setConnected(connected: boolean) {
    this.parts.input.setConnected(connected);
  }

  written(bytes: number) {
    this.parts.input.written(bytes);
  }

  // tmux may lead a terminal to another session: its text is read, and files go there.
  shows(session: string, name: string) {
    const { urls } = this;
    for (const what of ["text", "screen", "upload"] as const) urls[what] = urls[what].replace(/[^/]+(?=(\/text(\?.*)?)?$)/, session);
    this.parts.signals.setName(name);
  }

  focus() {
    this.terminal.focus();
  }

  get columns(): number {
    return this.terminal.cols;
  }

  get rows(): number {
    return this.terminal.rows;
  }

  #refit() {
    if (this.#held) this.#scale(...this.#held);
    else this.#fit.fit();
  }

  // The largest font with which the whole grid fits: an estimate from what fits now, then down in small steps, for cells are rounded.
  #scale(columns: number, rows: number) {
    const { options } = this.terminal;
    const room = this.#fit.proposeDimensions();
    if (!room?.cols || !room.rows) return;
    const fits = 4 * ((options.fontSize ?? 1) * Math.min((room.cols + 1) / columns, (room.rows + 1) / rows));
    let px = Math.min(2 * this.#settings.get("fontPx"), Math.ceil(fits) / 4);
    for (; px > 1; px -= 0.25) {
      options.fontSize = px;
      const { cols = 0, rows: high = 0 } = this.#fit.proposeDimensions() ?? {};
      if (cols >= columns && high >= rows) return;
    }
  }
}

Object.assign(globalThis, { MuxTerminal });
