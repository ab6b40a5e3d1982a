// A session from a phone: 390 pixels, fingers, an on-screen keyboard that takes half of them.
import { test, expect, card, lines, connected, type Board } from "./board";
import { inScreen } from "./inspect";
import AxeBuilder from "@axe-core/playwright";
import type { Page } from "@playwright/test";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";

const folder = join(import.meta.dirname, "../screenshots");
const text = async (page: Page) => (await lines(page)).join("\n");
const pane = (board: Board, session = "a") => board.tmux("capture-pane", "-p", "-t", session);
const key = (page: Page, name: string) => page.getByRole("toolbar", { name: "Keys" }).getByRole("button", { name, exact: true });
const area = (page: Page) => page.locator("#screen textarea");

async function open(page: Page, board: Board, runs: string, name = "a") {
  board.tmux("new-session", "-d", "-s", name, "-e", "LANG=C.UTF-8", runs);
  await board.open(page);
  await card(page, name).locator("a.open").click();
  await connected(page);
}

// A finger, by the browser's own input.
async function drag(page: Page, from: [number, number], to: [number, number], steps = 12) {
  const cdp = await page.context().newCDPSession(page);
  const at = (i: number) => [{ x: from[0] + ((to[0] - from[0]) * i) / steps, y: from[1] + ((to[1] - from[1]) * i) / steps }];
  await cdp.send("Input.dispatchTouchEvent", { type: "touchStart", touchPoints: at(0) });
  for (let i = 1; i <= steps; i++) await cdp.send("Input.dispatchTouchEvent", { type: "touchMove", touchPoints: at(i) });
  await cdp.send("Input.dispatchTouchEvent", { type: "touchEnd", touchPoints: [] });
  await cdp.detach();
}

// What the text view is asked, in its place.
const asked = (page: Page) => inScreen(page, (screen) => JSON.parse(screen.dataset.asked!) as { fromBottom?: number }[]);
const standIn = (page: Page) => inScreen(page, (screen) => {
  screen.dataset.asked = "[]";
  screen.parts.text.open = (what = {}) => { screen.dataset.asked = JSON.stringify([...JSON.parse(screen.dataset.asked!), what]); };
});

// As Android's keyboards do it: every key is 229, letters are composed.
const gboard = (page: Page, script: [string, ...string[]][]) => area(page).evaluate((area: HTMLTextAreaElement, script) => {
  const key = (type: string) => area.dispatchEvent(new KeyboardEvent(type, { key: "Unidentified", keyCode: 229, bubbles: true, cancelable: true, composed: true } as KeyboardEventInit));
  const input = (inputType: string, data: string | null, value: string) => {
    area.dispatchEvent(new InputEvent("beforeinput", { inputType, data, bubbles: true, composed: true }));
    area.value = value;
    area.dispatchEvent(new InputEvent("input", { inputType, data, bubbles: true, composed: true }));
  };
  let base = "";
  for (const [what, a = "", b = ""] of script) {
    if (what === "start") {
      key("keydown");
      base = area.value.slice(0, area.value.length - a.length);
      area.dispatchEvent(new CompositionEvent("compositionstart", { data: a, bubbles: true }));
    } else if (what === "compose") {
      area.dispatchEvent(new CompositionEvent("compositionupdate", { data: a, bubbles: true }));
      input("insertCompositionText", a, base + a);
    } else if (what === "end") {
      area.dispatchEvent(new CompositionEvent("compositionend", { data: a, bubbles: true }));
      key("keyup");
    } else if (what === "insert") {
      key("keydown");
      input("insertText", a, area.value + a);
      key("keyup");
    } else if (what === "replace") {
      input("insertReplacementText", b, area.value.slice(0, area.value.length - a.length) + b);
    } else if (what === "back") {
      key("keydown");
      input("deleteContentBackward", null, area.value.slice(0, -1));
      key("keyup");
    }
  }
}, script);

