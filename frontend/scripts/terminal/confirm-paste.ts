// The question before a paste of many lines that a program may run one by one.
import type { Context, PaneText } from "./context";
import { button, make, open } from "./dialog";
import { size } from "./words";

const SHOWN_LINES = 8;
const SHOWN_CHARACTERS = 300;
const PATIENCE_MS = 3000;

const newlines = /\r\n|\r|\n/g;

// How many lines a text is; a new line at its end begins none.
export const lines = (text: string): number => {
  const breaks = text.match(newlines)?.length ?? 0;
  return /[\r\n]$/.test(text) ? breaks : breaks + 1;
};

// The text as one line.
export const joined = (text: string): string =>
  text
    .split(newlines)
    .map((line) => line.trim())
    .filter(Boolean)
    .join(" ");

// Whether the program in the pane holds a paste together: tmux's word, or, before 3.7, whether it wants the brackets of us.
async function held({ urls, terminal }: Context): Promise<boolean> {
  if (!urls.screen) return false;
  try {
    const answer = await fetch(urls.screen, { signal: AbortSignal.timeout(PATIENCE_MS), headers: { accept: "application/json" } });
    return answer.ok && (((await answer.json()) as PaneText).bracketed_paste ?? terminal.modes.bracketedPasteMode);
  } catch {
    return false;
  }
}

// A paste of few lines is not asked about, and costs no request.
export function needsConfirmation({ settings }: Context, text: string): boolean {
  return settings.get("askLines") > 0 && lines(text) >= settings.get("askLines");
}

// Gives the text to paste, or undefined: also if it is `off` before the question is shown.
export async function confirmPaste(context: Context, text: string, off: () => boolean): Promise<string | undefined> {
  if (await held(context)) return text;
  if (off()) return undefined;
  const count = lines(text);
  const bytes = new TextEncoder().encode(text).length;
  return new Promise((answer) => {
    const never = make("input", { type: "checkbox" });
    const end = (chosen: string) => {
      if (never.checked) context.settings.set("askLines", 0);
      answer(chosen);
      dialog.close();
    };
    const first = text.split(newlines, SHOWN_LINES).map((line) => line.slice(0, SHOWN_CHARACTERS));
    if (count > first.length) first.push("…");
    const all = button("Paste", () => end(text), "primary");
    const dialog = make(
      "dialog",
      { className: "confirm-paste" },
      make(
        "div",
        { className: "question" },
        make("h3", { id: "confirm-paste", textContent: `Paste ${count.toLocaleString("en")} lines, ${size(bytes)}?` }),
        make("p", { textContent: "The program in the terminal does not say that it takes a paste as one piece: it may run each line as it comes." }),
        make("pre", { textContent: first.join("\n"), tabIndex: 0 }),
        make("label", { className: "choice" }, never, " Do not ask again"),
        make(
          "div",
          { className: "row" },
          button("Cancel", () => dialog.close()),
          button("Paste as one line", () => end(joined(text))),
          all,
        ),
      ),
    );
    dialog.setAttribute("aria-labelledby", "confirm-paste");
    dialog.addEventListener("close", () => answer(undefined));
    open(context, dialog);
    all.focus();
  });
}
