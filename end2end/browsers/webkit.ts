// WebKitGTK's own small browser (MiniBrowser), led by its WebDriver, on a screen of its own (Xvfb).
//
// What is covered of its console: this WebDriver cannot read it and runs no script before a page's own. So every look at a page first puts a recorder
// into it: console.error and console.warn, uncaught exceptions, refused promises, files that did not load and what the policy refused are seen from
// then on, which is about 50 ms after the page began. What went wrong before that is seen by what it leaves: a page whose program could not start
// says so on the page, and the steps look for it.
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as wait } from "node:timers/promises";
import { chord, type Engine, listenForRefusals, type Scheme, SIZE, type Tab } from "./driver";

const PATIENCE_MS = 15_000;
const LOST = "the driver does not answer";
const ELEMENT = "element-6066-11e4-a52e-4f735466cecf"; // https://www.w3.org/TR/webdriver2/#elements
const KEYS: Record<string, string> = { Control: "\ue009", Shift: "\ue008", Enter: "\ue007", Escape: "\ue00c", Tab: "\ue004", Backspace: "\ue003" };

// Runs in the page. A tab's session storage outlives the page.
function record() {
  const page = globalThis as typeof globalThis & { recorded?: true };
  if (page.recorded || !location.protocol.startsWith("http")) return;
  page.recorded = true;
  const keep = (line: string) => sessionStorage.setItem("complaints", JSON.stringify([...JSON.parse(sessionStorage.getItem("complaints") ?? "[]"), line]));
  for (const level of ["error", "warn"] as const) {
    const own = console[level].bind(console);
    console[level] = (...words: unknown[]) => {
      keep(`${level}: ${words.join(" ")}`);
      own(...words);
    };
  }
  addEventListener("unhandledrejection", (event) => keep(`error: ${event.reason}`));
  addEventListener(
    "error",
    (event) => {
      const from = event.target as { src?: string; href?: string } | null;
      keep(`error: ${event.message ?? `not loaded: ${from?.src ?? from?.href}`}`);
    },
    true,
  );
}

