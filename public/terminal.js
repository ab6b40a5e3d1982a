// The shim between the page's program and xterm.js: one class, made to be driven from Rust (its extern types: app/src/terminal/shim.rs).
import { Terminal } from "./xterm/xterm.mjs";
import { FitAddon } from "./xterm/addon-fit.mjs";
import { Unicode11Addon } from "./xterm/addon-unicode11.mjs";
import { clipboard } from "./hand/clipboard.js";
import { compose } from "./hand/compose.js";
import { keys } from "./hand/keys.js";
import { links } from "./hand/links.js";
import { menu } from "./hand/menu.js";
import { paste } from "./hand/paste.js";
import { say } from "./hand/say.js";
import { settings } from "./hand/settings.js";
import { signals } from "./hand/signals.js";
import { text } from "./hand/text.js";
import { touch } from "./hand/touch.js";
import { typing } from "./hand/typing.js";
import { upload } from "./hand/upload.js";
import { viewport } from "./hand/viewport.js";
import { webgl } from "./hand/webgl.js";

// xterm.js makes <style> elements and has no way to give them the nonce that our policy asks for.
const nonce = document.querySelector("script[nonce]")?.nonce;
const createElement = Document.prototype.createElement;
document.createElement = function (name, options) {
  const element = createElement.call(this, name, options);
  if (nonce && String(name).toLowerCase() === "style") element.nonce = nonce;
  return element;
};

// The add-on knows Unicode 11. Where the width of a character has come or changed since (up to Unicode 15, as glibc's wcwidth has it, which tmux
// asks), the rest of its row would be shifted: first and last of each range, in hexadecimal.
const SINCE = {
  2: "31bb-31bf 3248-324f 4dc0-4dff 16ff0-16ff1 18af3-18cd5 18d00-18d08 1aff0-1aff3 1aff5-1affb 1affd-1affe 1b11f-1b122 1f6d6-1f6d7 1f6dd-1f6df 1f6fb-1f6fc 1f7f0-1f7f0 1f90c-1f90c 1f972-1f972 1f977-1f979 1f9a3-1f9a4 1f9ab-1f9ad 1f9cb-1f9cc 1fa74-1fa74 1fa7b-1fa7c 1fa83-1fa86 1fa96-1faac 1fab0-1faba 1fac0-1fac5 1fad0-1fad9 1fae0-1fae7 1faf0-1faf6",
  1: "600-605 6dd-6dd 70f-70f 8e2-8e2 1734-1734 110bd-110bd 110cd-110cd 1f93b-1f93b 1f946-1f946",
  0: "898-89f 8ca-8d2 b55-b55 c3c-c3c d81-d81 180f-180f 1abf-1ace 1dfa-1dfa a82c-a82c d7b0-d7c6 d7cb-d7fb 10eab-10eac 10f82-10f85 11070-11070 11073-11074 110c2-110c2 111cf-111cf 1193b-1193c 1193e-1193e 11943-11943 16fe4-16fe4 1cf00-1cf2d 1cf30-1cf46 1e2ae-1e2ae",
};
const widths = new Map();
for (const [width, ranges] of Object.entries(SINCE)) {
  for (const range of ranges.split(" ")) {
    const [first, last] = range.split("-").map((hex) => parseInt(hex, 16));
    for (let c = first; c <= last; c++) widths.set(c, Number(width));
  }
}
// And what follows a zero width joiner is part of the cell before it, whatever it is: so tmux counts.
const JOINER = 0x200d;
const unicode = (() => {
  let provider;
  new Unicode11Addon().activate({ unicode: { register: (its) => { provider = its; } } });
  const wcwidth = (c) => widths.get(c) ?? provider.wcwidth(c);
  // xterm.js hands what this gave for the character before: bit 0 joined, bits 1 and 2 the width of the cell, bit 3 ours: a joiner.
  const charProperties = (c, before) => {
    const cell = (before >> 1) & 3;
    const joins = cell > 0 && (before >> 3 > 0 || wcwidth(c) === 0);
    const width = joins ? cell : wcwidth(c);
    return ((joins && c === JOINER ? 1 : 0) << 3) | (width << 1) | (joins ? 1 : 0);
  };
  return Object.assign(Object.create(provider), { version: "15", wcwidth, charProperties });
})();

const colours = () => {
  const css = getComputedStyle(document.documentElement);
  const of = (name) => css.getPropertyValue(name).trim();
  const names = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"];
  const theme = { background: of("--term"), foreground: of("--term-text"), cursor: of("--accent"), cursorAccent: of("--term"), selectionBackground: of("--selection") };
  names.forEach((name, i) => {
    theme[name] = of(`--c${i}`);
    theme[`bright${name[0].toUpperCase()}${name.slice(1)}`] = of(`--b${i}`) || of(`--c${i}`);
  });
  theme.black = of("--k0");
  return theme;
};

