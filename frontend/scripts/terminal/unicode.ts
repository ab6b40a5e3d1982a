// How many cells a character takes. The add-on knows Unicode 11. Where the width of a character has come or changed since (up to Unicode 15, as glibc's
// wcwidth has it, which tmux asks), the rest of its row would be shifted.
import { Unicode11Addon } from "@xterm/addon-unicode11";
import type { IUnicodeVersionProvider, Terminal } from "@xterm/xterm";

type Width = 0 | 1 | 2;

// First and last of each range, in hexadecimal.
const SINCE: [Width, string][] = [
  [
    2,
    "31bb-31bf 3248-324f 4dc0-4dff 16ff0-16ff1 18af3-18cd5 18d00-18d08 1aff0-1aff3 1aff5-1affb 1affd-1affe 1b11f-1b122 1f6d6-1f6d7 1f6dd-1f6df 1f6fb-1f6fc 1f7f0-1f7f0 1f90c-1f90c 1f972-1f972 1f977-1f979 1f9a3-1f9a4 1f9ab-1f9ad 1f9cb-1f9cc 1fa74-1fa74 1fa7b-1fa7c 1fa83-1fa86 1fa96-1faac 1fab0-1faba 1fac0-1fac5 1fad0-1fad9 1fae0-1fae7 1faf0-1faf6",
  ],
  [1, "600-605 6dd-6dd 70f-70f 8e2-8e2 1734-1734 110bd-110bd 110cd-110cd 1f93b-1f93b 1f946-1f946"],
  [
    0,
    "898-89f 8ca-8d2 b55-b55 c3c-c3c d81-d81 180f-180f 1abf-1ace 1dfa-1dfa a82c-a82c d7b0-d7c6 d7cb-d7fb 10eab-10eac 10f82-10f85 11070-11070 11073-11074 110c2-110c2 111cf-111cf 1193b-1193c 1193e-1193e 11943-11943 16fe4-16fe4 1cf00-1cf2d 1cf30-1cf46 1e2ae-1e2ae",
  ],
];
const widths = new Map<number, Width>();
for (const [width, ranges] of SINCE) {
  for (const range of ranges.split(" ")) {
    const [first = 0, last = first] = range.split("-").map((hex) => parseInt(hex, 16));
    for (let c = first; c <= last; c++) widths.set(c, width);
  }
}

function unicode11(): IUnicodeVersionProvider {
  let provider: IUnicodeVersionProvider | undefined;
  const register = (its: IUnicodeVersionProvider) => {
    provider = its;
  };
  // The add-on hands its table to the terminal and keeps it from everybody else.
  new Unicode11Addon().activate({ unicode: { register } } as unknown as Terminal);
  if (!provider) throw new Error("xterm.js's add-on of Unicode 11 registers nothing");
  return provider;
}
const provider = unicode11();

export const wcwidth = (c: number): Width => widths.get(c) ?? provider.wcwidth(c);

// How many cells a text takes in a terminal.
export const cells = (text: string): number => [...text].reduce((sum, c) => sum + wcwidth(c.codePointAt(0) ?? 0), 0);

// What follows a zero width joiner is part of the cell before it, whatever it is: so tmux counts.
const JOINER = 0x200d;
export const unicode15: IUnicodeVersionProvider = {
  version: "15",
  wcwidth,
  // xterm.js hands what this gave for the character before: bit 0 joined, bits 1 and 2 the width of the cell, bit 3 ours: a joiner.
  charProperties(c, before) {
    const cell = (before >> 1) & 3;
    const joins = cell > 0 && (before >> 3 > 0 || wcwidth(c) === 0);
    const width = joins ? cell : wcwidth(c);
    return ((joins && c === JOINER ? 1 : 0) << 3) | (width << 1) | (joins ? 1 : 0);
  },
};