test("a question is answered, a program interrupted, by the key bar and an Android keyboard", async ({ page, board }) => {
  await open(page, board, `sh -c 'trap "echo interrupted" INT; printf "Go on? [y/n] "; read answer; echo "said $answer"; while :; do sleep 0.2; done'`);
  await expect.poll(() => text(page)).toContain("Go on?");
  await page.locator("#screen").tap();
  await expect(area(page)).toBeFocused();
  await gboard(page, [["start"], ["compose", "y"]]);
  await expect.poll(() => pane(board)).toContain("[y/n] y");
  await gboard(page, [["end", "y"]]);
  await page.keyboard.press("Enter");
  await expect.poll(() => pane(board)).toContain("said y");
  await key(page, "Ctrl").tap();
  await expect(key(page, "Ctrl")).toHaveAttribute("aria-pressed", "true");
  await expect(area(page)).toBeFocused();
  await gboard(page, [["start"], ["compose", "c"]]);
  await expect.poll(() => pane(board)).toContain("interrupted");
  await expect(key(page, "Ctrl")).toHaveAttribute("aria-pressed", "false");
});

test("Ctrl and Alt hold for one key, at a second tap until a third, for the bar's own keys and the keyboard's", async ({ page, board }) => {
  await open(page, board, "sh -c 'stty raw -echo; printf ready; exec cat -v'");
  await expect.poll(() => pane(board)).toContain("ready");
  await page.locator("#screen").tap();
  await key(page, "Ctrl").tap();
  await key(page, "Up arrow").tap();
  await key(page, "Up arrow").tap();
  await expect.poll(() => pane(board)).toBe("ready^[[1;5A^[[A");
  await key(page, "Alt").tap();
  await page.keyboard.type("xy");
  await expect.poll(() => pane(board)).toBe("ready^[[1;5A^[[A^[xy");
  await key(page, "Ctrl").tap();
  await key(page, "Ctrl").tap();
  await expect(key(page, "Ctrl, locked")).toHaveAttribute("aria-pressed", "true");
  await page.keyboard.type("xw");
  await expect.poll(() => pane(board)).toBe("ready^[[1;5A^[[A^[xy^X^W");
  await key(page, "Ctrl, locked").tap();
  await page.keyboard.type("z");
  for (const name of ["Esc", "Tab", "Page up", "Home", "Vertical bar", "Slash", "Minus"]) await key(page, name).tap();
  await expect.poll(() => pane(board)).toMatch(/^ready\^\[\[1;5A\^\[\[A\^\[xy\^X\^Wz\^\[ +\^\[\[5~\^\[\[1~\|\/-$/);
  await expect(area(page)).toBeFocused();
});

test("a key that is held repeats, and a finger that goes along the bar presses none", async ({ page, board }) => {
  await open(page, board, "sh -c 'stty raw -echo; printf ready; exec cat -v'");
  await expect.poll(() => pane(board)).toContain("ready");
  const box = (await key(page, "Up arrow").boundingBox())!;
  await drag(page, [box.x + 20, box.y + 20], [box.x - 150, box.y + 20]);
  await expect.poll(() => page.locator(".key-bar").evaluate((bar) => bar.scrollLeft)).toBeGreaterThan(20);
  await key(page, "Up arrow").scrollIntoViewIfNeeded();
  expect(pane(board)).toBe("ready");
  const cdp = await page.context().newCDPSession(page);
  const now = (await key(page, "Up arrow").boundingBox())!;
  await cdp.send("Input.dispatchTouchEvent", { type: "touchStart", touchPoints: [{ x: now.x + 20, y: now.y + 20 }] });
  await expect.poll(() => pane(board)).toContain("^[[A^[[A^[[A");
  await cdp.send("Input.dispatchTouchEvent", { type: "touchEnd", touchPoints: [] });
});

test("the prefix is tmux's own, else the person's", async ({ page, board }) => {
  await open(page, board, "cat");
  board.tmux("set-option", "-g", "prefix", "C-a", ";", "bind-key", "z", "set-option", "-g", "@pressed", "yes");
  await page.locator("#screen").tap();
  await key(page, "tmux prefix").tap();
  await expect.poll(() => board.tmux("list-clients", "-F", "#{client_prefix}")).toBe("1");
  await page.keyboard.type("z");
  await expect.poll(() => board.tmux("show-options", "-gv", "@pressed")).toBe("yes");
});

const MANY = "sh -c 'for i in $(seq 300); do echo line $i; done; exec cat -v'";

test("a finger scrolls back: tmux's copy mode where it has the mouse", async ({ page, board }) => {
  await open(page, board, MANY);
  board.tmux("set-option", "-g", "mouse", "on");
  await expect.poll(() => inScreen(page, (screen) => screen.terminal.modes.mouseTrackingMode)).not.toBe("none");
  await drag(page, [180, 250], [180, 600]);
  await expect.poll(() => Number(board.tmux("display-message", "-p", "-t", "a", "#{scroll_position}"))).toBeGreaterThan(10);
  await expect.poll(() => text(page)).toMatch(/line 2[0-5]\d\s/);
  const before = Number(board.tmux("display-message", "-p", "-t", "a", "#{scroll_position}"));
  await drag(page, [180, 600], [180, 300]);
  await expect.poll(() => Number(board.tmux("display-message", "-p", "-t", "a", "#{scroll_position}"))).not.toBe(before);
});

test("a finger scrolls back: the text where tmux has no mouse, and no arrow key is typed", async ({ page, board }) => {
  await open(page, board, MANY);
  await expect.poll(() => text(page)).toContain("line 300");
  await standIn(page);
  await drag(page, [180, 250], [180, 600]);
  await expect.poll(async () => (await asked(page))[0]?.fromBottom).toBeGreaterThan(5);
  await drag(page, [180, 600], [180, 250]);
  expect(await asked(page)).toHaveLength(1);
  await page.locator("#screen").tap();
  await page.keyboard.type("mark");
  await expect.poll(() => pane(board)).toMatch(/line 300\nmark$/);
});

test("a long press opens the text to select in", async ({ page, board }) => {
  await open(page, board, MANY);
  await standIn(page);
  const cdp = await page.context().newCDPSession(page);
  await cdp.send("Input.dispatchTouchEvent", { type: "touchStart", touchPoints: [{ x: 180, y: 400 }] });
  await expect.poll(async () => (await asked(page)).length).toBe(1);
  await cdp.send("Input.dispatchTouchEvent", { type: "touchEnd", touchPoints: [] });
  await page.locator("#screen").tap();
  expect(await asked(page)).toHaveLength(1);
});

test("two fingers set the size of the font", async ({ page, board }) => {
  await open(page, board, "cat");
  const px = () => inScreen(page, (screen) => screen.terminal.options.fontSize!);
  const before = await px();
  const cdp = await page.context().newCDPSession(page);
  const two = (apart: number) => [{ x: 190 - apart, y: 400, id: 1 }, { x: 190 + apart, y: 400, id: 2 }];
  await cdp.send("Input.dispatchTouchEvent", { type: "touchStart", touchPoints: two(50) });
  for (let i = 1; i <= 10; i++) await cdp.send("Input.dispatchTouchEvent", { type: "touchMove", touchPoints: two(50 + 5 * i) });
  await cdp.send("Input.dispatchTouchEvent", { type: "touchEnd", touchPoints: [] });
  await expect.poll(px).toBeGreaterThan(before + 4);
});

test("what the clipboard has is pasted", async ({ page, board, context }) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await open(page, board, "cat");
  await page.evaluate(() => navigator.clipboard.writeText("from elsewhere"));
  await key(page, "Paste").tap();
  await expect.poll(() => pane(board)).toContain("from elsewhere");
});

test("text is selected in the text view and copied", async ({ page, board, context }) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await open(page, board, "sh -c 'for i in $(seq 300); do echo line $i; done; exec cat'");
  await key(page, "Text and history").tap();
  const view = page.getByRole("dialog", { name: "The terminal's text" });
  await expect(view.locator("pre")).toContainText("line 7\n");
  // As a long press and its handles do.
  await view.locator("pre").evaluate((pre) => {
    const text = pre.firstChild as Text;
    const from = text.data.indexOf("line 250");
    getSelection()!.setBaseAndExtent(text, from, text, from + "line 250\nline 251".length);
  });
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: join(folder, "phone-text.png") });
  await view.getByRole("button", { name: "Copy selection" }).tap();
  await expect.poll(() => page.evaluate(() => navigator.clipboard.readText())).toBe("line 250\nline 251");
  await view.getByRole("button", { name: "Close" }).tap();
  await expect(view).toHaveCount(0);
});

test("a drag without tmux's mouse opens the history where the finger went", async ({ page, board }) => {
  await open(page, board, "sh -c 'for i in $(seq 300); do echo line $i; done; exec cat'");
  await expect.poll(() => text(page)).toContain("line 300");
  await drag(page, [190, 200], [190, 560]);
  const view = page.getByRole("dialog", { name: "The terminal's text" });
  await expect(view.locator("pre")).toContainText("line 7\n");
  await expect.poll(() => view.locator("pre").evaluate((pre) => pre.scrollHeight - pre.scrollTop - pre.clientHeight)).toBeGreaterThan(100);
  expect(pane(board)).not.toMatch(/\^\[|\[A/);
});

test.describe("uploads are on", () => {
  test.use({ more: "[upload]\nenabled = true\n" });

  test("a picture is uploaded with the keyboard up and its path typed", async ({ page, board }) => {
    await open(page, board, "cat");
    await page.locator("#screen").tap();
    await page.setViewportSize({ width: 390, height: 480 });
    await page.getByRole("button", { name: "Menu" }).tap();
    const chooser = page.waitForEvent("filechooser");
    await page.getByRole("button", { name: "Attach a file" }).tap();
    const png = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==", "base64");
    await (await chooser).setFiles({ name: "a.png", mimeType: "image/png", buffer: png });
    await expect(page.locator(".toasts")).toContainText("Uploaded: ");
    const typed = () => pane(board).replace(/\n/g, "").match(/\/\S+\/\.muxboard-uploads\/[0-9a-f]{32}\.png/)?.[0] ?? "";
    await expect.poll(typed).toBeTruthy();
    expect(readFileSync(typed()).equals(png)).toBe(true);
    rmSync(typed());
    mkdirSync(folder, { recursive: true });
    await page.screenshot({ path: join(folder, "phone-upload.png") });
  });
});

test("the prompt and the key bar stay above the keyboard, where the page shrinks and where only the view of it does", async ({ page, board }) => {
  // A browser that shrinks only what is seen (iOS), in the place of this one's.
  await page.addInitScript(() => {
    const seen = Object.assign(new EventTarget(), { height: 0, width: 390, offsetTop: 0, offsetLeft: 0, scale: 1, pageTop: 0, pageLeft: 0 });
    let height: number | undefined;
    Object.defineProperty(seen, "height", { get: () => height ?? innerHeight, set: (to) => { height = to; } });
    Object.defineProperty(globalThis, "visualViewport", { value: seen });
  });
  await open(page, board, "sh -c 'for i in $(seq 300); do echo line $i; done; printf prompt; exec cat'");
  await expect.poll(() => text(page)).toContain("prompt");
  const within = (px: number) => async () => {
    const bar = (await page.locator(".key-bar").boundingBox())!;
    const screen = (await page.locator("#screen").boundingBox())!;
    const grid = (await page.locator(".xterm-screen").boundingBox())!;
    return bar.y + bar.height <= px && screen.y + screen.height <= bar.y + 1 && grid.y + grid.height <= bar.y + 1 && /prompt/.test((await lines(page)).filter(Boolean).at(-2) ?? "");
  };
  await page.locator("#screen").tap();
  await page.setViewportSize({ width: 390, height: 480 });
  await expect.poll(within(480)).toBe(true);
  await page.setViewportSize({ width: 390, height: 844 });
  await page.evaluate(() => { Object.assign(visualViewport!, { height: 430 }); visualViewport!.dispatchEvent(new Event("resize")); });
  await expect.poll(within(430)).toBe(true);
  expect(await page.evaluate(() => [scrollX, scrollY])).toEqual([0, 0]);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
});

test("the menu stays in reach on the narrowest phone, whatever the bar has to say", async ({ page, board, context }) => {
  await page.setViewportSize({ width: 360, height: 700 });
  await open(page, board, "cat", "a-session-with-a-long-name");
  const other = await context.newPage();
  await other.goto(page.url());
  await connected(other);
  await page.bringToFront();
  await expect(page.locator(".others summary")).toBeVisible();
  await page.locator(".link-state").evaluate((state) => { state.textContent = "connection lost · trying again"; });
  const box = (await page.getByRole("button", { name: "Menu" }).boundingBox())!;
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: join(folder, "phone-narrow.png") });
  expect(box.x + box.width).toBeLessThanOrEqual(360);
  expect(await page.evaluate(() => document.querySelector(".term-bar")!.scrollWidth)).toBeLessThanOrEqual(360);
});

test("every key is large enough for a finger", async ({ page, board }) => {
  await open(page, board, "cat");
  await page.setViewportSize({ width: 360, height: 700 });
  for (const box of await page.locator(".key-bar button").evaluateAll((all) => all.map((button) => button.getBoundingClientRect().toJSON()))) {
    expect(box.width).toBeGreaterThanOrEqual(44);
    expect(box.height).toBeGreaterThanOrEqual(44);
  }
});

test("an Android keyboard doubles and loses nothing: words composed, put right, taken back", async ({ page, board }) => {
  await open(page, board, "cat");
  await page.locator("#screen").tap();
  await gboard(page, [["start"], ["compose", "h"], ["compose", "he"], ["compose", "hel"], ["compose", "hello"], ["end", "hello"], ["insert", " "]]);
  await expect.poll(() => pane(board)).toBe("hello");
  // Put right when the word is complete, and after it was sent: as long, shorter, longer.
  await gboard(page, [["start"], ["compose", "teh"], ["compose", "the"], ["end", "the"], ["insert", " "], ["insert", "wrod"], ["replace", "wrod", "word"]]);
  await expect.poll(() => pane(board)).toBe("hello the word");
  await gboard(page, [["replace", "word", "wo"], ["replace", "wo", "worlds"], ["back"]]);
  await expect.poll(() => pane(board)).toBe("hello the world");
  // A word composed once more, after it was sent.
  await gboard(page, [["start", "world"], ["compose", "world"], ["compose", "wörld"], ["end", "wörld"], ["insert", "!"]]);
  await expect.poll(() => pane(board)).toBe("hello the wörld!");
  // Not Latin: when it is complete.
  await gboard(page, [["start"], ["compose", "に"], ["compose", "にほん"], ["compose", "日本"], ["end", "日本"], ["insert", "x"], ["back"]]);
  await page.keyboard.press("Enter");
  await expect.poll(() => pane(board)).toMatch(/^hello the wörld!日本\s*\nhello the wörld!日本$/);
});

test("the browser's own compositions reach the session as they grow, and once", async ({ page, board }) => {
  await open(page, board, "cat");
  await page.locator("#screen").tap();
  const cdp = await page.context().newCDPSession(page);
  const compose = (text: string) => cdp.send("Input.imeSetComposition", { text, selectionStart: text.length, selectionEnd: text.length });
  for (const part of ["h", "he", "hel", "helo"]) await compose(part);
  await expect.poll(() => pane(board)).toBe("helo");
  await cdp.send("Input.insertText", { text: "hello " });
  await expect.poll(() => pane(board)).toBe("hello");
  for (const part of ["に", "にほん"]) await compose(part);
  await expect(page.locator(".composition-view")).toHaveText("にほん");
  await cdp.send("Input.insertText", { text: "日本" });
  await page.keyboard.press("Enter");
  await expect.poll(() => pane(board)).toBe("hello 日本\nhello 日本");
});

test("a word that was put right after an arrow key of the bar was taken back at the wrong place", async ({ page, board }) => {
  await open(page, board, "sh -c 'stty raw -echo; printf ready; exec cat -v'");
  await expect.poll(() => pane(board)).toContain("ready");
  await page.locator("#screen").tap();
  const cdp = await page.context().newCDPSession(page);
  await cdp.send("Input.imeSetComposition", { text: "wrod", selectionStart: 4, selectionEnd: 4 });
  await expect.poll(() => pane(board)).toBe("readywrod");
  await key(page, "Left arrow").tap();
  // A keyboard puts right what it finds in the field.
  if ((await area(page).inputValue()).endsWith("wrod")) await cdp.send("Input.imeSetComposition", { text: "word", selectionStart: 4, selectionEnd: 4 });
  await cdp.send("Input.insertText", { text: "x" });
  await page.keyboard.type("y");
  await expect.poll(() => pane(board)).toBe("readywrod^[[Dxy");
});

for (const scheme of ["light", "dark"] as const) {
  test(`axe finds nothing serious in the key bar, the compose line and the menu, ${scheme}`, async ({ page, board }) => {
    await page.addInitScript(() => localStorage.setItem("muxboard.terminal", JSON.stringify({ compose: true })));
    await page.emulateMedia({ colorScheme: scheme });
    await open(page, board, "cat");
    await key(page, "Ctrl").tap();
    await key(page, "Alt").tap();
    await key(page, "Alt").tap();
    const serious = async () => (await new AxeBuilder({ page }).exclude("#screen").analyze()).violations.filter((v) => ["serious", "critical"].includes(v.impact ?? "")).map((v) => `${v.id}: ${v.nodes.map((n) => n.html)}`);
    expect(await serious()).toEqual([]);
    await page.getByRole("button", { name: "Menu" }).tap();
    await page.getByRole("dialog", { name: "Menu" }).locator("summary").tap();
    expect(await serious()).toEqual([]);
  });
}

test("pictures of it", async ({ page, board }) => {
  mkdirSync(folder, { recursive: true });
  await open(page, board, "sh -c 'ls -la --color /; printf \"\\033[1;32mann@web1\\033[0m:\\033[34m~\\033[0m$ \"; exec cat'");
  await expect.poll(() => text(page)).toContain("ann@web1");
  await page.locator("#screen").tap();
  for (const scheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme: scheme });
    await page.setViewportSize({ width: 390, height: 844 });
    await key(page, "Ctrl").tap();
    await key(page, "Alt").tap();
    await key(page, "Alt").tap();
    await page.screenshot({ path: join(folder, `phone-${scheme}.png`) });
    await key(page, "Ctrl").tap();
    await key(page, "Ctrl, locked").tap();
    await key(page, "Alt, locked").tap();
    await page.getByRole("button", { name: "Menu" }).tap();
    await page.screenshot({ path: join(folder, `phone-menu-${scheme}.png`) });
    const line = page.getByLabel("Compose line");
    await line.tap();
    await page.setViewportSize({ width: 390, height: 480 });
    await page.getByLabel("Text to send").fill("a line that is written before it is sent");
    await page.screenshot({ path: join(folder, `phone-keyboard-${scheme}.png`) });
    await page.getByRole("button", { name: "Menu" }).tap();
    await line.tap();
  }
});