class MuxTerminal {
  #terminal;
  #fit = new FitAddon();
  #hand;
  #held; // [columns, rows] of a watcher, whose grid is another's

  // `typed` takes bytes and whether they are a part of a paste, and says whether they are on their way.
  constructor(element, typed, resized, leave) {
    const css = getComputedStyle(document.documentElement);
    this.#terminal = new Terminal({
      allowProposedApi: true, // the unicode add-on's
      fontFamily: css.getPropertyValue("--mono"),
      fontSize: settings.get("fontPx"),
      minimumContrastRatio: 4.5, // WCAG 2.2 AA, whatever colours a program combines
      scrollback: 0, // the history is tmux's
      theme: colours(),
    });
    this.#terminal.loadAddon(this.#fit);
    this.#terminal.unicode.register(unicode);
    this.#terminal.unicode.activeVersion = unicode.version;
    this.#terminal.open(element);
    this.#fit.fit();
    const encoder = new TextEncoder();
    // What the rest of the page's hand works with.
    const facts = document.documentElement.dataset;
    this.#hand = {
      terminal: this.#terminal,
      element,
      settings,
      say,
      // `screen`: the same as `text` without the history, which may be megabytes.
      urls: { text: facts.text, screen: facts.text && `${facts.text}?history=0`, upload: facts.upload },
      uploadBytesMax: Number(facts.uploadMax),
      watches: () => this.#held !== undefined,
      fit: () => this.#refit(),
      // Sends bytes as if they were typed; false: they go nowhere. While a paste runs they come after it (hand/paste.js).
      send: (bytes) => typed(bytes, false),
      type: (text) => this.#hand.send(encoder.encode(text)),
      // Sends a part of a paste; `written` is called with the number of its bytes once the session's terminal has them.
      part: (bytes) => typed(bytes, true),
      written: () => {},
      // Has tmux show the program before what is sent next is written: scrolled back, it would take a text for keys.
      leave: () => leave(),
      // How many cells a text takes in a terminal.
      cells: (text) => [...text].reduce((sum, c) => sum + Math.max(0, unicode.wcwidth(c.codePointAt(0))), 0),
      // What becomes of typed text while Ctrl or Alt of the key bar is down.
      latched: (text) => text,
    };
    for (const part of [viewport, paste, upload, clipboard, links, text, typing, compose, keys, touch, signals, menu, webgl]) part(this.#hand);
    this.#terminal.onData((text) => this.#hand.type(this.#hand.latched(text)));
    this.#terminal.onBinary((text) => this.#hand.send(Uint8Array.from(text, (c) => c.charCodeAt(0))));
    this.#terminal.onResize(({ cols, rows }) => resized(cols, rows));
    new ResizeObserver(() => this.#refit()).observe(element);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { this.#terminal.options.theme = colours(); });
    // For tests and for the console: what is on the screen, its buffer, and what works around it.
    element.lines = () => {
      const buffer = this.#terminal.buffer.active;
      return Array.from({ length: this.#terminal.rows }, (_, y) => buffer.getLine(buffer.viewportY + y)?.translateToString(true) ?? "");
    };
    element.terminal = this.#terminal;
    element.hand = this.#hand;
  }

  write(bytes, taken) { this.#terminal.write(bytes, taken); }
  reset() { this.#terminal.reset(); }
  hold(columns, rows) {
    this.#held = [columns, rows];
    this.#terminal.resize(columns, rows);
    this.#scale();
  }
  written(bytes) { this.#hand.written(bytes); }
  // tmux may lead a terminal to another session: its text is read, and files go there.
  shows(session) {
    const { urls } = this.#hand;
    for (const what of Object.keys(urls)) urls[what] = urls[what]?.replace(/[^/]+(?=(\/text(\?.*)?)?$)/, session);
  }
  #refit() { this.#held ? this.#scale() : this.#fit.fit(); }
  // The largest font with which the whole grid fits: an estimate from what fits now, then down in small steps, for cells are rounded.
  #scale() {
    const [columns, rows] = this.#held;
    const room = this.#fit.proposeDimensions();
    if (!room?.cols || !room.rows) return;
    const now = this.#terminal.options.fontSize;
    let px = Math.min(2 * settings.get("fontPx"), Math.ceil(4 * (now * Math.min((room.cols + 1) / columns, (room.rows + 1) / rows))) / 4);
    for (; px > 1; px -= 0.25) {
      this.#terminal.options.fontSize = px;
      const { cols = 0, rows: high = 0 } = this.#fit.proposeDimensions() ?? {};
      if (cols >= columns && high >= rows) return;
    }
  }
  focus() { this.#terminal.focus(); }
  get columns() { return this.#terminal.cols; }
  get rows() { return this.#terminal.rows; }
}

globalThis.MuxTerminal = MuxTerminal;
