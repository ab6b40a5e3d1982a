// What is typed reaches the session once and in order, or not at all: under a paste that is cancelled, behind a key that is still asked for, twice sent.

import type { Page, Route } from "@playwright/test";
import { type Board, connected, expect, test } from "./board";
import { inScreen } from "./inspect";
import { answers, Line, opened, pane, pastes, screen, TEXT, toasts } from "./transfer";

const [BEGIN, END] = ["\x1b[200~", "\x1b[201~"];
const SINK = "stty raw -echo; printf '\\033[?2004hready'; exec cat >/dev/null";
const LINES = "stty -echo; printf ready; exec cat";
const many = (lines: number) => Array.from({ length: lines }, (_, i) => `echo line-${i}\n`).join("");
const settles = (page: Page, settings: object) => page.addInitScript((its) => localStorage.setItem("muxboard.terminal", its), JSON.stringify(settings));
const key = (page: Page, name: string) => page.getByRole("toolbar", { name: "Keys" }).getByRole("button", { name, exact: true });
const composed = (page: Page) => page.getByLabel("Text to send");
const UNSENT = "What was typed meanwhile was not sent.";

// A program that takes pastes in brackets, with a line between that knows what was sent to it, and how much before the test began.
async function between(page: Page, board: Board) {
  const line = new Line();
  await line.between(page);
  await opened(page, board, SINK);
  await expect.poll(() => screen(page)).toContain("ready");
  await expect.poll(() => inScreen(page, (e) => e.terminal.modes.bracketedPasteMode)).toBe(true);
  const before = line.all().length;
  return { line, sent: () => line.all().slice(before) };
}

// Questions about the pane that are answered when the test says so.
async function held(page: Page, patient = true) {
  const waits: Route[] = [];
  // The page waits for an answer as long as the test takes for it.
  if (patient)
    await page.addInitScript(() => {
      AbortSignal.timeout = () => new AbortController().signal;
    });
  await page.route(TEXT, (route) => void waits.push(route));
  const answer = (pane: object) => waits.shift()!.fulfill({ json: { text: "", history: 0, prefix: "C-b", bracketed_paste: null, ...pane } });
  return { waits, answer, came: () => expect.poll(() => waits.length).toBeGreaterThan(0) };
}

for (const way of ["pressed while it ran", "of the compose line"] as const) {
  test(`an Enter ${way} ran the half of a paste that was cancelled`, async ({ page, board }) => {
    await settles(page, { compose: true });
    const { line, sent } = await between(page, board);
    line.deaf = true;
    if (way === "of the compose line") {
      await composed(page).fill(`x\n${"x".repeat(1_000_000)}`);
      await composed(page).press("Enter");
      await expect(toasts(page)).toContainText("Pasting");
      await page.locator("#screen").click();
    } else {
      await pastes(page, "x".repeat(1_000_000));
      await expect(toasts(page)).toContainText("Pasting");
      await page.keyboard.press("Enter");
      await pastes(page, "second");
    }
    await toasts(page).getByRole("button", { name: "Cancel" }).click();
    await expect(toasts(page)).toHaveText(`Paste cancelled: 33 kB of 1 MB were sent. ${UNSENT}`);
    await page.keyboard.type("mark");
    line.hears();
    await expect.poll(() => sent().endsWith("mark")).toBe(true);
    expect(sent().replace(/[x\r]+/, "x")).toBe(`${BEGIN}x${END}mark`);
  });
}

test("what was typed under a paste was run after the Ctrl+C that meant both", async ({ page, board }) => {
  const { line, sent } = await between(page, board);
  line.deaf = true;
  await pastes(page, "x".repeat(1_000_000));
  await expect(toasts(page)).toContainText("Pasting");
  await page.keyboard.type("ls\n");
  await page.keyboard.press("Control+c");
  await expect(toasts(page)).toHaveText(`Paste cancelled: 33 kB of 1 MB were sent. ${UNSENT}`);
  await page.keyboard.type("mark");
  line.hears();
  await expect.poll(() => sent().endsWith("mark")).toBe(true);
  expect(sent().replace(/x+/, "x")).toBe(`${BEGIN}x${END}\x03mark`);
});

test("an Enter before the question about a paste was sent although the answer was no", async ({ page, board }) => {
  const { answer, came, waits } = await held(page);
  await opened(page, board, LINES);
  await expect.poll(() => screen(page)).toContain("ready");
  await page.keyboard.type("half ");
  await pastes(page, many(12));
  await came();
  expect(waits[0].request().url()).toMatch(/\/text\?history=0$/);
  await page.keyboard.press("Enter");
  await answer({ bracketed_paste: false });
  await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
  await expect(toasts(page)).toHaveText(`Nothing was pasted. ${UNSENT}`);
  await page.keyboard.type("whole\n");
  await expect.poll(() => pane(board)).toBe("readyhalf whole");
});

