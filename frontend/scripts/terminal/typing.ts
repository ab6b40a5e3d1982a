// On-screen keyboards and xterm.js. What xterm.js 6 does wrong with them, and what is done here instead:
// - a word put right after it was sent (autocorrect: insertReplacementText, or the word composed once more) is sent whole a second time if it is as long
//   as it was, and as one Backspace if it is shorter. Here the difference is sent: as many Backspaces as characters went, then the new ones.
// - a character of two halves (an emoji) that Firefox gives as a key comes as one `keypress` for each half, and each alone is no character.
// - WebKitGTK ends a composition that never began when an input method gives a text at once: xterm.js sends all that is in the field once more.
// - a composed word arrives only when it is complete. Under a finger every Latin letter is composed: it goes out at once, so that one letter answers a
//   question, and Ctrl of the key bar has a letter to work on.
// Composition with a real keyboard (Japanese, dead keys) xterm.js does right: it is left alone. Who wants to see and mend a text before it goes has the
// compose line.
import type { Context } from "./context";
import { difference } from "./difference";
import type { Input } from "./input";
import type { Modifiers } from "./modifiers";

const LATIN = /^[\x20-\u024f]*$/;
// What a keyboard does to a field; a paste and an undo are not that.
const KEYBOARDS = /^(insert(Text|ReplacementText|LineBreak|Paragraph|CompositionText|FromComposition)|delete.*)$/;
const COMPOSED = /Composition/;
const ATTRIBUTES = { autocapitalize: "off", autocorrect: "off", autocomplete: "off", spellcheck: "false", enterkeyhint: "enter" };

export class Typing {
  readonly #element: HTMLElement;
  readonly #area: HTMLTextAreaElement;
  readonly #input: Input;
  readonly #modifiers: Modifiers;
  readonly #coarse = matchMedia("(pointer: coarse)");
  #known = ""; // what of the field was typed into the session
  #pressed = false; // a key with a name is down: xterm.js does what follows
  #composing = false;
  #ours = false; // this composition
  #theirs = false; // xterm.js had the one that has just ended
  #due?: ReturnType<typeof setTimeout>; // the end of one that is still to be sent
  #half = ""; // the first half of a character whose second is the next `keypress`

  constructor({ terminal, element }: Context, input: Input, modifiers: Modifiers) {
    if (!terminal.textarea) throw new Error("xterm.js has no field to type in before it is opened");
    this.#element = element;
    this.#area = terminal.textarea;
    this.#input = input;
    this.#modifiers = modifiers;
    for (const [name, value] of Object.entries(ATTRIBUTES)) this.#area.setAttribute(name, value);
    this.#on("keydown", (event) => this.#keydown(event));
    this.#on("keypress", (event) => this.#keypress(event));
    this.#on("keyup", () => {
      this.#pressed = false;
      return false;
    });
    // Or a key that another window saw go up is down for ever.
    this.#on("blur", () => {
      this.#pressed = false;
      return false;
    });
    this.#on("beforeinput", (event) => this.#beforeInput(event));
    this.#on("compositionstart", (event) => this.#compositionStart(event));
    this.#on("compositionupdate", (event) => {
      if (this.#ours) this.#preedit(LATIN.test(event.data) ? "" : event.data);
      return this.#ours;
    });
    this.#on("input", (event) => this.#changed(event as InputEvent));
    this.#on("compositionend", () => this.#compositionEnd());
  }

  // A key of the bar may move the cursor: a word put right after it would be taken back at another place. What is not typed yet goes first.
  flushComposition() {
    this.#settle();
    if (this.#composing) {
      if (!this.#ours) return;
      this.#flush();
      this.#preedit("");
    }
    this.#known = this.#area.value = "";
  }

  // Before xterm.js, whose listeners are on the field itself; a handler that did what there was to do says so.
  #on<K extends keyof HTMLElementEventMap>(name: K, handler: (event: HTMLElementEventMap[K]) => boolean) {
    const listener = (event: HTMLElementEventMap[K]) => {
      if (event.target === this.#area && handler(event)) event.stopPropagation();
    };
    this.#element.addEventListener(name, listener, { capture: true });
  }

  #type(text: string) {
    this.#input.type(this.#modifiers.applyModifiers(text));
  }

  #flush() {
    const after = this.#area.value;
    const typed = difference(this.#known, after);
    this.#known = after;
    if (typed.endsWith("\r")) this.#known = this.#area.value = "";
    if (typed) this.#type(typed);
  }

  #settle() {
    if (this.#due === undefined) return;
    clearTimeout(this.#due);
    this.#due = undefined;
    this.#flush();
  }

  #preedit(text: string) {
    const view = this.#element.querySelector<HTMLElement>(".composition-view");
    if (!view) return;
    view.textContent = text;
    view.classList.toggle("active", text !== "");
    view.style.left = this.#area.style.left;
    view.style.top = this.#area.style.top;
  }

  #keydown(event: KeyboardEvent): boolean {
    this.#settle();
    this.#theirs = false;
    // xterm.js has nothing for it; a terminal sends what it sends for Ctrl+_.
    if (event.key === "/" && event.ctrlKey && !event.shiftKey && !event.altKey && !event.metaKey) {
      event.preventDefault();
      this.#input.type("\x1f");
      return true;
    }
    this.#pressed = event.keyCode !== 229;
    if (this.#composing && this.#ours && this.#pressed) this.#flush();
    if (!this.#composing) this.#known = this.#area.value;
    return !this.#pressed && (!this.#composing || this.#ours);
  }

  #keypress(event: KeyboardEvent): boolean {
    const unit = String.fromCharCode(event.charCode);
    const first = this.#half;
    this.#half = "";
    if (/[\ud800-\udbff]/.test(unit)) this.#half = unit;
    else if (first && /[\udc00-\udfff]/.test(unit)) this.#type(first + unit);
    else return false;
    event.preventDefault();
    return true;
  }

  #beforeInput(event: InputEvent): boolean {
    const area = this.#area;
    this.#settle();
    if (!COMPOSED.test(event.inputType)) this.#theirs = false;
    if (this.#composing) return false;
    this.#known = area.value;
    // What is selected here xterm.js has put here, to be copied: nobody typed it.
    if (event.inputType === "insertText") this.#known = area.value.slice(0, area.selectionStart) + area.value.slice(area.selectionEnd);
    return false;
  }

  #compositionStart(event: CompositionEvent): boolean {
    this.#settle();
    this.#composing = true;
    this.#theirs = false;
    this.#known = this.#area.value;
    this.#ours = this.#coarse.matches || this.#modifiers.held || event.data !== "";
    return this.#ours;
  }

  #changed(event: InputEvent): boolean {
    if (this.#composing) {
      if (this.#ours && LATIN.test(event.data ?? "")) this.#flush();
      return this.#ours;
    }
    // Firefox changes the field once more, after the end: xterm.js sends it.
    if (this.#theirs && COMPOSED.test(event.inputType)) {
      this.#known = this.#area.value;
      return false;
    }
    if (this.#pressed || !KEYBOARDS.test(event.inputType)) return false;
    this.#flush();
    return true;
  }

  #compositionEnd(): boolean {
    // `input` has sent it.
    if (!this.#composing) return true;
    this.#composing = false;
    this.#theirs = !this.#ours;
    if (this.#theirs) return false;
    this.#ours = false;
    this.#preedit("");
    // Some browsers change the field only after this.
    this.#due = setTimeout(() => this.#settle());
    return true;
  }
}
