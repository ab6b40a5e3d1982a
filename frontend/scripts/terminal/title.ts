// The page's title from the title that a program gives its terminal.

const TITLE_LENGTH_MAX = 200;
// Control characters, line separators, and all that turns the direction of the text after it.
const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

// A title as it may stand in a tab.
export const clean = (text: string): string => [...text.replace(UNSEEN, "").trim()].slice(0, TITLE_LENGTH_MAX).join("");
