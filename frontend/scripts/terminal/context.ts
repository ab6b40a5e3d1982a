// What the parts of the terminal's page work with. Each part takes this and the parts that it needs in its constructor; none changes it.
import type { Terminal } from "@xterm/xterm";
import type { Settings } from "./settings";
import type { Toast } from "./toasts";

// The connection to the session, driven from Rust.
export interface Line {
  // Sends bytes as if they were typed; false: they go nowhere. All but input.ts use `Input`, which keeps the order.
  send(bytes: Uint8Array): boolean;
  // Sends a part of a paste; `Input.written` is called with the number of its bytes once the session's terminal has them.
  sendPasteChunk(bytes: Uint8Array): boolean;
  // Has tmux show the program before what is sent next is written: scrolled back, it would take a text for keys.
  leave(): void;
}

// Where the server gives and takes what belongs to the session; empty: not offered here.
export interface Urls {
  // The pane's text with its history, which may be megabytes.
  text: string;
  // The same without the history.
  screen: string;
  upload: string;
}

export interface Context {
  readonly terminal: Terminal;
  // The element that xterm.js is in.
  readonly element: HTMLElement;
  readonly line: Line;
  readonly settings: Settings;
  readonly toast: Toast;
  readonly urls: Readonly<Urls>;
  readonly uploadBytesMax: number;
  // This page only looks.
  readonly watching: boolean;
  // Fits the grid, or for a watcher the font, to the element.
  fit(): void;
}

// What the server says of a pane.
export interface PaneText {
  text?: unknown;
  detail?: unknown;
  prefix?: unknown;
  bracketed_paste?: boolean | null;
}
