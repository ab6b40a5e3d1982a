// A board and a tab of one browser for each test, and the few questions that the steps ask of a page.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { test as base, expect } from "@playwright/test";
import { Board } from "../tests/board";
import { Chromium } from "./chromium";
import type { Engine, Scheme, Tab } from "./driver";
import { Firefox } from "./firefox";
import { WebKit } from "./webkit";

export { expect };

const engines = { chromium: Chromium, firefox: Firefox, webkit: WebKit };
export type EngineName = keyof typeof engines;

type Fixtures = {
  scheme: Scheme;
  board: Board;
  tab: Tab;
  // What this test makes the page complain of.
  allowed: RegExp[];
  shoot(what: string): Promise<void>;
};

export const test = base.extend<Fixtures, { engineName: EngineName; engine: Engine }>({
  engineName: ["chromium", { option: true, scope: "worker" }],
  engine: [
    async ({ engineName }, use) => {
      const engine = new engines[engineName]();
      await use(engine);
      await engine.close();
    },
    { scope: "worker" },
  ],
  scheme: ["light", { option: true }],
  allowed: async ({}, use) => use([]),
  board: async ({}, use) => {
    const board = new Board("", "muxboard");
    await board.start();
    await use(board);
    await board.end();
  },
  // A page that complains fails its test.
  tab: async ({ engine, scheme, allowed }, use) => {
    const tab = await engine.open(scheme);
    await use(tab);
    const said = await tab.complaints();
    await tab.close();
    expect(said.filter((line) => !allowed.some((pattern) => pattern.test(line)))).toEqual([]);
  },
  shoot: async ({ tab, engineName }, use) => {
    const folder = join(import.meta.dirname, "../../target/browsers");
    mkdirSync(folder, { recursive: true });
    await use((what) => tab.screenshot(join(folder, `${engineName}-${what}.png`)));
  },
});

// What is to be seen of a selector. A page on its way to another answers nothing.
const seen = (tab: Tab, selector: string) =>
  tab.evaluate((its) => [...document.querySelectorAll(its)].filter((e) => e.checkVisibility()).map((e) => e.textContent), selector).catch(() => undefined);

// An element is there, with that text in it.
export const shows = (tab: Tab, selector: string, text = "") =>
  expect
    .poll(async () => (await seen(tab, selector))?.map((its) => `<${its}>`).join() || "nothing", { message: selector })
    .toMatch(new RegExp(`<[^]*${text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}`));

export const count = async (tab: Tab, selector: string) => (await seen(tab, selector))?.length ?? -1;
export const gone = (tab: Tab, selector: string) => expect.poll(() => count(tab, selector)).toBe(0);

// A press of the mouse on what may still be on its way.
export const click = (tab: Tab, selector: string) => expect(() => tab.click(selector)).toPass({ timeout: 15_000 });

// The page follows the board.
export async function living(tab: Tab) {
  await shows(tab, "html.awake #board .host time, html.awake #board .host .swept time", "asked");
  expect(await count(tab, ".asleep")).toBe(0);
}

export async function open(tab: Tab, board: Board) {
  await tab.goto(board.loginLink);
  await living(tab);
}

// What the terminal has drawn, row by row.
export const lines = (tab: Tab) =>
  tab
    .evaluate(() =>
      [...document.querySelectorAll("#screen .xterm-rows > div")]
        .map((row) => row.textContent!.trimEnd())
        .join("\n")
        .trimEnd(),
    )
    .catch(() => "");
export const pane = (board: Board) => board.tmux("capture-pane", "-p", "-t", "a");

export async function connected(tab: Tab) {
  await shows(tab, ".link-state.live", "live");
  await expect.poll(() => tab.evaluate(() => document.activeElement?.tagName).catch(() => "")).toBe("TEXTAREA");
}

// The session `a`, in which that runs, in a terminal that is drawn as elements, so that `lines` can read it. (The phone's is drawn by the graphics card,
// where the browser says it has one.)
export async function terminal(tab: Tab, board: Board, runs: string) {
  board.tmux("new-session", "-d", "-s", "a", "-e", "LANG=C.UTF-8", runs);
  await open(tab, board);
  await tab.evaluate(() => localStorage.setItem("muxboard.terminal", JSON.stringify({ webgl: "off" })));
  await click(tab, ".card a.open");
  await connected(tab);
}

// Nothing is wider than the page, and the page is as wide as the window.
export const width = (tab: Tab) => tab.evaluate(() => [innerWidth, document.documentElement.scrollWidth, document.body.scrollWidth]);
