// What comes out of the terminal: into the clipboard by selection and by programs, the text view, links.

import type { Page } from "@playwright/test";
import { expect, test } from "./board";
import { type Inspected, inScreen } from "./inspect";
import { answers, clip, opened, prints, screen, TEXT, toasts } from "./transfer";

const NAMES = "grüße 日本 ✓ 🦀";
const osc52 = (text: string | Buffer, target = "c") => `\x1b]52;${target};${Buffer.from(text).toString("base64")}\x07`;
const mayCopy = (page: Page) => page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
// The middle of a cell, on the page.
const cell = (page: Page, column: number, row: number) =>
  page.locator("#screen .xterm-screen").evaluate(
    (e, [x, y]) => {
      const box = e.getBoundingClientRect();
      const { cols, rows } = (e.closest("#screen") as Inspected).terminal;
      return { x: box.left + ((x + 0.5) * box.width) / cols, y: box.top + ((y + 0.5) * box.height) / rows };
    },
    [column, row],
  );
async function drag(page: Page, from: [number, number], to: [number, number]) {
  const [start, end] = [await cell(page, ...from), await cell(page, ...to)];
  await page.mouse.move(start.x, start.y);
  await page.mouse.down();
  await page.mouse.move((start.x + end.x) / 2, end.y);
  await page.mouse.move(end.x, end.y);
  await page.mouse.up();
}

test("what is copied in tmux's copy mode is in the clipboard, letter for letter", async ({ page, board }) => {
  await mayCopy(page);
  await opened(page, board, `printf '${NAMES}'; exec cat`);
  board.tmux("set-option", "-g", "mode-keys", "vi");
  // Or keys that come within a millisecond are no keys to tmux, but a paste.
  board.tmux("set-option", "-g", "assume-paste-time", "0");
  await expect.poll(() => screen(page)).toContain("✓");
  await page.keyboard.press("Control+b");
  for (const key of ["[", "0", "Space", "$", "Enter"]) await page.keyboard.press(key);
  await expect(toasts(page)).toHaveText(/^Copied 1[23] characters$/);
  // tmux's line end may be a part of it.
  expect((await clip(page)).trimEnd()).toBe(NAMES);
});

test("a yank in vim is in the clipboard", async ({ page, board }) => {
  await mayCopy(page);
  board.tmux("start-server", ";", "set-option", "-s", "set-clipboard", "on", ";", "new-session", "-d", "-s", "other");
  const yank = String.raw`autocmd TextYankPost * call echoraw("\e]52;c;" . trim(system("base64 -w0", join(v:event.regcontents, "\n"))) . "\x07")`;
  await opened(page, board, `vim -u NONE -N -c '${yank}' -c "call setline(1, ['first ${NAMES}', 'second'])"`);
  await expect.poll(() => screen(page)).toContain("second");
  await page.keyboard.type("2yy");
  await expect.poll(() => clip(page)).toBe(`first ${NAMES}\nsecond`);
});

test("a program writes the clipboard by whatever name it has for it, and never reads it", async ({ page, board }) => {
  await mayCopy(page);
  await opened(page, board, "printf alive; exec cat -v");
  await page.bringToFront();
  for (const target of ["", "c", "p", "s", "0", "pc0"]) {
    await prints(page, osc52(`by ${target || "none"} ü`, target));
    await expect.poll(() => clip(page)).toBe(`by ${target || "none"} ü`);
  }
  await prints(page, `${osc52("x", "q")}\x1b]52;c;?\x07\x1b]52;;?\x1b\\`);
  await page.keyboard.type("mark");
  await expect.poll(() => screen(page)).toContain("alivemark");
  expect(await clip(page)).toBe("by pc0 ü");
});

test("what is no text is not copied: broken base64, broken UTF-8, nothing, too much", async ({ page, board }) => {
  await mayCopy(page);
  await opened(page, board, "exec cat");
  await prints(page, osc52("before"));
  await expect.poll(() => clip(page)).toBe("before");
  for (const broken of ["YQ", "YQ=a", "Y!==", "", "====", Buffer.from([0xff, 0xfe]).toString("base64")]) await prints(page, `\x1b]52;c;${broken}\x07`);
  await prints(page, osc52("a".repeat((1 << 20) + 1)));
  await expect(toasts(page)).toContainText("more than 1 MiB");
  expect(await clip(page)).toBe("before");
  await prints(page, osc52("a".repeat(1 << 20)));
  await expect(toasts(page)).toHaveText("Copied 1,048,576 characters");
  expect((await clip(page)).length).toBe(1 << 20);
});

test("a page without the focus writes nothing until somebody clicks", async ({ page, board }) => {
  await mayCopy(page);
  await opened(page, board, "exec cat");
  await prints(page, osc52("before"));
  await expect.poll(() => clip(page)).toBe("before");
  await page.evaluate(() => {
    document.hasFocus = () => false;
  });
  await prints(page, osc52("behind the back"));
  await expect(toasts(page)).toContainText("A program wants to copy 15 characters.");
  expect(await clip(page)).toBe("before");
  await toasts(page).getByRole("button", { name: "Copy" }).click();
  await expect(toasts(page)).toHaveText("Copied 15 characters");
  expect(await clip(page)).toBe("behind the back");
});