class WebKitTab implements Tab {
  #session: string;
  // Starts the browser anew, until the tab has shown its first page.
  #renew?: () => Promise<string>;
  constructor(session: string, renew: () => Promise<string>) {
    this.#session = session;
    this.#renew = renew;
  }
  async #ask(method: string, path: string, body?: object) {
    return ask(method, this.#session + path, body);
  }
  // On a busy machine WebKit's driver now and then loses the first page of a tab, where it moves to a process of its own: no script that it is given is ever
  // answered. Then that browser is of no use.
  async goto(url: string) {
    const renew = this.#renew;
    this.#renew = undefined;
    try {
      await this.#goto(url);
    } catch (lost) {
      if (!renew || !`${lost}`.includes(LOST)) throw lost;
      this.#session = await renew();
      await this.resize(SIZE.width, SIZE.height);
      await this.#goto(url);
    }
  }
  async #goto(url: string) {
    const silent = () => wait(PATIENCE_MS / 3).then(() => Promise.reject(new Error(LOST)));
    const began = () => Promise.race([this.evaluate(() => performance.timeOrigin), silent()]);
    const before = await began();
    await this.#ask("POST", "/url", { url });
    const until = Date.now() + PATIENCE_MS;
    let failed: unknown = "the old page is still there";
    const same = (error: unknown) => {
      failed = error;
      return before;
    };
    while ((await began().catch(same)) === before) {
      if (Date.now() > until) throw new Error(`${url} does not come: ${failed}`);
      await wait(20);
    }
  }
  async evaluate<A extends unknown[], T>(run: (...its: A) => T, ...its: A): Promise<Awaited<T>> {
    const script = `const first = !globalThis.recorded; (${record})(); if (first) (${listenForRefusals})(); return (${run})(...arguments);`;
    return (await this.#ask("POST", "/execute/sync", { script, args: its })) as Awaited<T>;
  }
  async click(selector: string) {
    const element = (await this.#ask("POST", "/element", { using: "css selector", value: selector })) as Record<string, string>;
    await this.#ask("POST", `/element/${element[ELEMENT]}/click`, {});
  }
  async #keys(actions: { type: "keyDown" | "keyUp"; value: string }[]) {
    await this.#ask("POST", "/actions", { actions: [{ type: "key", id: "keyboard", actions }] });
  }
  async type(text: string) {
    await this.#keys(
      [...text].flatMap(
        (value) =>
          [
            { type: "keyDown", value },
            { type: "keyUp", value },
          ] as const,
      ),
    );
  }
  async press(key: string) {
    const { modifiers, key: last } = chord(key);
    const all = [...modifiers, last].map((name) => KEYS[name] ?? name);
    await this.#keys([...all.map((value) => ({ type: "keyDown", value }) as const), ...all.toReversed().map((value) => ({ type: "keyUp", value }) as const)]);
  }
  // The window has a bar over the page.
  async resize(width: number, height: number) {
    await this.#ask("POST", "/window/rect", { width, height });
    const bar = height - (await this.evaluate(() => innerHeight));
    if (bar) await this.#ask("POST", "/window/rect", { width, height: height + bar });
  }
  async screenshot(path: string) {
    writeFileSync(path, Buffer.from((await this.#ask("GET", "/screenshot")) as string, "base64"));
  }
  async complaints() {
    return this.evaluate(() => (location.protocol.startsWith("http") ? (JSON.parse(sessionStorage.getItem("complaints") ?? "[]") as string[]) : []));
  }
  async close() {
    await this.#ask("DELETE", "");
  }
}

async function ask(method: string, url: string, body?: object): Promise<unknown> {
  const answer = await fetch(url, { method, body: body && JSON.stringify(body) });
  const { value } = (await answer.json()) as { value: { error?: string; message?: string } | null };
  if (!answer.ok) throw new Error(`WebKit: ${value?.error}: ${value?.message}`);
  return value;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
}

function miniBrowser(): string {
  if (process.env.MINIBROWSER) return process.env.MINIBROWSER;
  const found = readdirSync("/usr/lib")
    .map((folder) => `/usr/lib/${folder}/webkit2gtk-4.1/MiniBrowser`)
    .find(existsSync);
  if (!found) throw new Error("no MiniBrowser of WebKitGTK here (Debian: libwebkit2gtk-4.1-0)");
  return found;
}

// A child that ends with us, whatever ends us.
const child = (program: string, words: string[], env: NodeJS.ProcessEnv, output: "pipe" | "ignore") =>
  spawn("setpriv", ["--pdeathsig", "KILL", "--", program, ...words], { env, stdio: ["ignore", output, "ignore"] });

async function ended(child: ChildProcess | undefined) {
  if (!child || child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((done) => child.once("exit", done));
  child.kill("SIGKILL");
  await gone;
}

export class WebKit implements Engine {
  #folder?: string;
  #screen?: ChildProcess;
  #driver?: ChildProcess;
  #url = "";

  async #start() {
    this.#folder = mkdtempSync(join(tmpdir(), "muxboard-webkit-"));
    // The window's bar keeps its buttons and is still not wider than a phone.
    mkdirSync(join(this.#folder, "gtk-3.0"));
    writeFileSync(
      join(this.#folder, "gtk-3.0/gtk.css"),
      "* { min-width: 0; min-height: 0; padding: 0; margin: 0; border-width: 0; font-size: 2px; } image { -gtk-icon-transform: scale(0.1); }",
    );
    this.#screen = child("Xvfb", ["-displayfd", "1", "-screen", "0", "1600x1200x24", "-nolisten", "tcp"], process.env, "pipe");
    let display = "";
    for await (const line of createInterface({ input: this.#screen.stdout! })) {
      display = `:${line.trim()}`;
      break;
    }
    if (!display) throw new Error("Xvfb has no screen to give");
    const port = await freePort();
    this.#url = `http://127.0.0.1:${port}`;
    // No graphics card, no bus of a desktop, no profile of the account's.
    const own = Object.fromEntries(["CONFIG", "CACHE", "DATA"].map((what) => [`XDG_${what}_HOME`, this.#folder]));
    const env = {
      ...process.env,
      ...own,
      DISPLAY: display,
      GDK_BACKEND: "x11",
      NO_AT_BRIDGE: "1",
      LIBGL_ALWAYS_SOFTWARE: "1",
      WEBKIT_DISABLE_COMPOSITING_MODE: "1",
      WEBKIT_DISABLE_DMABUF_RENDERER: "1",
    };
    this.#driver = child("WebKitWebDriver", [`--port=${port}`], env, "ignore");
    const until = Date.now() + PATIENCE_MS;
    while (!(await ask("GET", `${this.#url}/status`).catch(() => undefined))) {
      if (Date.now() > until) throw new Error("WebKitWebDriver does not answer");
      await wait(20);
    }
  }

  async #session(scheme: Scheme) {
    if (!this.#url) await this.#start();
    const browser = { binary: miniBrowser(), args: ["--automation", ...(scheme === "dark" ? ["--dark-mode"] : [])] };
    const wanted = { pageLoadStrategy: "none", "webkitgtk:browserOptions": browser };
    const { sessionId } = (await ask("POST", `${this.#url}/session`, { capabilities: { alwaysMatch: wanted } })) as { sessionId: string };
    return `${this.#url}/session/${sessionId}`;
  }

  async open(scheme: Scheme) {
    const renew = async () => {
      await this.close();
      this.#url = "";
      return this.#session(scheme);
    };
    const tab = new WebKitTab(await this.#session(scheme), renew);
    await tab.resize(SIZE.width, SIZE.height);
    return tab;
  }

  // Without its screen no window stays.
  async close() {
    await ended(this.#driver);
    await ended(this.#screen);
    if (this.#folder) rmSync(this.#folder, { recursive: true, force: true });
  }
}
