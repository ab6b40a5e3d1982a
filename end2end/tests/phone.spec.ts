// A session from a phone: 390 pixels, fingers, an on-screen keyboard that takes half of them.
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import AxeBuilder from "@axe-core/playwright";
import { connected, expect, lines, test } from "./board";
import { inScreen } from "./inspect";
import { asked, drag, key, open, pane, standIn, text } from "./phone";

const folder = join(import.meta.dirname, "../screenshots");

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
  const two = (apart: number) => [
    { x: 190 - apart, y: 400, id: 1 },
    { x: 190 + apart, y: 400, id: 2 },
  ];
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
    const typed = () =>
      pane(board)
        .replace(/\n/g, "")
        .match(/\/\S+\/\.muxboard-uploads\/[0-9a-f]{32}\.png/)?.[0] ?? "";
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
    Object.defineProperty(seen, "height", {
      get: () => height ?? innerHeight,
      set: (to) => {
        height = to;
      },
    });
    Object.defineProperty(globalThis, "visualViewport", { value: seen });
  });
  await open(page, board, "sh -c 'for i in $(seq 300); do echo line $i; done; printf prompt; exec cat'");
  await expect.poll(() => text(page)).toContain("prompt");
  const within = (px: number) => async () => {
    const bar = (await page.locator(".key-bar").boundingBox())!;
    const screen = (await page.locator("#screen").boundingBox())!;
    const grid = (await page.locator(".xterm-screen").boundingBox())!;
    return (
      bar.y + bar.height <= px &&
      screen.y + screen.height <= bar.y + 1 &&
      grid.y + grid.height <= bar.y + 1 &&
      /prompt/.test((await lines(page)).filter(Boolean).at(-2) ?? "")
    );
  };
  await page.locator("#screen").tap();
  await page.setViewportSize({ width: 390, height: 480 });
  await expect.poll(within(480)).toBe(true);
  await page.setViewportSize({ width: 390, height: 844 });
  await page.evaluate(() => {
    Object.assign(visualViewport!, { height: 430 });
    visualViewport!.dispatchEvent(new Event("resize"));
  });
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
  await page.locator(".link-state").evaluate((state) => {
    state.textContent = "connection lost · trying again";
  });
  const box = (await page.getByRole("button", { name: "Menu" }).boundingBox())!;
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: join(folder, "phone-narrow.png") });
  expect(box.x + box.width).toBeLessThanOrEqual(360);
  expect(await page.evaluate(() => document.querySelector(".term-bar")!.scrollWidth)).toBeLessThanOrEqual(360);
});

for (const scheme of ["light", "dark"] as const) {
  test(`axe finds nothing serious in the key bar, the compose line and the menu, ${scheme}`, async ({ page, board }) => {
    await page.addInitScript(() => localStorage.setItem("muxboard.terminal", JSON.stringify({ compose: true })));
    await page.emulateMedia({ colorScheme: scheme });
    await open(page, board, "cat");
    await key(page, "Ctrl").tap();
    await key(page, "Alt").tap();
    await key(page, "Alt").tap();
    const serious = async () =>
      (await new AxeBuilder({ page }).exclude("#screen").analyze()).violations
        .filter((v) => ["serious", "critical"].includes(v.impact ?? ""))
        .map((v) => `${v.id}: ${v.nodes.map((n) => n.html)}`);
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
