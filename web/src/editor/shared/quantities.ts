import type { Language } from "../../i18n";

/** A duration as people say it: `0.8 s`, `12 s`, `3 min 20 s`. */
export function secondsText(seconds: number, language: Language): string {
  const [s, min] = language === "zh" ? ["秒", "分"] : ["s", "min"];
  if (seconds > 0 && seconds < 0.01) return `<0.01 ${s}`;
  if (seconds < 10) return `${seconds.toFixed(seconds < 1 ? 2 : 1)} ${s}`;
  if (seconds < 60) return `${Math.round(seconds)} ${s}`;
  return `${Math.floor(seconds / 60)} ${min} ${Math.round(seconds % 60)} ${s}`;
}

/** A size in memory: `640 kB`, `1.2 GB`. */
export function bytesText(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${value < 10 && unit > 0 ? value.toFixed(1) : Math.round(value)} ${units[unit] ?? ""}`;
}

/** The moment of a job in the person's time: `14:05`, with the day if it is another one. */
export function momentText(seconds: number, language: Language): string {
  const date = new Date(seconds * 1000);
  const today = new Date().toDateString() === date.toDateString();
  return new Intl.DateTimeFormat(language === "zh" ? "zh-CN" : "en-GB", {
    hour: "2-digit",
    minute: "2-digit",
    ...(today ? {} : { day: "numeric", month: "short" }),
  }).format(date);
}
