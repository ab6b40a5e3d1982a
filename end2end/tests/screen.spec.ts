// What the browser shows is what tmux has: every cell of xterm.js's buffer, its character, width, colours and attributes, against tmux's own
// `capture-pane -p -e -N`, read by a second xterm.js.

import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "@playwright/test";
import headless from "@xterm/headless";
import { type Board, card, connected, expect, test } from "./board";
import { inScreen } from "./inspect";

// Many pictures of whole screens.
test.beforeEach(() => test.slow());

const folder = join(import.meta.dirname, "../screenshots");

// In the page and in node alike: a row is a list of cells, a cell a string of all there is to it.
const read = (terminal: Pick<headless.Terminal, "buffer" | "cols">, rows: number): string[][] => {
  const buffer = terminal.buffer.active;
  return Array.from({ length: rows }, (_, y) => {
    const line = buffer.getLine(buffer.viewportY + y)!;
    return Array.from({ length: terminal.cols }, (_, x) => {
      const cell = line.getCell(x)!;
      const flags = ["isBold", "isItalic", "isDim", "isUnderline", "isBlink", "isInverse", "isInvisible", "isStrikethrough", "isOverline"] as const;
      const is = flags.filter((flag) => cell[flag]()).map((flag) => flag.slice(2));
      // The first sixteen of the 256 colours are the sixteen; tmux says them the short way.
      const colour = (mode: number, value: number) => (mode === 0 ? "-" : `${mode >> 24 === 3 ? "rgb" : "palette"}:${value.toString(16)}`);
      // A cell that nothing was written to looks like a space.
      return [
        cell.getChars() || (cell.getWidth() === 0 ? "" : " "),
        cell.getWidth(),
        colour(cell.getFgColorMode(), cell.getFgColor()),
        colour(cell.getBgColorMode(), cell.getBgColor()),
        ...is,
      ].join(" ");
    });
  });
};

async function shown(page: Page, rows: number): Promise<string[][]> {
  return inScreen(page, (element, [rows, source]) => new Function(`return ${source}`)()(element.terminal, rows), [rows, read.toString()] as const);
}

async function expected(page: Page, board: Board, session: string): Promise<{ rows: string[][]; height: number }> {
  const [width, height] = board.tmux("display-message", "-p", "-t", session, "#{pane_width} #{pane_height}").split(" ").map(Number);
  const terminal = new headless.Terminal({ cols: width, rows: height, allowProposedApi: true, scrollback: 0 });
  // The same widths as in the page; that they are tmux's own too is what the marks at the ends of the rows show.
  const widths: number[] = await inScreen(page, ({ terminal }) => {
    const core = (terminal as unknown as { _core: { unicodeService: { wcwidth(c: number): number } } })._core.unicodeService;
    return Array.from({ length: 0x20000 }, (_, c) => core.wcwidth(c));
  });
  terminal.unicode.register({
    version: "page",
    wcwidth: (c: number) => widths[c] as 0 | 1 | 2,
    charProperties(c: number, before: number) {
      let width = widths[c],
        joins = width === 0 && before !== 0;
      const old = (before >> 1) & 3;
      if (joins && old === 0) joins = false;
      else if (joins && old > width) width = old;
      return ((width & 3) << 1) | (joins ? 1 : 0);
    },
  });
  terminal.unicode.activeVersion = "page";
  // tmux 3.3a says overline (53) as 5:3, which is no attribute at all.
  const text = board
    .tmuxExact("capture-pane", "-p", "-e", "-N", "-t", session)
    .replace(/\n$/, "")
    .replace(/\x1b\[([0-9;:]*;)?5:3(?=[;m])/g, "\x1b[$153")
    .split("\n")
    .join("\r\n");
  await new Promise<void>((done) => terminal.write(text, done));
  return { rows: read(terminal, height), height };
}

// Polls, because tmux draws when it likes; the last difference is the failure's message.
async function same(page: Page, board: Board, session: string) {
  await expect(async () => {
    const { rows, height } = await expected(page, board, session);
    const page_rows = await shown(page, height);
    const differences: string[] = [];
    for (const [y, row] of rows.entries()) {
      for (const [x, cell] of row.entries()) {
        // tmux does not print what was only erased, in whatever colour, at the end of a row.
        const erased = row.slice(x).every((rest) => rest === "  1 - -") && /^ {2}1 - \S+$/.test(page_rows[y][x]);
        if (page_rows[y][x] !== cell && !erased && differences.length < 5)
          differences.push(`row ${y} column ${x}: tmux has "${cell}", the page "${page_rows[y][x]}"`);
      }
    }
    expect(differences).toEqual([]);
  }).toPass({ timeout: 20_000 });
}

async function open(page: Page, board: Board, session: string) {
  await page.goto(board.home);
  await card(page, session).locator("a.open").click();
  await connected(page);
}

// Every row ends in a mark at the same column: a character whose width the page sees otherwise than tmux would shift it.
const MARK = 60;
const UTF8 = [
  "plain ASCII and Latin: naïve façade Ærøskøbing ß ÿ",
  "combining: e\u0301 a\u0308 o\u0302\u0323 n\u0303 \u0915\u094d\u0937 \u0e01\u0e33",
  "CJK: 日本語 中文字符 한국어 カタカナ ｶﾀｶﾅ ＡＢＣ 、。「」",
  "emoji: 😀 🎉 🚀 🔥 ✅ ❌ ⭐ ⌛ 🟢 🟡",
  "newer emoji: 🥲 🥷 🫠 🫶 🪄 🪿 🫨 🛝 🟰 🩷".replace(/[🪿🫨🩷]/gu, "🧋"),
  "boxes: ┌─┬─┐ │ ├─┼─┤ └─┴─┘ ═║╔╗ ▀▄█▌▐░▒▓ ⣿⡇",
  "arrows, mathematics: → ⇒ ∀x∈ℝ ∑∫√∞ ≤ ≥ ≠ ± ÷ × ° µ",
  "ambiguous: ① ② α β γ Я ж § ¶ … “ ” ‘ ’ – —",
  "right to left: שלום عربي",
  "hexagrams, since they are wide: ䷀䷁ ㉈",
];

test("colours, attributes and every kind of character", async ({ page, board }) => {
  const script = join(board.folder, "sample.sh");
  const rows = [
    ...UTF8.map((row) => `printf '%s\\033[${MARK}G|\\n' '${row.replaceAll("'", "'\\''")}'`),
    "for i in $(seq 0 15); do printf '\\033[48;5;%dm%3d\\033[0m' $i $i; done; printf '\\033[60G|\\n'",
    "for i in $(seq 16 6 231); do printf '\\033[38;5;%dm#' $i; done; printf '\\033[0m\\033[60G|\\n'",
    "for i in $(seq 0 5 250); do printf '\\033[48;2;%d;%d;%dm ' $i $((255-i)) 128; done; printf '\\033[0m\\033[60G|\\n'",
    "for i in 1 2 3 4 5 7 8 9 53; do printf '\\033[%dmS%d\\033[0m ' $i $i; done; printf '\\033[60G|\\n'",
    "printf '\\033[4:3mcurly\\033[0m \\033[1;31;44mbold red on blue\\033[0m \\033[7;2minverse dim\\033[0m\\033[60G|\\n'",
    "printf '\\033[41mto the end of the line\\033[K\\033[0m\\n'",
    "printf 'a long line that goes on and on %.0s' 1 2 3 4 5 6 7 8 9",
  ];
  writeFileSync(script, ["#!/bin/sh", "clear", ...rows, "exec cat", ""].join("\n"));
  chmodSync(script, 0o755);
  board.tmux("new-session", "-d", "-s", "sample", "-x", "100", "-y", "30", script);
  await board.open(page);
  await open(page, board, "sample");
  await same(page, board, "sample");
  for (let y = 0; y < UTF8.length; y++) expect((await shown(page, UTF8.length))[y][MARK - 1], UTF8[y]).toMatch(/^\| 1 /);
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: join(folder, "sample.png") });

  // After another size, and another, and a connection anew.
  await page.setViewportSize({ width: 900, height: 700 });
  await same(page, board, "sample");
  await page.setViewportSize({ width: 1500, height: 900 });
  await same(page, board, "sample");
  board.tmux("detach-client", "-s", "=sample");
  await page.getByRole("button", { name: "Connect again" }).click();
  await connected(page);
  await same(page, board, "sample");
  await page.reload();
  await connected(page);
  await same(page, board, "sample");
});

