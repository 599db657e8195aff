/** A PNG of a ball on a hill under noise, less noise as `share` goes to 1. */
import { deflateSync } from "node:zlib";

const TABLE = Array.from({ length: 256 }, (_, number) => {
  let value = number;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value >>> 0;
});

function crc(bytes) {
  let value = 0xffffffff;
  for (const byte of bytes) value = TABLE[(value ^ byte) & 255] ^ (value >>> 8);
  return (value ^ 0xffffffff) >>> 0;
}

function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type), data]);
  const out = Buffer.alloc(body.length + 8);
  out.writeUInt32BE(data.length, 0);
  body.copy(out, 4);
  out.writeUInt32BE(crc(body), body.length + 4);
  return out;
}

export function picture(width, height, share) {
  const rows = Buffer.alloc((width * 3 + 1) * height);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const ball = (x - width / 2) ** 2 + (y - height * 0.45) ** 2 < (height / 6) ** 2;
      const hill = y > height * 0.72 - Math.sin((x / width) * Math.PI) * 10;
      const clean = ball ? [217, 72, 59] : hill ? [79, 154, 99] : [156, 203, 232];
      clean.forEach((value, channel) => {
        rows[y * (width * 3 + 1) + 1 + x * 3 + channel] = value * share + Math.random() * 255 * (1 - share);
      });
    }
  }
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 2, 0, 0, 0], 8);
  return Buffer.concat([Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]), chunk("IHDR", head), chunk("IDAT", deflateSync(rows)), chunk("IEND", Buffer.alloc(0))]);
}
