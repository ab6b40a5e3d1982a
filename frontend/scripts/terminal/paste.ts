// A paste before it is in the line: whether there is somewhere for it to go, and what is written meanwhile goes first.
import type { Context } from "./context";
import type { Input } from "./input";
import type { Typing } from "./typing";

export class Paste {
  readonly #context: Context;
  readonly #input: Input;
  readonly #typing: Typing;

  constructor(context: Context, input: Input, typing: Typing) {
    this.#context = context;
    this.#input = input;
    this.#typing = typing;
  }

  // Puts text in as a paste. Gives, or promises, whether it goes.
  paste(text: string): boolean | Promise<boolean> {
    if (!text) return false;
    const { watching, toast } = this.#context;
    const no = watching ? "You are watching: nothing was pasted." : this.#input.connected ? "" : "Not connected: nothing was pasted.";
    if (no) {
      toast(no, { ms: 4000, alert: true });
      return false;
    }
    this.#typing.flushComposition();
    return this.#input.paste(text);
  }

  // What a button does, which no browser lets paste of itself.
  async fromClipboard() {
    let text: string;
    try {
      text = await navigator.clipboard.readText();
    } catch {
      const words = "The browser does not let this page read the clipboard. Paste into the compose line instead: it is in the menu.";
      this.#context.toast(words, { ms: 8000, alert: true });
      return;
    }
    this.paste(text);
  }
}
