// Ctrl and Alt of the key bar, which hold for the next key; a second tap holds them until a third.
import { type Held, under } from "./bytes";

export type Modifier = "Ctrl" | "Alt";
export type Latch = "up" | "next" | "locked";

const LATCHES: readonly Latch[] = ["up", "next", "locked"];

export class Modifiers {
  readonly #latches: Record<Modifier, Latch> = { Ctrl: "up", Alt: "up" };
  #shows: (name: Modifier, latch: Latch) => void = () => {};

  // Calls it now for each of them, and whenever one changes.
  follow(shows: (name: Modifier, latch: Latch) => void) {
    this.#shows = shows;
    for (const name of ["Ctrl", "Alt"] as const) shows(name, this.#latches[name]);
  }

  get held(): boolean {
    return this.#latches.Ctrl !== "up" || this.#latches.Alt !== "up";
  }

  tap(name: Modifier) {
    this.#set(name, LATCHES[(LATCHES.indexOf(this.#latches[name]) + 1) % LATCHES.length] ?? "up");
  }

  // Those that are down, for one key: what held for that alone is up again.
  use(): Held {
    const held = this.#down();
    this.#release();
    return held;
  }

  // Typed text, as it is under those that are down.
  applyModifiers(text: string): string {
    if (!this.held) return text;
    const now = under(text, this.#down());
    if (now === undefined) return text;
    this.#release();
    return now;
  }

  #down(): Held {
    return { ctrl: this.#latches.Ctrl !== "up", alt: this.#latches.Alt !== "up" };
  }

  #release() {
    for (const name of ["Ctrl", "Alt"] as const) if (this.#latches[name] === "next") this.#set(name, "up");
  }

  #set(name: Modifier, latch: Latch) {
    this.#latches[name] = latch;
    this.#shows(name, latch);
  }
}
