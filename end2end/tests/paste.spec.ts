// A paste: held together, in parts, never broken out of; what is typed meanwhile comes after it; nothing is kept for another connection.

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import type { Page } from "@playwright/test";
import { type Board, connected, expect, test } from "./board";
import { inScreen } from "./inspect";
import { answers, clip, Line, opened, pane, pastes, screen, toasts, typesInto } from "./transfer";

const [BEGIN, END] = ["\x1b[200~", "\x1b[201~"];
// Shows what reaches a program, brackets included, without a line's end doing anything.
const BARE = "stty raw -echo; printf '\\033[?2004hready'; exec cat -v";
// The same, and it shows nothing.
const SINK = BARE.replace("-v", ">/dev/null");

// tmux has told the page's terminal that the program takes pastes in brackets.
async function held(page: Page) {
  await expect.poll(() => screen(page)).toContain("ready");
  await expect.poll(() => inScreen(page, (e) => e.terminal.modes.bracketedPasteMode)).toBe(true);
}
const many = (lines: number) => Array.from({ length: lines }, (_, i) => `echo line-${i}\n`).join("");

// Such a program, with a line between that knows what was sent to it, and how much before the test began.
async function between(page: Page, board: Board, program: string) {
  const line = new Line();
  await line.between(page);
  await opened(page, board, program);
  await held(page);
  return { line, before: line.all().length };
}

test("bash gets a paste of many lines as one piece and runs none of it", async ({ page, board }) => {
  await opened(page, board, "PS1='$ ' exec bash --norc --noprofile");
  await expect.poll(() => screen(page)).toContain("$ ");
  await pastes(page, many(10));
  await expect.poll(() => pane(board)).toContain("echo line-9");
  expect(pane(board)).not.toMatch(/^line-/m);
  await page.keyboard.press("Enter");
  await expect.poll(() => pane(board)).toMatch(/^line-9$/m);
  await expect(page.getByRole("dialog")).toHaveCount(0);
});

test("what the clipboard holds is pasted by Ctrl+Shift+V", async ({ page, board, context }) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await opened(page, board, BARE);
  await held(page);
  await page.evaluate(() => navigator.clipboard.writeText("from the clipboard"));
  expect(await clip(page)).toBe("from the clipboard");
  await page.keyboard.press("Control+Shift+V");
  await expect.poll(() => pane(board)).toContain("ready^[[200~from the clipboard^[[201~");
});

