// What people who live in terminals expect of one: their keys are theirs, their settings stay, a bell is seen, every input method works.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "@playwright/test";
import { type Board, card, connected, expect, lines, test } from "./board";
import { inScreen } from "./inspect";

const folder = join(import.meta.dirname, "../screenshots");
const text = async (page: Page) => (await lines(page)).join("\n");
const pane = (board: Board, session = "a") => board.tmux("capture-pane", "-p", "-t", session);
const area = (page: Page) => page.locator("#screen textarea");
const fontPx = (page: Page) => inScreen(page, (screen) => screen.terminal.options.fontSize as number);
const says = (page: Page, output: string) => inScreen(page, (screen, output) => new Promise<void>((done) => screen.terminal.write(output, done)), output);
const RAW = "sh -c 'stty raw -echo; printf ready; exec cat -v'";

async function open(page: Page, board: Board, runs: string, name = "a") {
  board.tmux("new-session", "-d", "-s", name, "-e", "LANG=C.UTF-8", runs);
  await board.open(page);
  await card(page, name).locator("a.open").click();
  await connected(page);
}

test("the menu sets the font, in every tab, and tmux has the new size", async ({ page, board, context }) => {
  await open(page, board, "cat");
  const other = await context.newPage();
  await other.goto(page.url());
  await connected(other);
  await page.bringToFront();
  const before = await fontPx(page);
  await page.getByRole("button", { name: "Menu" }).click();
  const menu = page.getByRole("dialog", { name: "Menu" });
  await menu.getByRole("button", { name: "Larger" }).click();
  await menu.getByRole("button", { name: "Larger" }).click();
  await expect(menu.getByText(`${before + 2} px`)).toBeVisible();
  expect(await fontPx(page)).toBe(before + 2);
  await expect.poll(() => fontPx(other)).toBe(before + 2);
  await page.keyboard.press("Escape");
  await expect(menu).toBeHidden();
  await expect(area(page)).toBeFocused();
  await page.keyboard.press("Control+Shift+Minus");
  await page.keyboard.press("Control+Shift+Equal");
  await page.keyboard.press("Control+Shift+Equal");
  await expect.poll(() => fontPx(page)).toBe(before + 3);
  const columns = await inScreen(page, (screen) => screen.terminal.cols);
  await expect.poll(() => board.tmux("list-clients", "-F", "#{client_width}").split("\n")).toContain(String(columns));
  await page.reload();
  await connected(page);
  expect(await fontPx(page)).toBe(before + 3);
});

test("what another version or another hand left in the settings harms nothing", async ({ page, board }) => {
  await page.addInitScript(() =>
    localStorage.setItem("muxboard.terminal", JSON.stringify({ fontPx: "9e9", askLines: -4, keys: "sometimes", prefix: "x".repeat(999), bell: {} })),
  );
  await open(page, board, "cat");
  expect(await fontPx(page)).toBe(14);
  await page.evaluate(() => localStorage.setItem("muxboard.terminal", "null"));
  await page.reload();
  await connected(page);
});

test("every key but ours goes to the terminal, and there is a way out by the keyboard", async ({ page, board }) => {
  await open(page, board, RAW);
  await expect.poll(() => pane(board)).toContain("ready");
  for (const key of ["Escape", "Control+a", "Control+w", "Control+Space", "Shift+Tab", "PageUp", "F1", "Alt+x", "Control+ArrowLeft", "Control+/"])
    await page.keyboard.press(key);
  await expect.poll(() => pane(board)).toBe("ready^[^A^W^@^[[Z^[[5~^[OP^[x^[[1;5D^_");
  await expect(area(page)).toBeFocused();
  await page.keyboard.press("Control+Shift+Space");
  await expect(page.getByRole("dialog", { name: "Menu" })).toBeVisible();
  await expect(page.getByRole("dialog", { name: "Menu" }).locator("button:focus")).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(area(page)).toBeFocused();
  expect(pane(board)).toBe("ready^[^A^W^@^[[Z^[[5~^[OP^[x^[[1;5D^_");
});

