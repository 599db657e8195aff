import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { frameRateOf } from "./frameRate";

const bytesOf = (path: string): Uint8Array => new Uint8Array(readFileSync(new URL(path, import.meta.url)));

const number32 = (value: number): number[] => [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
const box = (name: string, ...content: readonly number[][]): number[] => {
  const body = content.flat();
  return [...number32(body.length + 8), ...[...name].map((letter) => letter.charCodeAt(0)), ...body];
};
const track = (handler: string, scale: number, ...times: readonly number[][]): number[] =>
  box(
    "trak",
    box("mdia", box("mdhd", number32(0), number32(0), number32(0), number32(scale), number32(0)), box("hdlr", number32(0), number32(0), [...handler].map((letter) => letter.charCodeAt(0))),
      box("minf", box("stbl", box("stts", number32(0), number32(times.length), times.flatMap(([count, ticks]) => [...number32(count ?? 0), ...number32(ticks ?? 0)]))))),
  );
const movie = (...tracks: readonly number[][]): Uint8Array => new Uint8Array([...box("ftyp", [0, 0, 0, 0]), ...box("moov", ...tracks), ...box("mdat", [1, 2, 3])]);

describe("the frame rate of a file", () => {
  it("is read from the video track of an MP4", () => {
    expect(frameRateOf(movie(track("soun", 48_000, [100, 1024]), track("vide", 30_000, [40, 1001])))).toBeCloseTo(29.97, 2);
    expect(frameRateOf(movie(track("vide", 8, [24, 1])))).toBe(8);
  });

  it("is the mean where frames last differently long", () => {
    expect(frameRateOf(movie(track("vide", 1000, [1, 100], [1, 300])))).toBe(5);
  });

  it("is read from a WebM", () => {
    const duration = [0x23, 0xe3, 0x83, 0x84, ...number32(62_500_000)];
    const entry = [0xae, 0x80 + duration.length, ...duration];
    const tracks = [0x16, 0x54, 0xae, 0x6b, 0x80 + entry.length, ...entry];
    const unknownSize = [0x18, 0x53, 0x80, 0x67, 0x01, 255, 255, 255, 255, 255, 255, 255];
    expect(frameRateOf(new Uint8Array([0x1a, 0x45, 0xdf, 0xa3, 0x81, 0, ...unknownSize, ...tracks]))).toBe(16);
  });

  it("is read from a real file", () => {
    expect(frameRateOf(bytesOf("../../fake-server/media/first.mp4"))).toBe(8);
  });

  it("is not made up where the file ends early, or is none", () => {
    const whole = movie(track("vide", 8, [24, 1]));
    expect(frameRateOf(whole.subarray(0, whole.length - 30))).toBeUndefined();
    expect(frameRateOf(new Uint8Array([1, 2, 3]))).toBeUndefined();
    expect(frameRateOf(new Uint8Array())).toBeUndefined();
  });
});
