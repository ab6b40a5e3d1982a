// The pane's text with its history as plain text: to read back, to search, to select as the browser selects (a phone has no other way).
import { write } from "./clipboard.js";
import { button, make, open } from "./dialog.js";
import { characters } from "./words.js";

const FOUND_MAX = 5000; // marked and gone to: the last ones
const PATIENCE_MS = 15_000;

export function text(hand) {
  const marks = globalThis.CSS?.highlights; // without them what is found is selected
  let shown; // one at a time

  async function load() {
    if (!hand.urls.text) throw new Error("The session's text is not offered here.");
    let answer;
    try {
      answer = await fetch(hand.urls.text, { signal: AbortSignal.timeout(PATIENCE_MS), headers: { accept: "application/json" } });
    } catch { throw new Error("The text did not come: the server does not answer."); }
    let said;
    try { said = await answer.json(); } catch { said = {}; }
    if (!answer.ok || typeof said.text !== "string") throw new Error(typeof said.detail === "string" ? said.detail : `The text did not come: the server answered ${answer.status}.`);
    return said;
  }

  function view({ fromBottom = 0, search = false } = {}) {
    let found = [];
    let more = false; // before those
    let at = -1;
    const pre = make("pre", { tabIndex: 0 });
    pre.setAttribute("aria-label", "The terminal's text");
    const content = pre.appendChild(document.createTextNode(""));
    const field = make("input", { type: "text", placeholder: "Search", autocomplete: "off", spellcheck: false, enterKeyHint: "search" });
    field.setAttribute("role", "searchbox"); // one of that type takes Esc for itself
    field.setAttribute("aria-label", "Search the text");
    field.setAttribute("autocapitalize", "off");
    const count = make("output", { className: "count" });
    const status = make("p", { className: "status", textContent: "Reading the session's text…" });
    status.setAttribute("role", "status");
    const say = (words, bad = false) => {
      status.textContent = words;
      status.classList.toggle("bad", bad);
    };

    const range = (from, to) => {
      const made = document.createRange();
      made.setStart(content, from);
      made.setEnd(content, to);
      return made;
    };

    function go(to) {
      at = to;
      const one = found[at];
      count.textContent = one ? `${at + 1} of ${found.length}${more ? "+" : ""}` : field.value ? "none" : "";
      for (const step of steps) step.disabled = !one;
      marks?.set("found", new Highlight(...found));
      marks?.set("found-now", new Highlight(...(one ? [one] : [])));
      if (!one) return;
      if (!marks) getSelection().setBaseAndExtent(content, one.startOffset, content, one.endOffset);
      const [its, box] = [one.getBoundingClientRect(), pre.getBoundingClientRect()];
      if (its.top < box.top || its.bottom > box.bottom) pre.scrollTop += its.top - box.top - box.height / 2;
      if (its.left < box.left || its.right > box.right) pre.scrollLeft += its.left - box.left - box.width / 3;
    }

    // From the last: what was said latest is what one mostly looks for.
    function find() {
      let places = [];
      more = false;
      if (field.value) {
        const wanted = new RegExp(field.value.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"), "giu");
        for (const match of content.data.matchAll(wanted)) {
          places.push([match.index, match.index + match[0].length]);
          if (places.length < 2 * FOUND_MAX) continue;
          places = places.slice(-FOUND_MAX);
          more = true;
        }
      }
      more ||= places.length > FOUND_MAX;
      found = places.slice(-FOUND_MAX).map(([from, to]) => range(from, to));
      go(found.length - 1);
    }

    const step = (by) => found.length && go((at + by + found.length) % found.length);
    const steps = [button("↑", () => step(-1), "small"), button("↓", () => step(1), "small")];
    steps[0].setAttribute("aria-label", "Previous");
    steps[1].setAttribute("aria-label", "Next");
    field.addEventListener("input", find);
    field.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.isComposing) return;
      event.preventDefault();
      step(event.shiftKey ? 1 : -1);
    });

    // So that the last line in sight is this many of the screen's rows above the end. A line here is one that tmux has joined of all its rows.
    function scroll(above) {
      let end = content.data.length;
      if (above && content.data.endsWith("\n")) end--;
      for (let rows = 0; rows < above && end > 0; ) {
        const before = content.data.lastIndexOf("\n", end - 1);
        const its = Math.max(1, Math.ceil(hand.cells(content.data.slice(before + 1, end)) / hand.terminal.cols));
        if (rows + its / 2 > above) break; // nearer to it than past it
        rows += its;
        end = before;
      }
      if (end >= content.data.length || end <= 0) {
        pre.scrollTop = end <= 0 && above ? 0 : pre.scrollHeight;
        return;
      }
      pre.scrollTop += range(end, end + 1).getBoundingClientRect().bottom - pre.getBoundingClientRect().bottom;
    }

    async function refresh() {
      const bottom = pre.scrollTop + pre.clientHeight >= pre.scrollHeight - 4;
      const fresh = !content.data;
      again.disabled = true;
      try {
        const { text: its } = await load();
        content.data = its;
        const lines = its.split("\n").length - (its === "" || its.endsWith("\n") ? 1 : 0);
        say(lines === 1 ? "1 line" : `${lines.toLocaleString("en")} lines`);
        if (fresh) scroll(fromBottom);
        else if (bottom) scroll(0);
        if (field.value) find();
      } catch (error) { say(error.message, true); }
      again.disabled = false;
    }

    const copy = async (its) => say((await write(its)) ? `Copied ${characters(its)}` : "This browser does not let the page copy: select the text and use the browser's own way.");
    const selected = () => {
      const selection = getSelection();
      return selection.anchorNode && pre.contains(selection.anchorNode) ? selection.toString() : "";
    };
    const part = button("Copy selection", () => {
      const its = selected();
      its ? copy(its) : say("Nothing is selected.");
    });
    const all = button("Copy all", () => copy(content.data));
    const again = button("Refresh", refresh);
    // The selection stays when they are pressed.
    for (const each of [part, all, again, ...steps]) each.addEventListener("mousedown", (event) => event.preventDefault());

    const close = button("✕", () => dialog.close(), "small");
    close.setAttribute("aria-label", "Close");
    const dialog = make(
      "dialog",
      { className: "text-view" },
      make("header", {}, make("div", { className: "find" }, field, count, ...steps), close),
      pre,
      make("footer", {}, status, make("div", { className: "buttons" }, again, part, all)),
    );
    dialog.setAttribute("aria-label", "The terminal's text");
    dialog.addEventListener("keydown", (event) => {
      if (event.code === "KeyF" && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        field.select();
      }
    });
    dialog.addEventListener("close", () => {
      marks?.delete("found");
      marks?.delete("found-now");
      shown = undefined;
    });
    open(hand, dialog);
    (search ? field : pre).focus();
    refresh();
    return { search: () => field.select() };
  }

  hand.element.addEventListener("keydown", (event) => {
    if (event.code !== "KeyF" || !event.shiftKey || event.altKey || event.ctrlKey === event.metaKey) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    hand.text.open({ search: true });
  }, true);

  hand.text = {
    // `fromBottom`: how many rows of the screen above its end it starts; `search`: with the keyboard in the search field.
    open(how) {
      if (!shown) shown = view(how);
      else if (how?.search) shown.search();
    },
  };
}
