/** Contrast of text and marks, and types told apart by people who see two of three primary colours, from the style sheet. */

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { NodeTypeInfo, TypeInfo } from "../api/protocol";
import { colorOf, lookOf } from "../editor/shared/typeLook";

type Triple = readonly [number, number, number];

const TOKENS = readFileSync(new URL("tokens.css", import.meta.url), "utf8");
const TYPES = JSON.parse(readFileSync(new URL("../../fake-server/node-types.json", import.meta.url), "utf8")) as NodeTypeInfo[];
const THEMES = ["dark", "light"] as const;
type Theme = (typeof THEMES)[number];

/** A token's colour in linear light. */
function linear(theme: Theme, token: string): Triple {
  const block = new RegExp(`data-theme="${theme}"\\] \\{([^}]*)\\}`).exec(TOKENS)?.[1] ?? "";
  const short = new RegExp(`${token}: #([0-9a-f]{3,6});`).exec(block)?.[1] ?? "";
  const hex = short.length === 3 ? [...short].map((digit) => digit + digit).join("") : short;
  if (hex.length !== 6) throw new Error(`${token} is no colour in ${theme}`);
  const [r = 0, g = 0, b = 0] = [0, 2, 4].map((at) => {
    const value = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return [r, g, b];
}

/** WCAG 2.2, contrast ratio. */
function contrast(left: Triple, right: Triple): number {
  const [low = 0, high = 0] = [left, right].map(([r, g, b]) => 0.2126 * r + 0.7152 * g + 0.0722 * b).sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}

const times = (matrix: readonly Triple[], [r, g, b]: Triple): Triple => {
  const [x = 0, y = 0, z = 0] = matrix.map(([p, q, s]) => Math.min(1, Math.max(0, p * r + q * g + s * b)));
  return [x, y, z];
};

/** Machado, Oliveira and Fernandes 2009, severity 1. */
const EYES: Readonly<Record<string, readonly Triple[]>> = {
  "three colours": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
  protanopia: [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
  deuteranopia: [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
};

/** CIE 1976 L*a*b* under D65. */
function lab(colour: Triple): Triple {
  const [x, y, z] = times([[0.4124 / 0.9505, 0.3576 / 0.9505, 0.1805 / 0.9505], [0.2126, 0.7152, 0.0722], [0.0193 / 1.089, 0.1192 / 1.089, 0.9505 / 1.089]], colour);
  const root = (t: number): number => (t > 216 / 24389 ? Math.cbrt(t) : (24389 / 27 * t + 16) / 116);
  return [116 * root(y) - 16, 500 * (root(x) - root(y)), 200 * (root(y) - root(z))];
}

const distance = (left: Triple, right: Triple): number => Math.hypot(...left.map((value, at) => value - (right[at] ?? 0)));

/** A difference that is seen at once in marks of this size; 2.3 is just noticeable. */
const APART = 10;

/** The types that built-in sockets have, one of each class. */
function socketTypes(): TypeInfo[] {
  const all = TYPES.flatMap((type) => [...type.inputs, ...type.outputs].map((socket) => socket.type));
  return [...new Map(all.map((type) => [type.classes[0], type])).values()];
}

/** Numbers join freely and look alike on purpose. */
const ALIKE = new Set(["int", "float"]);
const alike = (left: TypeInfo, right: TypeInfo): boolean => ALIKE.has(left.classes[0] ?? "") && ALIKE.has(right.classes[0] ?? "");

it("every built-in type has a look of its own", () => {
  const looks = socketTypes().filter((type) => !ALIKE.has(type.classes[0] ?? "")).map((type) => `${lookOf(type).hue} ${lookOf(type).shape}`);
  expect(new Set(looks).size).toBe(looks.length);
});

describe.each(THEMES)("the %s theme", (theme) => {
  it("keeps text at 4.5:1 on everything that it stands on", () => {
    const weak = ["--ink", "--ink-2", "--ink-3", "--good", "--warn", "--bad", "--focus"].flatMap((text) =>
      ["--canvas", "--surface", "--surface-2", "--field"].flatMap((ground) => {
        const ratio = contrast(linear(theme, text), linear(theme, ground));
        return ratio < 4.5 ? [`${text} on ${ground}: ${ratio.toFixed(2)}`] : [];
      }),
    );
    expect(weak).toEqual([]);
    expect(contrast(linear(theme, "--ink-2"), linear(theme, "--surface-3"))).toBeGreaterThanOrEqual(4.5);
    expect(contrast(linear(theme, "--bad"), linear(theme, "--bad-surface"))).toBeGreaterThanOrEqual(4.5);
    expect(contrast(linear(theme, "--brand-ink"), linear(theme, "--brand"))).toBeGreaterThanOrEqual(4.5);
  });

  it("keeps marks of types at 3:1 on nodes and canvas", () => {
    const tokens = ["any", "0", "1", "2", "3", "4", "5", "6", "7"].map((name) => `--type-${name}`);
    const weak = tokens.filter((token) => ["--canvas", "--surface", "--surface-2"].some((ground) => contrast(linear(theme, token), linear(theme, ground)) < 3));
    expect(weak).toEqual([]);
  });

  it.each(Object.keys(EYES))("tells types apart by shape or colour, seen with %s", (eyes) => {
    const seen = (type: TypeInfo): Triple => lab(times(EYES[eyes] ?? [], linear(theme, colorOf(type).slice(4, -1))));
    const types = socketTypes();
    const confused = types.flatMap((left, at) =>
      types.slice(at + 1).flatMap((right) => {
        const apart = lookOf(left).shape !== lookOf(right).shape || distance(seen(left), seen(right)) >= APART || alike(left, right);
        return apart ? [] : [`${left.name} and ${right.name}: ${distance(seen(left), seen(right)).toFixed(1)}`];
      }),
    );
    expect(confused).toEqual([]);
  });
});
