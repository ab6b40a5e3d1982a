// How much it is, in words.
export const characters = (text: string): string => {
  const count = [...text].length;
  return count === 1 ? "1 character" : `${count.toLocaleString("en")} characters`;
};

export function size(bytes: number): string {
  if (bytes < 1000) return bytes === 1 ? "1 byte" : `${bytes} bytes`;
  if (bytes < 999_500) return `${Math.round(bytes / 1000)} kB`;
  return `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0).replace(/\.0$/, "")} MB`;
}
