// The search in a text: a field, what is found, and the way from one to the next.
import { button, make } from "./dialog";

const FOUND_MAX = 5000; // marked and gone to: the last ones

export class Search {
  readonly field = make("input", { type: "text", placeholder: "Search", autocomplete: "off", spellcheck: false, enterKeyHint: "search" });
  readonly element: HTMLElement;
  readonly #pre: HTMLElement;
  readonly #content: Text;
  readonly #marks: HighlightRegistry | undefined = globalThis.CSS?.highlights; // without them what is found is selected
  readonly #count = make("output", { className: "count" });
  readonly #steps: HTMLButtonElement[];
  #found: Range[] = [];
  #more = false; // before those
  #at = -1;

  constructor(pre: HTMLElement, content: Text) {
    this.#pre = pre;
    this.#content = content;
    this.field.setAttribute("role", "searchbox"); // one of that type takes Esc for itself
    this.field.setAttribute("aria-label", "Search the text");
    this.field.setAttribute("autocapitalize", "off");
    const step = (label: string, name: string, by: number) => {
      const made = button(label, () => this.#step(by), "small");
      made.setAttribute("aria-label", name);
      // The selection stays when it is pressed.
      made.addEventListener("mousedown", (event) => event.preventDefault());
      return made;
    };
    this.#steps = [step("↑", "Previous", -1), step("↓", "Next", 1)];
    this.field.addEventListener("input", () => this.find());
    this.field.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.isComposing) return;
      event.preventDefault();
      this.#step(event.shiftKey ? 1 : -1);
    });
    this.element = make("div", { className: "find" }, this.field, this.#count, ...this.#steps);
  }

  select() {
    this.field.select();
  }

  // From the last: what was said latest is what one mostly looks for.
  find() {
    let places: [number, number][] = [];
    this.#more = false;
    if (this.field.value) {
      const wanted = new RegExp(this.field.value.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"), "giu");
      for (const match of this.#content.data.matchAll(wanted)) {
        places.push([match.index, match.index + match[0].length]);
        if (places.length < 2 * FOUND_MAX) continue;
        places = places.slice(-FOUND_MAX);
        this.#more = true;
      }
    }
    this.#more ||= places.length > FOUND_MAX;
    this.#found = places.slice(-FOUND_MAX).map(([from, to]) => {
      const range = document.createRange();
      range.setStart(this.#content, from);
      range.setEnd(this.#content, to);
      return range;
    });
    this.#go(this.#found.length - 1);
  }

  // Takes the marks away.
  end() {
    this.#marks?.delete("found");
    this.#marks?.delete("found-now");
  }

  #step(by: number) {
    if (this.#found.length) this.#go((this.#at + by + this.#found.length) % this.#found.length);
  }

  #go(to: number) {
    this.#at = to;
    const one = this.#found[to];
    this.#count.textContent = one ? `${to + 1} of ${this.#found.length}${this.#more ? "+" : ""}` : this.field.value ? "none" : "";
    for (const step of this.#steps) step.disabled = !one;
    this.#marks?.set("found", new Highlight(...this.#found));
    this.#marks?.set("found-now", new Highlight(...(one ? [one] : [])));
    if (!one) return;
    if (!this.#marks) getSelection()?.setBaseAndExtent(this.#content, one.startOffset, this.#content, one.endOffset);
    const [pre, its, box] = [this.#pre, one.getBoundingClientRect(), this.#pre.getBoundingClientRect()];
    if (its.top < box.top || its.bottom > box.bottom) pre.scrollTop += its.top - box.top - box.height / 2;
    if (its.left < box.left || its.right > box.right) pre.scrollLeft += its.left - box.left - box.width / 3;
  }
}
