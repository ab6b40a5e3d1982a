// What the specs see of the terminal beside the page: xterm.js and the parts around it. The page gives neither away; a script that runs before its own
// takes them from the class that the page defines, and hangs them on the terminal's element.
import type { Page } from "@playwright/test";
import type { Context } from "../../frontend/scripts/terminal/context";
import type { Input } from "../../frontend/scripts/terminal/input";
import type { Paste } from "../../frontend/scripts/terminal/paste";
import type { TextView } from "../../frontend/scripts/terminal/text";
import type { Upload } from "../../frontend/scripts/terminal/upload";

interface Insides {
  terminal: Context["terminal"];
  context: Context;
  parts: { input: Input; paste: Paste; text: TextView; upload: Upload };
}
export type Inspected = HTMLElement & Insides;

// In the page, before its scripts.
export function keepTerminal() {
  type Class = new (element: HTMLElement, ...more: unknown[]) => Insides;
  let kept: Class;
  Object.defineProperty(globalThis, "MuxTerminal", {
    get: () => kept,
    set(its: Class) {
      kept = class extends its {
        constructor(element: HTMLElement, ...more: unknown[]) {
          super(element, ...more);
          const { terminal, context, parts } = this;
          Object.assign(element, { terminal, context, parts });
        }
      };
    },
  });
}

// Runs a function in the page, with the terminal's element and an argument.
export function inScreen<T>(page: Page, run: (screen: Inspected) => T): Promise<Awaited<T>>;
export function inScreen<T, A>(page: Page, run: (screen: Inspected, argument: A) => T, argument: A): Promise<Awaited<T>>;
export function inScreen<T, A>(page: Page, run: (screen: Inspected, argument: A) => T, argument?: A): Promise<Awaited<T>> {
  return page.locator("#screen").evaluate(run as (element: Element, argument: unknown) => T, argument) as Promise<Awaited<T>>;
}