test("a hostile text cannot end its bracket", async ({ page, board }) => {
  const { line, before } = await between(page, board, BARE);
  await pastes(page, "a\x1b[201~\nb\r\nc\x03\x9b201~\x7f\td\0");
  await typesInto(page, board, "mark");
  expect(line.all().slice(before)).toBe(`${BEGIN}a␛[201~\rb\rc␃\ufffd201~␡\td␀${END}mark`);
  // cat shows the sign's last byte as M-^[.
  expect(pane(board).match(/(?<!M-)\^\[\[201~/g)).toHaveLength(1);
});

test("a small paste asks the server for nothing", async ({ page, board }) => {
  let asked = 0;
  await page.route("**/api/v1/sessions/**", (route) => {
    asked++;
    return route.abort();
  });
  await opened(page, board, BARE);
  await held(page);
  await pastes(page, many(4));
  await typesInto(page, board, "mark");
  expect(asked).toBe(0);
});

for (const knows of [false, null]) {
  test(`many lines are asked about where brackets are ${knows === null ? "unknown" : "off"}: cancelled, as one line, as they are, never again`, async ({
    page,
    board,
  }) => {
    await answers(page, { bracketed_paste: knows });
    await opened(page, board, "stty -echo; printf ready; exec cat");
    await expect.poll(() => screen(page)).toContain("ready");
    const dialog = page.getByRole("dialog");
    await pastes(page, `${many(11)}<b>twelfth</b>`);
    await expect(dialog.getByRole("heading")).toHaveText("Paste 12 lines, 147 bytes?");
    await expect(dialog.locator("pre")).toContainText("echo line-0\necho line-1");
    await dialog.getByRole("button", { name: "Cancel" }).click();
    await expect(dialog).toHaveCount(0);
    await page.keyboard.type("kept\n");
    await expect.poll(() => pane(board)).toBe("readykept");

    await pastes(page, many(12));
    await dialog.getByRole("button", { name: "Paste as one line" }).click();
    await page.keyboard.press("Enter");
    await expect.poll(() => pane(board)).toMatch(/^echo line-0 echo line-1 .* echo line-11$/m);

    await pastes(page, many(6));
    await dialog.getByLabel("Do not ask again").check();
    await dialog.getByRole("button", { name: "Paste", exact: true }).click();
    await expect.poll(() => pane(board)).toMatch(/^echo line-5$/m);
    await pastes(page, many(7));
    await expect.poll(() => pane(board)).toMatch(/^echo line-6$/m);
    await expect(dialog).toHaveCount(0);
  });
}

test("keys typed while a paste runs come after it, in order, and are bounded", async ({ page, board }) => {
  const { line, before } = await between(page, board, SINK);
  line.deaf = true;
  const text = "aé日🦀".repeat(20_000); // parts would end within characters
  await pastes(page, text);
  await expect(toasts(page)).toContainText("Pasting 0 % of 200 kB");
  await page.keyboard.type("after");
  await pastes(page, "second");
  await page.keyboard.type("last");
  const refused = await inScreen(page, (e) => e.parts.input.type("x".repeat(65 * 1024)));
  expect(refused).toBe(false);
  await expect(toasts(page)).toContainText("this was not sent");
  // Two parts are on their way, each of whole characters.
  const parts = () => line.sent.filter((frame) => frame[0] === 5).map((frame) => frame.subarray(1));
  expect(parts()).toHaveLength(2);
  expect(line.all().slice(before)).not.toContain("after");
  line.hears();
  await expect.poll(() => line.all().endsWith("last")).toBe(true);
  expect(line.all().slice(before)).toBe(`${BEGIN}${text}${END}after${BEGIN}second${END}last`);
  for (const part of parts()) {
    expect(part.length).toBeLessThanOrEqual(16 * 1024);
    expect(() => new TextDecoder("utf-8", { fatal: true }).decode(part)).not.toThrow();
  }
});

for (const way of ["the button", "Ctrl+C"] as const) {
  test(`a paste is cancelled by ${way}: the bracket is closed, the rest is not sent`, async ({ page, board }) => {
    const { line, before } = await between(page, board, SINK);
    line.deaf = true;
    await pastes(page, "x".repeat(1_000_000));
    await expect(toasts(page)).toContainText("Pasting");
    if (way === "Ctrl+C") await page.keyboard.press("Control+c");
    else await toasts(page).getByRole("button", { name: "Cancel" }).click();
    await expect(toasts(page)).toContainText("Paste cancelled: 33 kB of 1 MB were sent.");
    await page.keyboard.type("mark");
    line.hears();
    await expect.poll(() => line.all().endsWith("mark")).toBe(true);
    const sent = line.all().slice(before);
    expect(sent.replace(/x+/, "x")).toBe(`${BEGIN}x${END}${way === "Ctrl+C" ? "\x03" : ""}mark`);
    expect(sent.length).toBeLessThan(40_000);
  });
}

test("a line that is lost midway ends the paste: nothing of it goes to the next connection", async ({ page, board }) => {
  const { line } = await between(page, board, SINK);
  line.deaf = true;
  await pastes(page, "x".repeat(1_000_000));
  await page.keyboard.type("typed under it");
  await expect(toasts(page)).toContainText("Pasting");
  line.sent = [];
  await line.cut();
  await expect(toasts(page)).toHaveText(
    "The connection was lost while pasting: 0 bytes of 1 MB had arrived, the rest was not sent. What was typed meanwhile was not sent.",
  );
  await connected(page);
  line.hears();
  await page.keyboard.type("mark");
  await expect.poll(() => line.all()).toContain("mark");
  expect(line.all()).not.toMatch(/x|typed/);
});

test("a line that is in doubt for a moment holds a paste up; it goes on whole", async ({ page, board }) => {
  const { line, before } = await between(page, board, SINK);
  await inScreen(page, ({ context }) => {
    const send = context.line.sendPasteChunk;
    let asked = 0;
    context.line.sendPasteChunk = (bytes) => (++asked > 2 && asked < 6 ? false : send(bytes));
  });
  const text = "0123456789".repeat(20_000);
  await pastes(page, text);
  await page.keyboard.type("after");
  await expect.poll(() => line.all().endsWith("after")).toBe(true);
  expect(line.all().slice(before)).toBe(`${BEGIN}${text}${END}after`);
});

test("a program that never asked for brackets gets none", async ({ page, board }) => {
  await opened(page, board, "stty -echo; printf ready; exec cat -v");
  await expect.poll(() => screen(page)).toContain("ready");
  await pastes(page, "as it is");
  await page.keyboard.press("Enter");
  await expect.poll(() => pane(board)).toBe("readyas it is");
});

test("a watcher pastes nothing", async ({ page, board }) => {
  await opened(page, board, "printf alive; exec cat", "Watch");
  await expect.poll(() => screen(page)).toContain("alive");
  await pastes(page, "nothing of this\n");
  await expect(toasts(page)).toHaveText("You are watching: nothing was pasted.");
  expect(pane(board)).toBe("alive");
});

test("5 MB arrive byte for byte while another pane of the window floods", async ({ page, board }) => {
  test.setTimeout(240_000);
  const file = `${board.folder}/arrived`;
  writeFileSync(file, "");
  execFileSync("chmod", ["666", file]);
  await opened(page, board, `stty -echo; printf ready; exec cat >${file}`);
  board.tmux("split-window", "-d", "-t", "a", "yes");
  await expect.poll(() => screen(page)).toContain("ready");
  let text = "";
  for (let i = 0; text.length < 3_300_000; i++) text += `${i} ${"grüße 日本 🦀 ".repeat(1 + (i % 90))}\n`;
  const bytes = Buffer.from(text);
  expect(bytes.length).toBeGreaterThan(5_000_000);
  await pastes(page, text);
  await page.getByRole("dialog").getByRole("button", { name: "Paste", exact: true }).click();
  await expect(toasts(page)).toContainText(/Pasting \d+ % of [\d.]+ MB/);
  await expect(toasts(page)).toContainText("Pasted", { timeout: 200_000 });
  await page.keyboard.press("Control+d");
  const arrived = () => readFileSync(file, "utf8");
  await expect.poll(() => arrived().length).toBe(text.length);
  const sum = (all: string) => createHash("sha256").update(all).digest("hex");
  expect(sum(arrived())).toBe(sum(text));
});
