// What a key sends, as xterm's keyboard does; knows nothing of the page.
const LETTERS = { Up: "A", Down: "B", Right: "C", Left: "D", Home: "H", End: "F" };
const NUMBERS = { PgUp: 5, PgDn: 6 };
const PLAIN = { Esc: "\x1b", Tab: "\t" };
// What Ctrl makes of digits and signs that are no letter's neighbours in ASCII.
const CONTROL = { " ": 0, 2: 0, 3: 27, 4: 28, 5: 29, 6: 30, 7: 31, "/": 31, "-": 31, 8: 127, "?": 127 };

// One character as Ctrl sends it; what Ctrl changes nothing about stays.
export function controlled(character) {
  if (character in CONTROL) return String.fromCharCode(CONTROL[character]);
  return /^[@-_a-z]$/.test(character) ? String.fromCharCode(character.charCodeAt(0) & 31) : character;
}

// A named key or a character. `application`: the program asked for application cursor keys.
export function bytes(key, { ctrl = false, alt = false, application = false } = {}) {
  const modifiers = 1 + (alt ? 2 : 0) + (ctrl ? 4 : 0);
  if (key in LETTERS) return modifiers > 1 ? `\x1b[1;${modifiers}${LETTERS[key]}` : `\x1b${application ? "O" : "["}${LETTERS[key]}`;
  if (key in NUMBERS) return modifiers > 1 ? `\x1b[${NUMBERS[key]};${modifiers}~` : `\x1b[${NUMBERS[key]}~`;
  return (alt ? "\x1b" : "") + (PLAIN[key] ?? (ctrl ? controlled(key) : key));
}

// Text that xterm.js was typed, under Ctrl and Alt. Its answers to programs and its mouse start with an escape character and stay as they are.
export function under(text, { ctrl, alt }) {
  const arrow = /^\x1b[[O]([ABCDHF])$/.exec(text);
  if (arrow) return bytes(Object.keys(LETTERS).find((key) => LETTERS[key] === arrow[1]), { ctrl, alt });
  if (text === "" || text.startsWith("\x1b")) return undefined;
  const [first] = text;
  return bytes(first, { ctrl, alt }) + text.slice(first.length);
}

// tmux's name of a key, "C-b", as bytes; undefined: none that this knows.
export function named(name) {
  const [, modifiers, key] = /^((?:[CMcm]-|\^)*)(Space|Tab|Escape|.)$/u.exec(name) ?? [];
  if (!key) return undefined;
  const character = { Space: " ", Tab: "\t", Escape: "\x1b" }[key] ?? key;
  return bytes(character, { ctrl: /[Cc^]/.test(modifiers), alt: /[Mm]/.test(modifiers) });
}
