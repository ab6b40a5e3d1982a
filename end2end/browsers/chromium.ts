// Chromium, led by Playwright.
import { type Browser, chromium, type Page } from "@playwright/test";
import { complaints } from "../tests/board";
import { chord, type Engine, type Scheme, SIZE, type Tab } from "./driver";

class ChromiumTab implements Tab {
  readonly #said: string[];
  constructor(readonly page: Page) {
    this.#said = complaints(page);
  }
  async goto(url: string) {
    await this.page.goto(url);
  }
  evaluate<A extends unknown[], T>(run: (...its: A) => T, ...its: A): Promise<Awaited<T>> {
    return this.page.evaluate(`(${run})(...${JSON.stringify(its)})`);
  }
  async click(selector: string) {
    await this.page.locator(selector).first().click({ timeout: 5_000 });
  }
  async type(text: string) {
    await this.page.keyboard.type(text);
  }
  async press(key: string) {
    const { modifiers, key: last } = chord(key);
    await this.page.keyboard.press([...modifiers, last].join("+"));
  }
  async resize(width: number, height: number) {
    await this.page.setViewportSize({ width, height });
  }
  async screenshot(path: string) {
    await this.page.screenshot({ path });
  }
  async complaints() {
    return this.#said;
  }
  async close() {
    await this.page.context().close();
  }
}

export class Chromium implements Engine {
  #browser?: Browser;

  async open(scheme: Scheme) {
    this.#browser ??= await chromium.launch({
      executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
      args: ["--no-sandbox", "--disable-background-networking", "--disable-quic", "--no-first-run", "--disable-component-update", "--disable-sync"],
    });
    const context = await this.#browser.newContext({ viewport: SIZE, colorScheme: scheme });
    return new ChromiumTab(await context.newPage());
  }
  async close() {
    await this.#browser?.close();
  }
}