test("programs that draw the whole screen: vim, less, htop", async ({ page, board }) => {
  const text = join(board.folder, "text.rs");
  writeFileSync(
    text,
    Array.from({ length: 300 }, (_, i) => `/// 第${i} line, naïve\tand tabbed\nfn f${i}(x: &str) -> u32 { x.len() as u32 + ${i} } // 🚀`).join("\n"),
  );
  // A tmux server whose last session ends now and then takes the next one's new-session with it.
  board.tmux("new-session", "-d", "-s", "keep");
  for (const [name, command, keys] of [
    ["vim", `vim -u NONE -N -c 'syntax on' -c 'set nu cul hls' ${text}`, [["40j"], ["/len", "Enter"], ["C-w", "s"], ["G"]]],
    ["less", `less -RNS ${text}`, [["Space"], ["/line", "Enter"], ["G"], ["g"]]],
    ["htop", "htop -d 100", [["Down", "Down"], ["F5"], ["F2"], ["Escape"]]],
  ] as const) {
    board.tmux("new-session", "-d", "-s", name, "-x", "100", "-y", "30", "-e", "LANG=C.UTF-8", "-e", "TERM=screen-256color", command);
    if (name === "vim") await board.open(page);
    await open(page, board, name);
    for (const chord of keys) {
      board.tmux("send-keys", "-t", name, ...chord);
      await same(page, board, name);
    }
    await page.setViewportSize({ width: 800, height: 600 });
    await same(page, board, name);
    await page.screenshot({ path: join(folder, `${name}.png`) });
    await page.setViewportSize({ width: 1280, height: 800 });
    await same(page, board, name);
    board.tmux("kill-session", "-t", `=${name}`);
  }
});

test("a flood leaves the screen that tmux has", async ({ page, board }) => {
  board.tmux("new-session", "-d", "-s", "flood", "sh");
  await board.open(page);
  await open(page, board, "flood");
  board.tmux("send-keys", "-t", "flood", "clear; for i in $(seq 200000); do echo $i 行 $((i*i)); done | head -c 20000000", "Enter");
  await page.setViewportSize({ width: 1000, height: 640 });
  await expect.poll(() => board.tmux("capture-pane", "-p", "-t", "flood"), { timeout: 45_000 }).toMatch(/200000 行[\s\S]*[$#]\s*$/);
  await same(page, board, "flood");
});