test("Shift and the wheel, Shift and PageUp open the text; the wheel alone is the program's", async ({ page, board }) => {
  await open(page, board, RAW);
  await expect.poll(() => pane(board)).toContain("ready");
  await inScreen(page, (screen) => {
    screen.parts.text.open = () => (screen.dataset.asked = String(Number(screen.dataset.asked ?? 0) + 1));
  });
  const asked = () => inScreen(page, (screen) => Number(screen.dataset.asked ?? 0));
  await page.keyboard.press("Shift+PageUp");
  await expect.poll(asked).toBe(1);
  await page.locator("#screen").hover();
  await page.keyboard.down("Shift");
  await page.mouse.wheel(0, -120);
  await page.keyboard.up("Shift");
  await expect.poll(asked).toBe(2);
  expect(pane(board)).toBe("ready");
  await page.mouse.wheel(0, -120);
  await expect.poll(() => pane(board)).toContain("^[[A");
});

test("a bell flashes, and marks the tab that nobody looks at until somebody does", async ({ page, board }) => {
  await page.emulateMedia({ reducedMotion: "reduce" });
  await open(page, board, "cat");
  const own = await page.title();
  await says(page, "\x07");
  await expect(page.locator("#screen.bell")).toBeVisible();
  expect(await page.title()).toBe(own);
  await page.keyboard.press("a");
  await expect(page.locator("#screen.bell")).toHaveCount(0);
  const focus = (has: boolean) =>
    page.evaluate((has) => {
      document.hasFocus = () => has;
      if (has) dispatchEvent(new Event("focus"));
    }, has);
  for (const signal of ["\x07", "\x1b]9;done\x07", "\x1b]777;notify;build;done\x1b\\"]) {
    await focus(false);
    await says(page, signal);
    await expect(page).toHaveTitle(`● ${own}`);
    await focus(true);
    await expect(page).toHaveTitle(own);
  }
  await focus(false);
  await says(page, "\x1b]9;4;1;50\x07\x1b]777;precmd\x07");
  expect(await page.title()).toBe(own);
  await focus(true);
  await page.getByRole("button", { name: "Menu" }).click();
  await page.getByLabel("Flash at a bell").uncheck();
  await says(page, "\x07");
  await expect(page.locator("#screen.bell")).toHaveCount(0);
});

test("the session's title is the tab's, as plain text of a bounded length", async ({ page, board }) => {
  await open(page, board, "cat");
  board.tmux("set-option", "-g", "set-titles", "on", ";", "set-option", "-g", "set-titles-string", "in #S");
  await expect(page).toHaveTitle("in a · a · muxboard");
  board.tmux("set-option", "-g", "set-titles", "off");
  await says(page, "\x1b]2;\u202eevil\u2066\u200f ok\x07");
  await expect(page).toHaveTitle("evil ok · a · muxboard");
  await says(page, `\x1b]2;${"x".repeat(5000)}\x07`);
  await expect(page).toHaveTitle(`${"x".repeat(200)} · a · muxboard`);
  await says(page, "\x1b]2;\x07");
  await expect(page).not.toHaveTitle(/xxx/);
});

