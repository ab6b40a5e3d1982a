// On-screen keyboards and xterm.js. What xterm.js 6 does wrong with them, and what is done here instead:
// - a word put right after it was sent (autocorrect: insertReplacementText, or the word composed once more) is sent whole a second time if it is as long
//   as it was, and as one Backspace if it is shorter. Here the difference is sent: as many Backspaces as characters went, then the new ones.
// - a character of two halves (an emoji) that Firefox gives as a key comes as one `keypress` for each half, and each alone is no character.
// - WebKitGTK ends a composition that never began when an input method gives a text at once: xterm.js sends all that is in the field once more.
// - a composed word arrives only when it is complete. Under a finger every Latin letter is composed: it goes out at once, so that one letter answers a
//   question, and Ctrl of the key bar has a letter to work on.
// Composition with a real keyboard (Japanese, dead keys) xterm.js does right: it is left alone. Who wants to see and mend a text before it goes has the
// compose line.
const LATIN = /^[\x20-\u024f]*$/;
const DELETE = "\x7f";
// What a keyboard does to a field; a paste and an undo are not that.
const KEYBOARDS = /^(insert(Text|ReplacementText|LineBreak|Paragraph|CompositionText|FromComposition)|delete.*)$/;

const COMPOSED = /Composition/;

// What must be typed after `before` for `after` to stand there.
export function difference(before, after) {
  const old = [...before], now = [...after];
  let same = 0;
  while (same < old.length && same < now.length && old[same] === now[same]) same++;
  return DELETE.repeat(old.length - same) + now.slice(same).join("").replace(/\r?\n/g, "\r");
}

export function typing(hand) {
  const { terminal, element } = hand;
  const area = terminal.textarea;
  for (const [name, value] of Object.entries({ autocapitalize: "off", autocorrect: "off", autocomplete: "off", spellcheck: "false", enterkeyhint: "enter" })) {
    area.setAttribute(name, value);
  }
  const coarse = matchMedia("(pointer: coarse)");
  let known = ""; // what of the field was typed into the session
  let pressed = false; // a key with a name is down: xterm.js does what follows
  let composing = false;
  let ours = false; // this composition
  let theirs = false; // xterm.js had the one that has just ended
  let due; // the end of one that is still to be sent
  let half = ""; // the first half of a character whose second is the next `keypress`

  const flush = () => {
    const after = area.value;
    const typed = difference(known, after);
    known = after;
    if (typed.endsWith("\r")) known = area.value = "";
    if (typed) hand.type(hand.latched(typed));
  };
  const settle = () => {
    if (due === undefined) return;
    clearTimeout(due);
    due = undefined;
    flush();
  };
  const preedit = (text) => {
    const view = element.querySelector(".composition-view");
    if (!view) return;
    view.textContent = text;
    view.classList.toggle("active", text !== "");
    view.style.left = area.style.left;
    view.style.top = area.style.top;
  };
  // A key of the bar may move the cursor: a word put right after it would be taken back at another place. What is not typed yet goes first.
  hand.forget = () => {
    settle();
    if (composing) {
      if (!ours) return;
      flush();
      preedit("");
    }
    known = area.value = "";
  };
  const on = {
    keydown(event) {
      settle();
      theirs = false;
      // xterm.js has nothing for it; a terminal sends what it sends for Ctrl+_.
      if (event.key === "/" && event.ctrlKey && !event.shiftKey && !event.altKey && !event.metaKey) {
        event.preventDefault();
        hand.type("\x1f");
        return true;
      }
      pressed = event.keyCode !== 229;
      if (composing && ours && pressed) flush();
      if (!composing) known = area.value;
      return !pressed && (!composing || ours);
    },
    keypress(event) {
      const unit = String.fromCharCode(event.charCode);
      const first = half;
      half = "";
      if (/[\ud800-\udbff]/.test(unit)) half = unit;
      else if (first && /[\udc00-\udfff]/.test(unit)) hand.type(hand.latched(first + unit));
      else return false;
      event.preventDefault();
      return true;
    },
    keyup() { pressed = false; },
    // Or a key that another window saw go up is down for ever.
    blur() { pressed = false; },
    beforeinput(event) {
      settle();
      if (!COMPOSED.test(event.inputType)) theirs = false;
      if (composing) return;
      known = area.value;
      // What is selected here xterm.js has put here, to be copied: nobody typed it.
      if (event.inputType === "insertText") known = known.slice(0, area.selectionStart) + known.slice(area.selectionEnd);
    },
    compositionstart(event) {
      settle();
      composing = true;
      theirs = false;
      known = area.value;
      ours = coarse.matches || hand.latching() || event.data !== "";
      return ours;
    },
    compositionupdate(event) {
      if (ours) preedit(LATIN.test(event.data) ? "" : event.data);
      return ours;
    },
    input(event) {
      if (composing) {
        if (ours && LATIN.test(event.data ?? "")) flush();
        return ours;
      }
      // Firefox changes the field once more, after the end: xterm.js sends it.
      if (theirs && COMPOSED.test(event.inputType)) {
        known = area.value;
        return false;
      }
      if (pressed || !KEYBOARDS.test(event.inputType)) return false;
      flush();
      return true;
    },
    compositionend() {
      // `input` has sent it.
      if (!composing) return true;
      composing = false;
      theirs = !ours;
      if (theirs) return false;
      ours = false;
      preedit("");
      // Some browsers change the field only after this.
      due = setTimeout(settle);
      return true;
    },
  };
  // Before xterm.js, whose listeners are on the field itself; a handler that did what there was to do says so.
  for (const [name, handler] of Object.entries(on)) {
    element.addEventListener(name, (event) => { if (event.target === area && handler(event) === true) event.stopPropagation(); }, { capture: true });
  }
}