test("a Ctrl+C before the question waited behind it", async ({ page, board }) => {
  const { answer, came } = await held(page);
  const { sent } = await between(page, board);
  await pastes(page, many(12));
  await came();
  await page.keyboard.type("ls\n");
  await page.keyboard.press("Control+c");
  await expect(toasts(page)).toHaveText(`Paste cancelled: nothing was pasted. ${UNSENT}`);
  await answer({ bracketed_paste: false });
  await page.keyboard.type("mark");
  await expect.poll(sent).toBe("\x03mark");
  await expect(page.getByRole("dialog")).toHaveCount(0);
});

test("a paste that waited for its answer went to the connection after a lost one", async ({ page, board }) => {
  const { answer, came } = await held(page);
  const { line } = await between(page, board);
  await pastes(page, many(12));
  await came();
  line.sent = [];
  await line.cut();
  await expect.poll(() => line.sent.length).toBeGreaterThan(0);
  await connected(page);
  await answer({ bracketed_paste: true });
  await expect(toasts(page)).toHaveText("The connection was lost: nothing was pasted.");
  await page.keyboard.type("mark");
  await expect.poll(() => line.all()).toContain("mark");
  expect(line.all()).not.toContain("line-");
});

test("keys went before the tmux prefix that was pressed before them", async ({ page, board }) => {
  await settles(page, { keys: "on" });
  const { answer, came, waits } = await held(page);
  const { sent } = await between(page, board);
  await key(page, "tmux prefix").click();
  await came();
  expect(waits[0].request().url()).toMatch(/\/text\?history=0$/);
  await page.keyboard.type("x");
  await key(page, "Slash").click();
  await pastes(page, "pasted");
  await page.keyboard.type("y");
  await answer({ prefix: "C-a" });
  await expect.poll(sent).toBe(`\x01x/${BEGIN}pasted${END}y`);
  // It is known from here on.
  await key(page, "tmux prefix").click();
  await expect.poll(sent).toBe(`\x01x/${BEGIN}pasted${END}y\x01`);
  expect(waits).toHaveLength(0);
});

test("a prefix that nobody answered for was tmux's usual one for ever", async ({ page, board, quiet }) => {
  quiet.allow.push(/500|ERR_FAILED/);
  await settles(page, { keys: "on" });
  const { answer, came, waits } = await held(page, false);
  const { sent } = await between(page, board);
  await key(page, "tmux prefix").click();
  await came();
  await page.keyboard.type("x");
  await expect.poll(sent).toBe("\x02x");
  waits.length = 0;
  await key(page, "tmux prefix").click();
  await came();
  await waits.shift()!.fulfill({ status: 500, json: {} });
  await expect.poll(sent).toBe("\x02x\x02");
  await key(page, "tmux prefix").click();
  await came();
  await answer({ prefix: "C-a" });
  await expect.poll(sent).toBe("\x02x\x02\x01");
});

test("a prefix that was asked for went to the connection after a lost one", async ({ page, board }) => {
  await settles(page, { keys: "on" });
  const { answer, came } = await held(page);
  const { line } = await between(page, board);
  await key(page, "tmux prefix").click();
  await came();
  await page.keyboard.type("x");
  line.sent = [];
  await line.cut();
  await expect(toasts(page)).toHaveText(`The connection was lost. ${UNSENT}`);
  await connected(page);
  await answer({ prefix: "C-a" }).catch(() => {}); // if it is still waited for
  await page.keyboard.type("mark");
  await expect.poll(() => line.all()).toContain("mark");
  expect(line.all()).not.toMatch(/x|\x01|\x02/);
});

test("a text that was sent from the compose line while its question was on its way came twice", async ({ page, board }) => {
  await settles(page, { compose: true });
  const { answer, came } = await held(page);
  await opened(page, board, LINES);
  await expect.poll(() => screen(page)).toContain("ready");
  await composed(page).fill(many(6).trim());
  await page.getByRole("button", { name: "Send" }).click();
  await came();
  await page.getByRole("button", { name: "Send" }).click();
  await answer({ bracketed_paste: false });
  await answers(page, { bracketed_paste: false });
  await page.getByRole("dialog").getByRole("button", { name: "Paste", exact: true }).click();
  await expect(composed(page)).toHaveValue("");
  await composed(page).fill("last");
  await page.getByRole("button", { name: "Send" }).click();
  await expect.poll(() => pane(board)).toContain("last");
  expect(pane(board).match(/line-5/g)).toHaveLength(1);
});

test("what was put right in the compose line after a question about it was typed into the session", async ({ page, board }) => {
  await settles(page, { compose: true });
  await answers(page, { bracketed_paste: false });
  await opened(page, board, LINES);
  await expect.poll(() => screen(page)).toContain("ready");
  await composed(page).fill(many(6).trim());
  await composed(page).press("Enter");
  await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
  await expect(page.getByRole("dialog")).toHaveCount(0);
  await expect(toasts(page)).toHaveText("Not sent. Your text stays here.");
  await page.keyboard.type("!");
  await expect(composed(page)).toHaveValue(`${many(6).trim()}!`);
  // And by way of the menu.
  await page.keyboard.press("Control+Shift+Space");
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toHaveCount(0);
  await expect(composed(page)).toBeFocused();
  expect(pane(board)).toBe("ready");
});
