// What a key sends, as xterm's keyboard does; knows nothing of the page.
const LETTERS: Readonly<Record<string, string>> = { Up: "A", Down: "B", Right: "C", Left: "D", Home: "H", End: "F" };
const NUMBERS: Readonly<Record<string, number>> = { PgUp: 5, PgDn: 6 };
const PLAIN: Readonly<Record<string, string>> = { Esc: "\x1b", Tab: "\t" };
// What Ctrl makes of digits and signs that are no letter's neighbours in ASCII.
const CONTROL: Readonly<Record<string, number>> = { " ": 0, 2: 0, 3: 27, 4: 28, 5: 29, 6: 30, 7: 31, "/": 31, "-": 31, 8: 127, "?": 127 };

export interface Held {
  ctrl?: boolean;
  alt?: boolean;
}

// One character as Ctrl sends it; what Ctrl changes nothing about stays.
export function controlled(character: string): string {
  const control = CONTROL[character];
  if (control !== undefined) return String.fromCharCode(control);
  return /^[@-_a-z]$/.test(character) ? String.fromCharCode(character.charCodeAt(0) & 31) : character;
}

// A named key or a character. `application`: the program asked for application cursor keys.
export function bytes(key: string, { ctrl = false, alt = false, application = false }: Held & { application?: boolean } = {}): string {
  const modifiers = 1 + (alt ? 2 : 0) + (ctrl ? 4 : 0);
  const [letter, number] = [LETTERS[key], NUMBERS[key]];
  if (letter) return modifiers > 1 ? `\x1b[1;${modifiers}${letter}` : `\x1b${application ? "O" : "["}${letter}`;
  if (number) return modifiers > 1 ? `\x1b[${number};${modifiers}~` : `\x1b[${number}~`;
  return (alt ? "\x1b" : "") + (PLAIN[key] ?? (ctrl ? controlled(key) : key));
}

// Text that xterm.js was typed, under Ctrl and Alt. Its answers to programs and its mouse start with an escape character and stay as they are.
export function under(text: string, held: Held): string | undefined {
  const letter = /^\x1b[[O]([ABCDHF])$/.exec(text)?.[1];
  const arrow = letter && Object.keys(LETTERS).find((key) => LETTERS[key] === letter);
  if (arrow) return bytes(arrow, held);
  const [first] = text;
  if (first === undefined || first === "\x1b") return undefined;
  return bytes(first, held) + text.slice(first.length);
}

// tmux's name of a key, "C-b", as bytes; undefined: none that this knows.
export function named(name: string): string | undefined {
  const [, modifiers = "", key] = /^((?:[CMcm]-|\^)*)(Space|Tab|Escape|.)$/u.exec(name) ?? [];
  if (!key) return undefined;
  const character = { Space: " ", Tab: "\t", Escape: "\x1b" }[key] ?? key;
  return bytes(character, { ctrl: /[Cc^]/.test(modifiers), alt: /[Mm]/.test(modifiers) });
}
