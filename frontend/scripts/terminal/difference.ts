// The keys that turn one text into another: an on-screen keyboard changes its text field, and a terminal takes keys only.

const DELETE = "\x7f";

// What must be typed after `before` for `after` to stand there.
export function difference(before: string, after: string): string {
  const [old, now] = [[...before], [...after]];
  let same = 0;
  while (same < old.length && same < now.length && old[same] === now[same]) same++;
  return DELETE.repeat(old.length - same) + now.slice(same).join("").replace(/\r?\n/g, "\r");
}