test("a page that has no clipboard of its own (plain http) copies by the old way, on a gesture", async ({ page, board }) => {
  await mayCopy(page);
  await page.addInitScript(() => {
    Object.defineProperty(Navigator.prototype, "clipboard", { value: undefined, configurable: true, writable: true });
  });
  await opened(page, board, "exec cat");
  await page.keyboard.type("k"); // a gesture: the page may copy
  await prints(page, osc52("the old way ü"));
  await expect(toasts(page)).toHaveText("Copied 13 characters");
  const other = await page.context().newPage();
  await other.goto(board.home);
  expect(await clip(other)).toBe("the old way ü");
});

test("a watcher's clipboard is not written", async ({ page, board }) => {
  await mayCopy(page);
  await opened(page, board, "printf alive; exec cat", "Watch");
  await expect.poll(() => screen(page)).toContain("alive");
  await page.evaluate(() => navigator.clipboard.writeText("before"));
  await prints(page, osc52("not asked for"));
  expect(await clip(page)).toBe("before");
});

test("with Shift the mouse selects although tmux has it; Ctrl+Shift+C copies, Ctrl+C still interrupts", async ({ page, board }) => {
  await mayCopy(page);
  await opened(page, board, "printf 'one two three'; exec cat");
  board.tmux("set-option", "-g", "mouse", "on");
  await expect(page.locator("#screen .enable-mouse-events")).toBeAttached();
  await page.keyboard.down("Shift");
  await drag(page, [4, 0], [7, 0]);
  await page.keyboard.up("Shift");
  await page.keyboard.press("Control+Shift+C");
  await expect(toasts(page)).toHaveText("Copied 3 characters");
  expect(await clip(page)).toBe("two");
  expect(board.tmux("display-message", "-p", "-t", "a", "#{pane_in_mode}")).toBe("0");

  // With a selection on the screen.
  board.tmux("respawn-pane", "-k", "-t", "a", "trap 'echo interrupted' INT; printf ready; while :; do sleep 1; done");
  await expect.poll(() => screen(page)).toContain("ready");
  await page.keyboard.press("Control+c");
  await expect.poll(() => screen(page)).toContain("interrupted");
});

test("a drag that a program gets and does not copy says once how to select", async ({ page, board }) => {
  await opened(page, board, "printf '\\033[?1002h\\033[?1006hone two three'; stty -echo; exec cat >/dev/null");
  await prints(page, "\x1b[?1002h\x1b[?1006h");
  await expect.poll(() => screen(page)).toContain("three");
  await drag(page, [0, 0], [10, 0]);
  await expect(toasts(page)).toContainText("Hold Shift while you drag to select");
  await toasts(page).getByRole("button", { name: "Got it" }).click();
  await expect(toasts(page)).toBeHidden();
  expect(await page.evaluate(() => JSON.parse(localStorage.getItem("muxboard.terminal")!).selectHint)).toBe(false);
});

test("the text view: at its end, searched, selected, copied, refreshed, closed", async ({ page, board }) => {
  await mayCopy(page);
  const text = Array.from({ length: 10_000 }, (_, i) => `line ${i + 1} <b>ü</b>${i % 4000 === 0 ? " Needle" : ""}`).join("\n");
  await answers(page, { text, history: 9_960 });
  await opened(page, board, "exec cat");
  await page.keyboard.press("Control+Shift+F");
  const view = page.getByRole("dialog", { name: "The terminal's text" });
  await expect(view).toContainText("10,000 lines");
  const inSight = (word: string) =>
    view.locator("pre").evaluate((pre, its) => {
      const node = pre.firstChild as Text;
      const range = document.createRange();
      const at = node.data.indexOf(its);
      range.setStart(node, at);
      range.setEnd(node, at + its.length);
      const [one, box] = [range.getBoundingClientRect(), pre.getBoundingClientRect()];
      return one.top >= box.top && one.bottom <= box.bottom;
    }, word);
  await expect.poll(() => inSight("line 10000 ")).toBe(true);

  const search = view.getByRole("searchbox");
  await expect(search).toBeFocused();
  await search.fill("needle");
  await expect(view.locator(".count")).toHaveText("3 of 3");
  await expect.poll(() => inSight("line 8001 ")).toBe(true);
  await page.keyboard.press("Enter");
  await expect(view.locator(".count")).toHaveText("2 of 3");
  await expect.poll(() => inSight("line 4001 ")).toBe(true);
  await page.keyboard.press("Shift+Enter");
  await page.keyboard.press("Shift+Enter");
  await expect(view.locator(".count")).toHaveText("1 of 3");
  await search.fill("no such (");
  await expect(view.locator(".count")).toHaveText("none");

  await view.locator("pre").evaluate((pre) => getSelection()!.setBaseAndExtent(pre.firstChild!, 0, pre.firstChild!, 15));
  await view.getByRole("button", { name: "Copy selection" }).click();
  await expect(view).toContainText("Copied 15 characters");
  expect(await clip(page)).toBe("line 1 <b>ü</b>");
  await view.getByRole("button", { name: "Copy all" }).click();
  await expect.poll(() => clip(page)).toBe(text);

  await page.unroute(TEXT);
  await answers(page, { text: "fresh", history: 0 });
  await view.getByRole("button", { name: "Refresh" }).click();
  await expect(view.locator("pre")).toHaveText("fresh\n");
  await page.keyboard.press("Escape");
  await expect(view).toBeHidden();
  await page.keyboard.type("typed again");
  await expect.poll(() => screen(page)).toContain("typed again");
});

