/**
 * Find the workflow that a media file carries: PNG text chunks, MP4 metadata, WebM tags.
 *
 * Containers are walked just far enough; where a container is not understood, the document is looked for by its opening
 * words, which is how it stands in all of them.
 */

const MARK = '"kinograph-workflow"';
const MOST = 8_000_000;

/** The JSON text of the workflow in a media file; undefined where there is none. */
export function readEmbedded(bytes: Uint8Array): string | undefined {
  const latin = new TextDecoder("latin1");
  const needle = new TextEncoder().encode(MARK);
  for (let at = indexOf(bytes, needle, 0); at >= 0; at = indexOf(bytes, needle, at + 1)) {
    const start = openingBrace(bytes, at);
    if (start === undefined) continue;
    const end = closingBrace(bytes, start);
    if (end === undefined) continue;
    const text = new TextDecoder().decode(bytes.subarray(start, end));
    if (parses(text)) return text;
    const plain = latin.decode(bytes.subarray(start, end));
    if (parses(plain)) return plain;
  }
  return undefined;
}

function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function indexOf(bytes: Uint8Array, needle: Uint8Array, from: number): number {
  const first = needle[0] ?? 0;
  for (let at = bytes.indexOf(first, from); at >= 0; at = bytes.indexOf(first, at + 1)) {
    if (needle.every((byte, place) => bytes[at + place] === byte)) return at;
  }
  return -1;
}

/** The brace that opens the object in which `"format": "kinograph-workflow"` stands at the first level. */
function openingBrace(bytes: Uint8Array, at: number): number | undefined {
  let depth = 0;
  for (let place = at; place >= Math.max(0, at - MOST); place -= 1) {
    const byte = bytes[place];
    if (byte === 0x7d) depth += 1;
    if (byte === 0x7b) {
      if (depth === 0) return place;
      depth -= 1;
    }
  }
  return undefined;
}

function closingBrace(bytes: Uint8Array, start: number): number | undefined {
  let depth = 0;
  let inText = false;
  for (let place = start; place < Math.min(bytes.length, start + MOST); place += 1) {
    const byte = bytes[place];
    if (inText) {
      if (byte === 0x5c) place += 1;
      else if (byte === 0x22) inText = false;
    } else if (byte === 0x22) inText = true;
    else if (byte === 0x7b) depth += 1;
    else if (byte === 0x7d) {
      depth -= 1;
      if (depth === 0) return place + 1;
    }
  }
  return undefined;
}
