// At most so much of a file's name is said.
export const short = (name: string): string => (name.length > 40 ? `${name.slice(0, 24)}…${name.slice(-12)}` : name);

// A moment, in seconds since 1970: the time of day, with its date unless that is today's.
export function until(seconds: number, today: Date): string {
  const at = new Date(seconds * 1000);
  const day: Intl.DateTimeFormatOptions = at.toDateString() === today.toDateString() ? {} : { weekday: "short", day: "numeric", month: "short" };
  return at.toLocaleString([], { ...day, hour: "2-digit", minute: "2-digit" });
}