test("of more matches than are marked the first ones were, not the latest", async ({ page, board }) => {
  const text = (lines: number) => Array.from({ length: lines }, (_, i) => `needle ${i + 1}`).join("\n");
  await answers(page, { text: text(12_345) });
  await opened(page, board, "exec cat");
  await page.keyboard.press("Control+Shift+F");
  const view = page.getByRole("dialog", { name: "The terminal's text" });
  await expect(view).toContainText("12,345 lines");
  await view.getByRole("searchbox").fill("needle");
  await expect(view.locator(".count")).toHaveText("5000 of 5000+");
  const bottom = () => view.locator("pre").evaluate((pre) => pre.scrollHeight - pre.scrollTop - pre.clientHeight);
  await expect.poll(bottom).toBeLessThan(40);
  await page.keyboard.press("Shift+Enter");
  await expect(view.locator(".count")).toHaveText("1 of 5000+");
  await expect.poll(bottom).toBeGreaterThan(40_000);
  await page.unroute(TEXT);
  await answers(page, { text: text(5000) });
  await view.getByRole("button", { name: "Refresh" }).click();
  await expect(view).toContainText("5,000 lines");
  await expect(view.locator(".count")).toHaveText("5000 of 5000");
});

test("lines that tmux has joined were counted as one row each, and said to be above the screen", async ({ page, board }) => {
  await opened(page, board, "exec cat");
  const columns = await inScreen(page, (e) => e.terminal.cols);
  const view = page.getByRole("dialog", { name: "The terminal's text" });
  const seen = async (text: string, fromBottom: number) => {
    await answers(page, { text, history: 21 });
    await inScreen(page, (e, fromBottom) => e.parts.text.open({ fromBottom }), fromBottom);
    await expect(view.locator(".status")).toHaveText(/^\d+ lines?$/);
    const words = await view.locator(".status").textContent();
    const last = await view.locator("pre").evaluate((pre) => {
      const box = pre.getBoundingClientRect();
      const at = document.caretRangeFromPoint(box.left + 20, box.top + pre.clientHeight - 8)!;
      return (pre.firstChild as Text).data.slice(0, at.startOffset).split("\n").length;
    });
    await page.keyboard.press("Escape");
    await expect(view).toHaveCount(0);
    await page.unroute(TEXT);
    return [words, last];
  };
  expect(await seen("x".repeat(20 * columns), 0)).toEqual(["1 line", 1]);
  // Three rows each, of narrow characters and of wide ones.
  for (const line of ["x".repeat(2 * columns + 5), "日".repeat(columns + 5)]) {
    const [words, last] = await seen(`${line}\n`.repeat(300), 90);
    expect(words).toBe("300 lines");
    expect(Math.abs(Number(last) - 270)).toBeLessThan(3);
  }
});

test("the text view starts as far up as it is told, and says in words what went wrong", async ({ page, board, quiet }) => {
  quiet.allow.push(/410/);
  await answers(page, { text: Array.from({ length: 500 }, (_, i) => `line ${i + 1}\n`).join(""), history: 460 });
  await opened(page, board, "exec cat");
  const opens = () => inScreen(page, (e) => e.parts.text.open({ fromBottom: 100 }));
  await opens();
  const view = page.getByRole("dialog", { name: "The terminal's text" });
  const last = () =>
    view.locator("pre").evaluate((pre) => {
      const box = pre.getBoundingClientRect();
      const at = document.caretRangeFromPoint(box.left + 20, box.bottom - 8)!;
      return Number((pre.firstChild as Text).data.slice(0, at.startOffset).match(/\n/g)!.length);
    });
  await expect.poll(last).toBeGreaterThan(396);
  expect(await last()).toBeLessThan(403);
  await page.keyboard.press("Escape");
  await expect(view).toHaveCount(0);
  await page.unroute(TEXT);
  await page.route(TEXT, (route) =>
    route.fulfill({ status: 410, contentType: "application/problem+json", json: { detail: "This session <i>has ended</i>." } }),
  );
  await opens();
  await expect(view).toContainText("This session <i>has ended</i>.");
});