test("the compose line sends one piece, recalls it, and keeps its text when the line is lost", async ({ page, board }) => {
  await open(page, board, "cat");
  await page.getByRole("button", { name: "Menu" }).click();
  await page.getByLabel("Compose line").check();
  const line = page.getByLabel("Text to send");
  await expect(line).toBeFocused();
  await page.keyboard.type("first line");
  expect(pane(board)).not.toContain("first");
  await page.keyboard.press("Enter");
  await expect.poll(() => pane(board)).toBe("first line\nfirst line");
  await expect(line).toHaveValue("");
  await page.keyboard.press("ArrowUp");
  await expect(line).toHaveValue("first line");
  await page.keyboard.press("ArrowDown");
  await page.getByLabel("Enter", { exact: true }).uncheck();
  await page.keyboard.press("Tab");
  await line.fill("half");
  await page.getByRole("button", { name: "Send" }).click();
  await expect.poll(() => pane(board)).toBe("first line\nfirst line\nhalf");
  // An input method's Enter chooses a word and sends nothing.
  await line.fill("にほん");
  await line.evaluate((field) => field.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", isComposing: true, bubbles: true, cancelable: true })));
  await expect(line).toHaveValue("にほん");
  await inScreen(page, (screen) => {
    screen.parts.input.type = () => false;
  });
  await page.getByRole("button", { name: "Send" }).click();
  await expect(page.getByText("Your text stays here")).toBeVisible();
  await expect(line).toHaveValue("にほん");
  await page.reload();
  await connected(page);
  await expect(line).toBeVisible();
});

// What a composition is to a page: recorded with a Japanese input method and with a dead key. In Firefox the last `input` comes after the end.
const composes = (page: Page, steps: string[], commit: string, firefox = false) =>
  area(page).evaluate(
    (area: HTMLTextAreaElement, [steps, commit, firefox]) => {
      const key = (type: string) =>
        area.dispatchEvent(new KeyboardEvent(type, { key: "Process", keyCode: 229, bubbles: true, cancelable: true, composed: true } as KeyboardEventInit));
      const base = area.value;
      const end = () => area.dispatchEvent(new CompositionEvent("compositionend", { data: commit, bubbles: true }));
      const update = (data: string, last = false) => {
        area.dispatchEvent(new CompositionEvent("compositionupdate", { data, bubbles: true }));
        area.dispatchEvent(new InputEvent("beforeinput", { inputType: "insertCompositionText", data, isComposing: true, bubbles: true, composed: true }));
        area.value = base + data;
        if (last) end();
        area.dispatchEvent(new InputEvent("input", { inputType: "insertCompositionText", data, isComposing: !last, bubbles: true, composed: true }));
      };
      key("keydown");
      area.dispatchEvent(new CompositionEvent("compositionstart", { data: "", bubbles: true }));
      for (const step of steps) {
        update(step);
        key("keyup");
        key("keydown");
      }
      update(commit, firefox);
      if (!firefox) end();
      key("keyup");
    },
    [steps, commit, firefox] as const,
  );

test("an input method and a dead key type each word once", async ({ page, board }) => {
  await open(page, board, "cat");
  await area(page).focus();
  await composes(page, ["ｎ", "に", "にｈ", "にほ", "にほｎ", "にほん", "にほんｇ", "にほんご"], "にほんご");
  await expect.poll(() => pane(board)).toBe("にほんご");
  await composes(page, ["ｋ", "か", "かｎ", "漢"], "漢字");
  await expect.poll(() => pane(board)).toBe("にほんご漢字");
  await composes(page, ["´"], "é");
  await page.keyboard.type("x");
  await expect.poll(() => pane(board)).toBe("にほんご漢字éx");
  // What xterm.js had is not sent again by what comes next.
  await inScreen(page, (screen) => screen.parts.paste.paste("-"));
  await expect.poll(() => pane(board)).toBe("にほんご漢字éx-");
  // An emoji picker: no key at all.
  await page.keyboard.insertText("✓");
  await page.keyboard.type("y");
  await page.keyboard.press("Enter");
  await expect.poll(() => pane(board)).toBe("にほんご漢字éx-✓y\nにほんご漢字éx-✓y");
});

test("each word of an input method in Firefox was typed twice", async ({ page, board }) => {
  await open(page, board, "cat");
  await area(page).focus();
  await composes(page, ["ｎ", "に", "にほん"], "日本", true);
  await expect.poll(() => pane(board)).toBe("日本");
  await composes(page, ["´"], "é", true);
  await page.keyboard.type("x");
  await page.keyboard.insertText("✓");
  await page.keyboard.press("Enter");
  await expect.poll(() => pane(board)).toBe("日本éx✓\n日本éx✓");
});

test("an emoji after a key that another window saw go up was lost", async ({ page, board }) => {
  await open(page, board, "cat");
  await area(page).focus();
  await page.keyboard.down("Alt");
  await area(page).blur();
  await page.keyboard.up("Alt");
  await area(page).focus();
  await page.keyboard.insertText("✓");
  await page.keyboard.type("x");
  await expect.poll(() => pane(board)).toBe("✓x");
});

test("the browser's own compositions type each word once; a paste by its menu is no typing", async ({ page, board }) => {
  await open(page, board, "cat");
  await area(page).focus();
  const cdp = await page.context().newCDPSession(page);
  for (const part of ["n", "に", "にほ", "にほん"])
    await cdp.send("Input.imeSetComposition", { text: part, selectionStart: part.length, selectionEnd: part.length });
  await cdp.send("Input.insertText", { text: "日本" });
  await expect.poll(() => pane(board)).toBe("日本");
  await cdp.send("Input.imeSetComposition", { text: "´", selectionStart: 1, selectionEnd: 1 });
  await cdp.send("Input.insertText", { text: "é" });
  await page.keyboard.type("x");
  await expect.poll(() => pane(board)).toBe("日本éx");
  await area(page).evaluate((area: HTMLTextAreaElement) => {
    area.value = "pasted";
    area.dispatchEvent(new InputEvent("input", { inputType: "insertFromPaste", bubbles: true, composed: true }));
    area.select();
  });
  await page.keyboard.insertText("✓");
  await page.keyboard.type("y");
  await expect.poll(() => pane(board)).toBe("日本éx✓y");
});

// Where joined and varied characters leave the cursor: tmux's count is the page's.
const JOINED = [
  "👨‍👩‍👧‍👦",
  "👩🏽‍💻",
  "❤️",
  "☎️",
  "✈︎",
  "🇩🇪🇯🇵",
  "1️⃣",
  "🏴‍☠️",
  "👍🏿",
  "é",
  "각",
  "नमस्ते",
  "ﷺ",
  "a\u200bb",
  "a\u00adb",
  "⚡",
  "🫠",
  "ก็",
  "a\u200db",
  "🏳️\u200d🌈",
];

test("the cursor stands where tmux has it after joined characters, variants and flags", async ({ page, board }) => {
  await open(page, board, "sh");
  const differ: string[] = [];
  const row = (at: number) => inScreen(page, (screen, at) => screen.terminal.buffer.active.getLine(at)!.translateToString(true), at);
  for (const [i, sample] of JOINED.entries()) {
    const mark = `m${i}`;
    board.tmux("send-keys", "-t", "a", "-l", `clear; printf '%s${mark}' '${sample}'; read _`);
    board.tmux("send-keys", "-t", "a", "Enter");
    await expect.poll(() => pane(board)).toMatch(new RegExp(`${mark}$`));
    await expect.poll(() => row(0)).toMatch(new RegExp(`${mark}\\s*$`));
    const tmux = Number(board.tmux("display-message", "-p", "-t", "a", "#{cursor_x}"));
    const xterm = await inScreen(page, (screen) => screen.terminal.buffer.active.cursorX);
    const drawn = await inScreen(
      page,
      (screen, mark) => {
        const line = screen.terminal.buffer.active.getLine(0)!;
        for (let x = 0; x < 30; x++) if (line.getCell(x)?.getChars() === "m" && line.getCell(x + 1)?.getChars() === mark[1]) return x + mark.length;
        return -1;
      },
      mark,
    );
    if (tmux !== xterm || tmux !== drawn) differ.push(`${JSON.stringify(sample)}: tmux ${tmux}, page ${xterm}, drawn to ${drawn}`);
    board.tmux("send-keys", "-t", "a", "Enter");
  }
  expect(differ).toEqual([]);
});

test("drawn by the graphics card or not, the same text stands there, also when the card's context is lost", async ({ page, board, quiet }) => {
  // What the add-on says of a lost context; and this browser's graphics card is software, slow to read back.
  quiet.allow.push(/webgl context not restored|GPU stall due to ReadPixels|software WebGL|GroupMarkerNotSet/);
  await page.addInitScript(() => {
    localStorage.setItem("muxboard.terminal", JSON.stringify({ webgl: "on" }));
    const get = HTMLCanvasElement.prototype.getContext;
    HTMLCanvasElement.prototype.getContext = function (this: HTMLCanvasElement, ...words: Parameters<typeof get>) {
      const context = get.apply(this, words);
      if (words[0] === "webgl2" && context) Object.assign(globalThis, { card: context });
      return context;
    } as typeof get;
  });
  await open(page, board, "sh -c 'echo drawn; exec cat'");
  await expect.poll(() => text(page)).toContain("drawn");
  await expect(page.locator("#screen .xterm-screen canvas").first()).toBeAttached();
  await expect(page.locator("#screen .xterm-rows")).toHaveCount(0);
  await page.keyboard.type("before ");
  await expect.poll(() => text(page)).toContain("before");
  await page.evaluate(() => (globalThis as unknown as { card: WebGL2RenderingContext }).card.getExtension("WEBGL_lose_context")!.loseContext());
  await page.keyboard.type("after");
  await expect(page.locator("#screen .xterm-rows")).toContainText("before after", { timeout: 15_000 });
  await expect(page.locator("#screen .xterm-rows")).toContainText("drawn");
  await expect(page.locator("#screen .xterm-screen canvas")).toHaveCount(0);
});

test("pictures of it", async ({ page, board }) => {
  mkdirSync(folder, { recursive: true });
  await open(page, board, "sh -c 'ls -la --color /usr; exec cat'");
  await expect.poll(() => text(page)).toContain("bin");
  for (const scheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme: scheme });
    await page.getByRole("button", { name: "Menu" }).click();
    const keys = page.getByRole("dialog", { name: "Menu" }).locator("summary");
    await keys.click();
    if (scheme === "light") await page.getByLabel("Key bar").check();
    await page.screenshot({ path: join(folder, `menu-${scheme}.png`) });
    await keys.click();
    await page.keyboard.press("Escape");
  }
});
