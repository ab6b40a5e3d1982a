// A paste as text and as bytes: made safe, and cut into parts.

// No character that acts, but tab and new line: what would end the bracket is shown as a sign instead.
export const safe = (text: string): string =>
  text.replace(/\r\n|\n/g, "\r").replace(/[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]/g, (c) => {
    const code = c.charCodeAt(0);
    return code < 0x20 ? String.fromCharCode(0x2400 + code) : code === 0x7f ? "\u2421" : "\ufffd";
  });

// Where a part of UTF-8 may end, at `to` or a little before it: not within a character.
export function cut(bytes: Uint8Array, to: number): number {
  if (to >= bytes.length) return bytes.length;
  while (((bytes[to] ?? 0) & 0xc0) === 0x80) to--;
  return to;
}

// What xterm.js says by itself: the mouse, the focus, answers to programs.
const REPORT = /^\x1b(\[([<M?>].|[IO]$|\d+;\d+R)|[\]P].)/s;
export const isReport = (bytes: Uint8Array): boolean => REPORT.test(String.fromCharCode(...bytes.subarray(0, 32)));
