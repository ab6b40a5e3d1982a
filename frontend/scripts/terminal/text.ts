// The pane's text with its history as plain text: to read back, to search, to select as the browser selects (a phone has no other way).
import { write } from "./clipboard";
import type { Context, PaneText } from "./context";
import { button, make, open } from "./dialog";
import { Search } from "./search";
import { cells } from "./unicode";
import { characters } from "./words";

const PATIENCE_MS = 15_000;

export interface TextOptions {
  // How many rows of the screen above its end it starts.
  fromBottom?: number;
  // With the keyboard in the search field.
  search?: boolean;
}

export class TextView {
  readonly #context: Context;
  #shown?: OpenText; // one at a time

  constructor(context: Context) {
    this.#context = context;
    context.element.addEventListener(
      "keydown",
      (event) => {
        if (event.code !== "KeyF" || !event.shiftKey || event.altKey || event.ctrlKey === event.metaKey) return;
        event.preventDefault();
        event.stopImmediatePropagation();
        this.open({ search: true });
      },
      true,
    );
  }

  open(options: TextOptions = {}) {
    if (this.#shown) {
      if (options.search) this.#shown.search.select();
      return;
    }
    this.#shown = new OpenText(this.#context, options, () => {
      this.#shown = undefined;
    });
  }
}

// Asks the server for it; fails with a sentence.
async function load(url: string): Promise<string> {
  if (!url) throw new Error("The session's text is not offered here.");
  let answer: Response;
  try {
    answer = await fetch(url, { signal: AbortSignal.timeout(PATIENCE_MS), headers: { accept: "application/json" } });
  } catch {
    throw new Error("The text did not come: the server does not answer.");
  }
  let said: PaneText;
  try {
    said = (await answer.json()) as PaneText;
  } catch {
    said = {};
  }
  if (answer.ok && typeof said.text === "string") return said.text;
  throw new Error(typeof said.detail === "string" ? said.detail : `The text did not come: the server answered ${answer.status}.`);
}

class OpenText {
  readonly search: Search;
  readonly #context: Context;
  readonly #fromBottom: number;
  readonly #pre = make("pre", { tabIndex: 0 });
  readonly #content = this.#pre.appendChild(document.createTextNode(""));
  readonly #status = make("p", { className: "status", textContent: "Reading the session's text…" });
  readonly #again = button("Refresh", () => this.#refresh());

  constructor(context: Context, { fromBottom = 0, search = false }: TextOptions, closed: () => void) {
    this.#context = context;
    this.#fromBottom = fromBottom;
    const pre = this.#pre;
    pre.setAttribute("aria-label", "The terminal's text");
    this.#status.setAttribute("role", "status");
    this.search = new Search(pre, this.#content);

    const part = button("Copy selection", () => {
      const its = this.#selected();
      if (its) this.#copy(its);
      else this.#say("Nothing is selected.");
    });
    const all = button("Copy all", () => this.#copy(this.#content.data));
    // The selection stays when they are pressed.
    for (const each of [part, all, this.#again]) each.addEventListener("mousedown", (event) => event.preventDefault());

    const close = button("✕", () => dialog.close(), "small");
    close.setAttribute("aria-label", "Close");
    const dialog = make(
      "dialog",
      { className: "text-view" },
      make("header", {}, this.search.element, close),
      pre,
      make("footer", {}, this.#status, make("div", { className: "buttons" }, this.#again, part, all)),
    );
    dialog.setAttribute("aria-label", "The terminal's text");
    dialog.addEventListener("keydown", (event) => {
      if (event.code !== "KeyF" || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      this.search.select();
    });
    dialog.addEventListener("close", () => {
      this.search.end();
      closed();
    });
    open(context, dialog);
    (search ? this.search.field : pre).focus();
    this.#refresh();
  }

  #say(words: string, bad = false) {
    this.#status.textContent = words;
    this.#status.classList.toggle("bad", bad);
  }

  async #copy(its: string) {
    const there = await write(its);
    this.#say(there ? `Copied ${characters(its)}` : "This browser does not let the page copy: select the text and use the browser's own way.");
  }

  #selected(): string {
    const selection = getSelection();
    return selection?.anchorNode && this.#pre.contains(selection.anchorNode) ? selection.toString() : "";
  }

  async #refresh() {
    const [pre, content] = [this.#pre, this.#content];
    const bottom = pre.scrollTop + pre.clientHeight >= pre.scrollHeight - 4;
    const fresh = !content.data;
    this.#again.disabled = true;
    try {
      const its = await load(this.#context.urls.text);
      content.data = its;
      const lines = its.split("\n").length - (its === "" || its.endsWith("\n") ? 1 : 0);
      this.#say(lines === 1 ? "1 line" : `${lines.toLocaleString("en")} lines`);
      if (fresh) this.#scroll(this.#fromBottom);
      else if (bottom) this.#scroll(0);
      if (this.search.field.value) this.search.find();
    } catch (error) {
      this.#say((error as Error).message, true);
    }
    this.#again.disabled = false;
  }

  // So that the last line in sight is this many of the screen's rows above the end. A line here is one that tmux has joined of all its rows.
  #scroll(above: number) {
    const [pre, { data }] = [this.#pre, this.#content];
    let end = data.length;
    if (above && data.endsWith("\n")) end--;
    for (let rows = 0; rows < above && end > 0; ) {
      const before = data.lastIndexOf("\n", end - 1);
      const its = Math.max(1, Math.ceil(cells(data.slice(before + 1, end)) / this.#context.terminal.cols));
      if (rows + its / 2 > above) break; // nearer to it than past it
      rows += its;
      end = before;
    }
    if (end >= data.length || end <= 0) {
      pre.scrollTop = end <= 0 && above ? 0 : pre.scrollHeight;
      return;
    }
    const place = document.createRange();
    place.setStart(this.#content, end);
    place.setEnd(this.#content, end + 1);
    pre.scrollTop += place.getBoundingClientRect().bottom - pre.getBoundingClientRect().bottom;
  }
}
