// A native dialog made of elements: none of its words is ever read as markup.
import type { Context } from "./context";

export function make<K extends keyof HTMLElementTagNameMap>(
  name: K,
  properties: Partial<HTMLElementTagNameMap[K]> = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

export const button = (words: string, action: () => void, kind = ""): HTMLButtonElement => {
  const made = make("button", { type: "button", className: `button ${kind}`.trim(), textContent: words });
  made.addEventListener("click", action);
  return made;
};

// Shown over everything until it is closed; then it is gone, and the keyboard is the terminal's again, unless the browser gave it back to a field that
// somebody was writing in: what is put right there must not be typed into the session.
export function open({ terminal }: Context, dialog: HTMLDialogElement) {
  document.body.append(dialog);
  const had = document.activeElement;
  const caret = had instanceof HTMLTextAreaElement ? ([had.selectionStart, had.selectionEnd] as const) : undefined;
  dialog.addEventListener("close", () => {
    dialog.remove();
    const now = document.activeElement;
    // Chromium gives the focus back without the caret: a key would reach the field and write nothing.
    if (caret && now === had) (had as HTMLTextAreaElement).setSelectionRange(...caret);
    const writes = now?.matches("input, textarea");
    // On a touch screen that would bring up the keyboard.
    if (!writes && !matchMedia("(pointer: coarse)").matches) terminal.focus();
  });
  dialog.showModal();
}
