// make bench: a flood and Ctrl-C in a real browser, whose network brings 200 kB a second, and whose network is as it is. From the key to the
// prompt on the screen; the worst of the runs counts, because whether tmux skips frames is a matter of luck.

import { rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { chromium } from "@playwright/test";
import { board, folder, chromium as launch, quantile, tmux, token } from "./board.mjs";

// A line of that speed: what comes from the server waits its turn, and the server is not read meanwhile.
function line(bytesPerSecond, to) {
  return createServer({ noDelay: true }, (client) => {
    const server = connect({ port: to, host: "127.0.0.1", noDelay: true });
    client.pipe(server);
    if (!bytesPerSecond) server.pipe(client);
    else {
      let free = performance.now();
      server.on("data", async (chunk) => {
        server.pause();
        for (let at = 0; at < chunk.length; at += 1460) {
          const piece = chunk.subarray(at, at + 1460);
          free = Math.max(free, performance.now()) + (piece.length / bytesPerSecond) * 1000;
          const wait = free - performance.now();
          if (wait > 1) await new Promise((done) => setTimeout(done, wait));
          client.write(piece);
        }
        server.resume();
      });
      server.on("end", () => client.end());
    }
    for (const [one, other] of [
      [client, server],
      [server, client],
    ]) {
      one.on("error", () => other.destroy());
      one.on("close", () => other.destroy());
    }
  });
}

const spare = () =>
  new Promise((done) => {
    const s = createServer().listen(0, "127.0.0.1", () => {
      const { port } = s.address();
      s.close(() => done(port));
    });
  });
const ports = { "200 kB/s": await spare(), "as it is": await spare() };
const to = await spare();
const target = await board(1, to, `origins = [${Object.values(ports).map((port) => `"http://127.0.0.1:${port}"`)}]`);
const lines = Object.entries(ports).map(([name, port]) => line(name === "as it is" ? 0 : 200_000, to).listen(port, "127.0.0.1"));
const chrome = await chromium.launch(launch);
const rows = {};
for (const [name, port] of Object.entries(ports)) {
  const page = await (await chrome.newContext({ viewport: { width: 1000, height: 600 } })).newPage();
  await page.goto(`http://127.0.0.1:${port}/login#token=${token}`);
  await page.locator(".card a.open").first().click();
  await page.locator(".link-state.live").waitFor();
  const times = [],
    trips = [];
  for (let run = 0; run < 5; run++) {
    const mark = `prompt-${run}-`;
    tmux(target.socket, "respawn-pane", "-k", "-t", "session-0:", `PS1='${mark}$((6*7)) ' exec sh`);
    const shows = (text) =>
      page.waitForFunction((wanted) => document.querySelector("#screen .xterm-rows").textContent.includes(wanted), text, { polling: "raf", timeout: 60_000 });
    await shows(`${mark}42`);
    await page.keyboard.type("clear; yes flooding the line with words\n");
    await new Promise((done) => setTimeout(done, 4000));
    trips.push(Number(/([\d.]+) (ms|s)$/.exec(await page.locator(".link-state").textContent())?.[1]));
    // Measured in the page, from its own key event to the frame that has the prompt.
    await page.evaluate((wanted) => {
      globalThis.took = undefined;
      addEventListener(
        "keydown",
        (event) => {
          if (event.key !== "c") return;
          const began = performance.now();
          const look = () => {
            if (document.querySelector("#screen .xterm-rows").textContent.includes(wanted)) globalThis.took = performance.now() - began;
            else requestAnimationFrame(look);
          };
          look();
        },
        { capture: true, once: false },
      );
    }, `${mark}42`);
    await page.keyboard.press("Control+c");
    await page.waitForFunction(() => globalThis.took, undefined, { timeout: 60_000 });
    const took = page.evaluate(() => globalThis.took);
    times.push(await took);
  }
  rows[name] = {
    "Ctrl-C to prompt, each run (ms)": times.map((t) => t.toFixed(0)).join(" "),
    worst: Math.max(...times).toFixed(0),
    p50: quantile(times, 0.5).toFixed(0),
    "shown in the flood": trips.join(" "),
  };
}
console.table(rows);
await chrome.close();
for (const server of lines) server.close();
target.child.kill();
tmux(target.socket, "kill-server");
rmSync(folder, { recursive: true, force: true });
process.exit(0);
