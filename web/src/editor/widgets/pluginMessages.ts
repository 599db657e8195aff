import type { JsonValue } from "../../graph/document";

const MAX_CHARACTERS = 64 * 1024;
const MAX_DEPTH = 32;

/** Whether what a plugin's frame sent is JSON of a bearable size; anything can come out of a frame. */
export function isJson(value: unknown): value is JsonValue {
  const stack: { item: unknown; depth: number }[] = [{ item: value, depth: 0 }];
  let size = 0;
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    const { item, depth } = top;
    size += typeof item === "string" ? item.length + 2 : 8;
    if (size > MAX_CHARACTERS || depth > MAX_DEPTH) return false;
    if (item === null || typeof item === "string" || typeof item === "boolean") continue;
    if (typeof item === "number") {
      if (!Number.isFinite(item)) return false;
    } else if (Array.isArray(item)) {
      for (const inner of item as unknown[]) stack.push({ item: inner, depth: depth + 1 });
    } else if (typeof item === "object" && Object.getPrototypeOf(item) === Object.prototype) {
      for (const [name, inner] of Object.entries(item)) {
        size += name.length + 3;
        stack.push({ item: inner, depth: depth + 1 });
      }
    } else {
      return false;
    }
  }
  return true;
}
