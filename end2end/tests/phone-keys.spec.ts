// Typing on a phone: the key bar, and on-screen keyboards that compose and put right.
import { expect, test } from "./board";
import { area, drag, gboard, key, open, pane, text } from "./phone";

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
  await gboard(page, [
    ["start", "world"],
    ["compose", "world"],
    ["compose", "wörld"],
    ["end", "wörld"],
    ["insert", "!"],
  ]);
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
