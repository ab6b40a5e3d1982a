// The terminal's colours, from the page's tokens.
import type { ITheme } from "@xterm/xterm";

const NAMES = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"] as const;

export function theme(): ITheme {
  const css = getComputedStyle(document.documentElement);
  const of = (name: string) => css.getPropertyValue(name).trim();
  const its: Record<string, string> = {
    background: of("--term"),
    foreground: of("--term-text"),
    cursor: of("--accent"),
    cursorAccent: of("--term"),
    selectionBackground: of("--selection"),
  };
  NAMES.forEach((name, i) => {
    its[name] = of(`--c${i}`);
    its[`bright${name.charAt(0).toUpperCase()}${name.slice(1)}`] = of(`--b${i}`) || of(`--c${i}`);
  });
  its.black = of("--k0");
  return its;
}
