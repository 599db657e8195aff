/**
 * The frame rate that a video file states: ISO base media (MP4, MOV: ISO 14496-12) and Matroska (WebM: RFC 9559).
 * A player that waits for frames to learn it is wrong on a busy machine, where frames are left out.
 */

const LEAST = 0.1;
const MOST = 1000;
const HEAD = 8;

/** Frames per second of the first video track; undefined where the file (or this beginning of it) does not say. */
export function frameRateOf(bytes: Uint8Array): number | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    const rate = bytes[0] === 0x1a && bytes[1] === 0x45 ? rateOfMatroska(view) : rateOfMovie(view);
    return rate !== undefined && rate >= LEAST && rate <= MOST ? rate : undefined;
  } catch (error) {
    if (error instanceof RangeError) return undefined; // it ends before what it announces
    throw error;
  }
}

interface Span {
  readonly start: number;
  readonly end: number;
}

const nameAt = (view: DataView, at: number): string => String.fromCharCode(view.getUint8(at), view.getUint8(at + 1), view.getUint8(at + 2), view.getUint8(at + 3));

function* boxes(view: DataView, within: Span, name: string): Generator<Span> {
  for (let at = within.start; at + HEAD <= within.end; ) {
    const short = view.getUint32(at);
    const start = at + (short === 1 ? 2 * HEAD : HEAD);
    const size = short === 1 ? Number(view.getBigUint64(at + HEAD)) : short === 0 ? within.end - at : short;
    if (size < HEAD) return;
    if (nameAt(view, at + 4) === name) yield { start, end: Math.min(at + size, within.end) };
    at += size;
  }
}

function inside(view: DataView, within: Span, ...path: readonly string[]): Span | undefined {
  let found: Span | undefined = within;
  for (const name of path) found = found && boxes(view, found, name).next().value;
  return found;
}

function rateOfMovie(view: DataView): number | undefined {
  const movie = inside(view, { start: 0, end: view.byteLength }, "moov");
  for (const track of movie ? boxes(view, movie, "trak") : []) {
    const handler = inside(view, track, "mdia", "hdlr");
    const head = inside(view, track, "mdia", "mdhd");
    const times = inside(view, track, "mdia", "minf", "stbl", "stts");
    if (!handler || !head || !times || nameAt(view, handler.start + 8) !== "vide") continue;
    const scale = view.getUint32(head.start + (view.getUint8(head.start) === 1 ? 20 : 12));
    let [frames, ticks] = [0, 0];
    for (let entry = 0; entry < view.getUint32(times.start + 4); entry += 1) {
      const at = times.start + 8 + entry * 8;
      frames += view.getUint32(at);
      ticks += view.getUint32(at) * view.getUint32(at + 4);
    }
    return ticks > 0 ? (frames * scale) / ticks : undefined;
  }
  return undefined;
}

const SEGMENT = 0x18538067;
const TRACKS = 0x1654ae6b;
const TRACK = 0xae;
const DEFAULT_DURATION = 0x23e383;
const NANOSECONDS = 1e9;

/** A number of variable length: how many bytes it takes is told by the zeros that it begins with. */
function variable(view: DataView, at: number, marked: boolean): { readonly value: number; readonly length: number } {
  const first = view.getUint8(at);
  const length = Math.clz32(first) - 23;
  let value = marked ? first : first & (0xff >> length);
  for (let place = 1; place < length; place += 1) value = value * 256 + view.getUint8(at + place);
  const unknown = !marked && value === 2 ** (7 * length) - 1;
  return { value: unknown ? Number.POSITIVE_INFINITY : value, length };
}

function* elements(view: DataView, within: Span, wanted: number): Generator<Span> {
  for (let at = within.start; at < within.end; ) {
    const id = variable(view, at, true);
    const size = variable(view, at + id.length, false);
    const start = at + id.length + size.length;
    const end = Math.min(start + size.value, within.end);
    if (id.value === wanted) yield { start, end };
    if (end <= at) return;
    at = end;
  }
}

function rateOfMatroska(view: DataView): number | undefined {
  const segment = elements(view, { start: 0, end: view.byteLength }, SEGMENT).next().value;
  const tracks = segment && elements(view, segment, TRACKS).next().value;
  for (const track of tracks ? elements(view, tracks, TRACK) : []) {
    const duration = elements(view, track, DEFAULT_DURATION).next().value;
    if (!duration) continue;
    let nanoseconds = 0;
    for (let at = duration.start; at < duration.end; at += 1) nanoseconds = nanoseconds * 256 + view.getUint8(at);
    return NANOSECONDS / nanoseconds;
  }
  return undefined;
}
