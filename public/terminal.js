// The shim between the page's program and xterm.js: one class, made to be driven from Rust (its extern types: app/src/terminal/shim.rs).
import { Terminal } from "./xterm/xterm.mjs";
import { FitAddon } from "./xterm/addon-fit.mjs";
import { Unicode11Addon } from "./xterm/addon-unicode11.mjs";

// xterm.js makes <style> elements and has no way to give them the nonce that our policy asks for.
const nonce = document.querySelector("script[nonce]")?.nonce;
const createElement = Document.prototype.createElement;
document.createElement = function (name, options) {
  const element = createElement.call(this, name, options);
  if (nonce && String(name).toLowerCase() === "style") element.nonce = nonce;
  return element;
};

const OPENS = /^(https?:\/\/|mailto:)/i;

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

const FONT_PX = 14;

class MuxTerminal {
  #terminal;
  #element;
  #fit = new FitAddon();
  #held = false; // [columns, rows] of a watcher, whose grid is another's

  constructor(element, typed, resized) {
    this.#element = element;
    const css = getComputedStyle(document.documentElement);
    this.#terminal = new Terminal({
      allowProposedApi: true, // the unicode add-on's
      fontFamily: css.getPropertyValue("--mono"),
      fontSize: FONT_PX,
      minimumContrastRatio: 4.5, // WCAG 2.2 AA, whatever colours a program combines
      scrollback: 0, // the history is tmux's
      theme: colours(),
      linkHandler: { activate: (_, uri) => OPENS.test(uri) && window.open(uri, "_blank", "noopener,noreferrer") },
    });
    this.#terminal.loadAddon(this.#fit);
    this.#terminal.loadAddon(new Unicode11Addon());
    this.#terminal.unicode.activeVersion = "11";
    this.#terminal.open(element);
    this.#fit.fit();
    const encoder = new TextEncoder();
    this.#terminal.onData((text) => typed(encoder.encode(text)));
    this.#terminal.onBinary((text) => typed(Uint8Array.from(text, (c) => c.charCodeAt(0))));
    this.#terminal.onResize(({ cols, rows }) => resized(cols, rows));
    new ResizeObserver(() => (this.#held ? this.#scale() : this.#fit.fit())).observe(element);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { this.#terminal.options.theme = colours(); });
    // For tests and for the console: what is on the screen.
    element.lines = () => {
      const buffer = this.#terminal.buffer.active;
      return Array.from({ length: this.#terminal.rows }, (_, y) => buffer.getLine(buffer.viewportY + y)?.translateToString(true) ?? "");
    };
  }

  write(bytes, taken) { this.#terminal.write(bytes, taken); }
  reset() { this.#terminal.reset(); }
  hold(columns, rows) {
    this.#held = [columns, rows];
    this.#terminal.resize(columns, rows);
    this.#scale();
  }
  // The largest font with which the whole grid fits: what FitAddon proposes grows as the font shrinks.
  #scale() {
    const [columns, rows] = this.#held;
    const fits = (px) => {
      this.#terminal.options.fontSize = px;
      const room = this.#fit.proposeDimensions();
      return !room || (room.cols >= columns && room.rows >= rows);
    };
    let px = 2 * FONT_PX;
    while (px > 4 && !fits(px)) px -= 0.5;
  }
  focus() { this.#terminal.focus(); }
  get columns() { return this.#terminal.cols; }
  get rows() { return this.#terminal.rows; }
}

globalThis.MuxTerminal = MuxTerminal;
