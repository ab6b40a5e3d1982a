// Firefox, led by puppeteer over WebDriver BiDi.

import { writeFileSync } from "node:fs";
import puppeteer, { type Browser, type KeyInput, type Page } from "puppeteer-core";
import { chord, type Engine, listenForRefusals, type Scheme, SIZE, type Tab } from "./driver";

class FirefoxTab implements Tab {
  readonly #said: string[] = [];
  constructor(readonly page: Page) {
    page.on("console", (message) => {
      if (["error", "warn"].includes(message.type())) this.#said.push(`${message.type()}: ${message.text()}`);
    });
    page.on("pageerror", (error) => this.#said.push(`error: ${error instanceof Error ? error.message : error}`));
  }
  async goto(url: string) {
    await this.page.goto(url);
  }
  evaluate<A extends unknown[], T>(run: (...its: A) => T, ...its: A): Promise<Awaited<T>> {
    return this.page.evaluate(`(${run})(...${JSON.stringify(its)})`) as Promise<Awaited<T>>;
  }
  async click(selector: string) {
    await this.page.click(selector);
  }
  async type(text: string) {
    await this.page.keyboard.type(text);
  }
  async press(key: string) {
    const { modifiers, key: last } = chord(key);
    for (const modifier of modifiers) await this.page.keyboard.down(modifier as KeyInput);
    await this.page.keyboard.press(last as KeyInput);
    for (const modifier of modifiers.reverse()) await this.page.keyboard.up(modifier as KeyInput);
  }
  async resize(width: number, height: number) {
    await this.page.setViewport({ width, height });
  }
  async screenshot(path: string) {
    writeFileSync(path, await this.page.screenshot());
  }
  async complaints() {
    return this.#said;
  }
  async close() {
    await this.page.browserContext().close();
  }
}

export class Firefox implements Engine {
  // A scheme is a preference of the whole browser.
  readonly #browsers = new Map<Scheme, Promise<Browser>>();

  async open(scheme: Scheme) {
    if (!this.#browsers.has(scheme)) {
      this.#browsers.set(
        scheme,
        puppeteer.launch({
          browser: "firefox",
          executablePath: process.env.FIREFOX ?? "/usr/bin/firefox-esr",
          extraPrefsFirefox: { "layout.css.prefers-color-scheme.content-override": scheme === "dark" ? 0 : 1 },
        }),
      );
    }
    const context = await (await this.#browsers.get(scheme)!).createBrowserContext();
    const page = await context.newPage();
    await page.setViewport(SIZE);
    await page.evaluateOnNewDocument(listenForRefusals);
    return new FirefoxTab(page);
  }
  async close() {
    for (const browser of this.#browsers.values()) await (await browser).close();
  }
}
