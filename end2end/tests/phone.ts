// What the specs of a phone share: a terminal under a finger, and an on-screen keyboard.
import type { Page } from "@playwright/test";
import { type Board, card, connected, lines } from "./board";
import { inScreen } from "./inspect";

export const text = async (page: Page) => (await lines(page)).join("\n");
export const pane = (board: Board, session = "a") => board.tmux("capture-pane", "-p", "-t", session);
export const key = (page: Page, name: string) => page.getByRole("toolbar", { name: "Keys" }).getByRole("button", { name, exact: true });
export const area = (page: Page) => page.locator("#screen textarea");

export async function open(page: Page, board: Board, runs: string, name = "a") {
  board.tmux("new-session", "-d", "-s", name, "-e", "LANG=C.UTF-8", runs);
  await board.open(page);
  await card(page, name).locator("a.open").click();
  await connected(page);
}

// A finger, by the browser's own input.
export async function drag(page: Page, from: [number, number], to: [number, number], steps = 12) {
  const cdp = await page.context().newCDPSession(page);
  const at = (i: number) => [{ x: from[0] + ((to[0] - from[0]) * i) / steps, y: from[1] + ((to[1] - from[1]) * i) / steps }];
  await cdp.send("Input.dispatchTouchEvent", { type: "touchStart", touchPoints: at(0) });
  for (let i = 1; i <= steps; i++) await cdp.send("Input.dispatchTouchEvent", { type: "touchMove", touchPoints: at(i) });
  await cdp.send("Input.dispatchTouchEvent", { type: "touchEnd", touchPoints: [] });
  await cdp.detach();
}

// What the text view is asked, in its place.
export const asked = (page: Page) => inScreen(page, (screen) => JSON.parse(screen.dataset.asked!) as { fromBottom?: number }[]);
export const standIn = (page: Page) =>
  inScreen(page, (screen) => {
    screen.dataset.asked = "[]";
    screen.parts.text.open = (what = {}) => {
      screen.dataset.asked = JSON.stringify([...JSON.parse(screen.dataset.asked!), what]);
    };
  });

// As Android's keyboards do it: every key is 229, letters are composed.
export const gboard = (page: Page, script: [string, ...string[]][]) =>
  area(page).evaluate((area: HTMLTextAreaElement, script) => {
    const key = (type: string) =>
      area.dispatchEvent(new KeyboardEvent(type, { key: "Unidentified", keyCode: 229, bubbles: true, cancelable: true, composed: true } as KeyboardEventInit));
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
