// The lines over the terminal: what goes on keeps its button whatever passes, the keyboard reaches it, and it is in sight.

import type { Page } from "@playwright/test";
import { expect, test } from "./board";
import { inScreen } from "./inspect";
import { opened, screen, toasts } from "./transfer";

const says = (page: Page, words: string, ms: number) => inScreen(page, (e, [words, ms]) => e.context.toast(words, { ms }), [words, ms] as const);
const area = (page: Page) => page.locator("#screen textarea");
const uploads = (page: Page) => inScreen(page, (e) => e.parts.upload.send([new File(["x".repeat(10)], "a.txt")]));

test.describe("uploads are on", () => {
  test.use({ more: "[upload]\nenabled = true\n" });

  test("a line that passed took away the Cancel of what went on", async ({ page, board }) => {
    await page.route("**/upload/**", () => {});
    await opened(page, board, "printf alive; exec cat");
    await expect.poll(() => screen(page)).toContain("alive");
    await uploads(page);
    await expect(toasts(page)).toContainText("Uploading a.txt");
    await says(page, "Copied 3 characters", 100);
    await expect(toasts(page)).not.toContainText("Copied");
    await expect(toasts(page)).toContainText("Uploading a.txt");
    await says(page, "Copied 4 characters", 60_000);
    await says(page, "Copied 5 characters", 60_000);
    await expect(toasts(page).getByText("Copied")).toHaveText(["Copied 5 characters"]);
    await toasts(page).getByRole("button", { name: "Cancel" }).click();
    await expect(toasts(page)).toHaveText("Upload of a.txt cancelled.");
    await expect(area(page)).toBeFocused();
  });

  test("no key led out of the terminal to the Cancel of what went on", async ({ page, board }) => {
    await page.route("**/upload/**", () => {});
    await opened(page, board, "printf alive; exec cat");
    await expect.poll(() => screen(page)).toContain("alive");
    await uploads(page);
    const cancel = toasts(page).getByRole("button", { name: "Cancel" });
    await expect(cancel).toBeVisible();
    await page.keyboard.press("Control+Shift+Space");
    await expect(cancel).toBeFocused();
    await page.keyboard.press("Escape");
    await expect(area(page)).toBeFocused();
    await page.keyboard.press("Control+Shift+Space");
    await page.keyboard.press("Control+Shift+Space");
    const menu = page.getByRole("dialog", { name: "Menu" });
    await expect(menu).toBeVisible();
    await page.keyboard.press("Escape");
    await expect(menu).toBeHidden();
    await area(page).focus();
    await page.keyboard.press("Control+Shift+Space");
    await page.keyboard.press("Enter");
    await expect(toasts(page)).toHaveText("Upload of a.txt cancelled.");
    await expect(area(page)).toBeFocused();
  });

  test("an upload whose path could not be put in said only that it was uploaded", async ({ page, board }) => {
    await page.route("**/upload/**", (route) => route.fulfill({ status: 201, json: { path: "/u/1.txt", typed: "/u/1.txt", expires: 2_000_000_000 } }));
    await opened(page, board, "printf alive; exec cat");
    await expect.poll(() => screen(page)).toContain("alive");
    await inScreen(page, (e) => {
      e.parts.paste.paste = () => false;
    });
    await uploads(page);
    await expect(toasts(page)).toContainText("Uploaded, but not put in: /u/1.txt (kept until");
  });
});

test("a click on a button of a line took the keyboard from the terminal", async ({ page, board }) => {
  await opened(page, board, "printf alive; exec cat");
  await expect.poll(() => screen(page)).toContain("alive");
  await inScreen(page, ({ context }) => {
    const line = context.toast("Over it", { buttons: [["Got it", () => line.end()]] });
  });
  await toasts(page).getByRole("button", { name: "Got it" }).click();
  await expect(toasts(page)).toHaveCount(0);
  await page.keyboard.type("mark");
  await expect.poll(() => screen(page)).toContain("alivemark");
});

test("a line was out of sight where the keyboard moves what is seen of the page", async ({ page, board }) => {
  // A browser that shrinks and moves only what is seen (iOS), in the place of this one's.
  await page.addInitScript(() => {
    const seen = Object.assign(new EventTarget(), { height: innerHeight, offsetTop: 0, scale: 1 });
    Object.defineProperty(globalThis, "visualViewport", { value: seen });
  });
  await opened(page, board, "printf alive; exec cat");
  await page.evaluate(() => {
    Object.assign(visualViewport!, { height: 400, offsetTop: 300 });
    visualViewport!.dispatchEvent(new Event("resize"));
  });
  await says(page, "Copied 3 characters", 60_000);
  const within = async (selector: string) => {
    const box = (await page.locator(selector).boundingBox())!;
    return box.y >= 300 && box.y + box.height <= 700;
  };
  expect(await within(".toasts")).toBe(true);
  // And what is offered when a connection has ended.
  await page.locator(".over").evaluate((over: HTMLElement) => {
    over.hidden = false;
  });
  expect(await within(".over")).toBe(true);
});
