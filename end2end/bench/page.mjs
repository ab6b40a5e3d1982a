// make bench: what the page costs. Time to first byte and size of the dashboard with 1, 100 and 1,000 sessions against a bare server that sends a
// page of the same size, sizes over the wire, idle memory, first contentful paint, and what rendering does to another client's echo.
// All in one run, interleaved; only ratios travel between machines.

import { randomBytes } from "node:crypto";
import { readFileSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { chromium } from "@playwright/test";
import WebSocket from "ws";
import { board, folder, get, chromium as launch, quantile, root, tmux, token, user } from "./board.mjs";

const memory = (pid) => Number(/^Rss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))[1]) / 1024;

// Keys to one session and back, one at a time, over its WebSocket.
async function echo(target, count, during, over) {
  const { hosts } = JSON.parse((await get(`${target.url}api/v1/sessions`, {})).body);
  const id = hosts[0].users[0].sessions[0].id;
  const socket = new WebSocket(`${target.url.replace("http", "ws")}ws/attach/here/${user}/${id}`, { headers: { authorization: `Bearer ${token}` } });
  let waiting;
  socket.on("message", (data) => {
    if (data[0] === 0x10) {
      const taken = Buffer.alloc(5);
      taken[0] = 3;
      taken.writeUInt32BE(data.length - 1, 1);
      socket.send(taken);
      waiting?.();
    }
  });
  await new Promise((done) => socket.on("open", done));
  const hello = new Promise((done) => {
    waiting = done;
  });
  socket.send(Buffer.from([0, 0, 0, 80, 0, 24]));
  await hello;
  const times = [];
  const run = during?.();
  for (let i = 0; i < count; i++) {
    await new Promise((done) => setTimeout(done, 4));
    const began = performance.now();
    const back = new Promise((done) => {
      waiting = done;
    });
    socket.send(Buffer.from([1, 97 + (i % 26)]));
    await back;
    times.push(performance.now() - began);
  }
  over?.();
  await run;
  socket.close();
  return times;
}

const targets = [];
for (const sessions of [1, 100, 1000]) targets.push(await board(sessions));
const rows = [];
for (const target of targets) {
  // The floor: a bare server with a page of the same (compressed) size.
  const page = await get(target.url, { "accept-encoding": "br" });
  const bytes = randomBytes(page.bytes);
  const floor = createServer((_, answer) => answer.end(bytes)).listen(0, "127.0.0.1");
  await new Promise((done) => floor.on("listening", done));
  const bare = `http://127.0.0.1:${floor.address().port}/`;
  const ours = [],
    theirs = [];
  for (let i = 0; i < 60; i++) {
    ours.push((await get(target.url, { "accept-encoding": "br" })).first);
    theirs.push((await get(bare, {})).first);
  }
  const plain = await get(target.url, {});
  rows.push({
    sessions: target.sessions,
    "ttfb p50 ms": quantile(ours, 0.5).toFixed(2),
    "ttfb p99 ms": quantile(ours, 0.99).toFixed(2),
    "x bare": (quantile(ours, 0.5) / quantile(theirs, 0.5)).toFixed(1),
    "html bytes": plain.bytes,
    "brotli bytes": page.bytes,
    "RSS MiB": memory(target.child.pid).toFixed(1),
  });
  floor.close();
}
console.table(rows);

const site = join(root, "target/site");
const brotli = (name) => statSync(join(site, `${name}.br`)).size;
const first = ["pkg/muxboard.wasm", "pkg/muxboard.js", "pkg/muxboard.css"];
const more = ["terminal.js", "addon-webgl.js", "xterm/xterm.css"];
console.table(Object.fromEntries([...first, ...more].map((name) => [name, { "brotli bytes": brotli(name) }])));
console.log(
  `dashboard: wasm + JS ${(brotli(first[0]) + brotli(first[1])) / 1000} kB brotli; binary ${(statSync(join(root, "target/release/muxboard")).size / 1048576).toFixed(1)} MiB`,
);

const chrome = await chromium.launch(launch);
const paints = { 100: [], 1000: [] };
for (let i = 0; i < 7; i++) {
  for (const target of targets.slice(1)) {
    const context = await chrome.newContext();
    const page = await context.newPage();
    await page.goto(`${target.url}login#token=${token}`);
    await page.waitForSelector("#board .card");
    await page.goto(target.url);
    await page.waitForSelector("#board .card");
    paints[target.sessions].push(
      await page.evaluate(
        () =>
          new Promise((done) => {
            const now = () => performance.getEntriesByName("first-contentful-paint")[0]?.startTime;
            if (now()) return done(now());
            new PerformanceObserver(() => now() && done(now())).observe({ type: "paint", buffered: true });
          }),
      ),
    );
    await context.close();
  }
}
await chrome.close();
console.log(
  `first contentful paint p50: 100 sessions ${quantile(paints[100], 0.5).toFixed(0)} ms, 1,000 sessions ${quantile(paints[1000], 0.5).toFixed(0)} ms, ratio ${(quantile(paints[1000], 0.5) / quantile(paints[100], 0.5)).toFixed(2)}`,
);

// Echo in one session while another client has the page of 1,000 rendered again and again.
const big = targets[2];
const ratios = [];
for (let round = 0; round < 3; round++) {
  const quiet = await echo(big, 300);
  let typing = true;
  const render = async () => {
    while (typing) {
      await get(big.url, { "accept-encoding": "br" });
      await new Promise((done) => setTimeout(done, 500));
    }
  };
  const busy = await echo(big, 300, render, () => {
    typing = false;
  });
  ratios.push(quantile(busy, 0.99) / quantile(quiet, 0.99));
  console.log(
    `echo at 1,000 sessions, round ${round + 1}: quiet p50 ${quantile(quiet, 0.5).toFixed(2)} p99 ${quantile(quiet, 0.99).toFixed(2)} ms; page rendered twice a second p50 ${quantile(busy, 0.5).toFixed(2)} p99 ${quantile(busy, 0.99).toFixed(2)} ms`,
  );
}
console.log(`echo p99 with rendering, x quiet: worst of 3 ${Math.max(...ratios).toFixed(2)}, median ${quantile(ratios, 0.5).toFixed(2)}`);

for (const target of targets) {
  target.child.kill();
  tmux(target.socket, "kill-server");
}
rmSync(folder, { recursive: true, force: true });
