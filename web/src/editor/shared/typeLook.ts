/**
 * How a socket type looks: a hue of a colour-blind-safe palette and a shape, so that neither alone has to be read.
 * Known types have fixed looks; a plugin's get one by their name, the same on every machine.
 */

import type { TypeInfo } from "../../api/protocol";

export type Shape = "circle" | "square" | "diamond" | "triangle" | "hexagon" | "pentagon" | "plus" | "bowtie";

export interface TypeLook {
  readonly hue: number;
  readonly shape: Shape;
  readonly list: boolean;
}

/** For types of plugins; the other shapes are for built-in ones. */
const SHAPES: readonly Shape[] = ["circle", "square", "diamond", "triangle", "hexagon", "pentagon"];
const HUES = 8;

/** Types of one shape have hues that differ for everybody (`styles/colours.test.ts`); only int and float look alike. */
const KNOWN: Readonly<Record<string, readonly [number, Shape]>> = {
  Frames: [0, "square"],
  ClipDataset: [2, "square"],
  Latent: [1, "hexagon"],
  SamplingState: [2, "hexagon"],
  Conditioning: [2, "diamond"],
  bool: [0, "diamond"],
  DiffusionModel: [3, "pentagon"],
  TextEncoder: [4, "pentagon"],
  VideoVAE: [1, "pentagon"],
  TrainedWeights: [3, "plus"],
  EncodedDataset: [0, "plus"],
  Subgraph: [5, "plus"],
  int: [6, "circle"],
  float: [6, "circle"],
  str: [7, "triangle"],
  dict: [1, "triangle"],
  Path: [2, "bowtie"],
  SavedFile: [0, "bowtie"],
};

/** The look of a type. */
export function lookOf(type: TypeInfo): TypeLook {
  const name = type.classes[0];
  if (name === undefined) return { hue: -1, shape: "circle", list: type.is_list };
  const known = KNOWN[name];
  if (known) return { hue: known[0], shape: known[1], list: type.is_list };
  let hash = 7;
  for (const character of name) hash = (hash * 31 + (character.codePointAt(0) ?? 0)) >>> 0;
  return { hue: hash % HUES, shape: SHAPES[Math.floor(hash / HUES) % SHAPES.length] ?? "circle", list: type.is_list };
}

/** The colour of a type as a style value. */
export function colorOf(type: TypeInfo): string {
  const { hue } = lookOf(type);
  return hue < 0 ? "var(--type-any)" : `var(--type-${hue})`;
}

const PATHS: Readonly<Record<Shape, string>> = {
  circle: "M6,1 A5,5 0 1 1 5.99,1 Z",
  square: "M1.6,1.6 H10.4 V10.4 H1.6 Z",
  diamond: "M6,0.4 L11.6,6 L6,11.6 L0.4,6 Z",
  triangle: "M1.2,1 L11.2,6 L1.2,11 Z",
  hexagon: "M3.2,1.2 H8.8 L11.6,6 L8.8,10.8 H3.2 L0.4,6 Z",
  plus: "M4,0.8 H8 V4 H11.2 V8 H8 V11.2 H4 V8 H0.8 V4 H4 Z",
  bowtie: "M0.8,1.4 L6,4 L11.2,1.4 V10.6 L6,8 L0.8,10.6 Z",
  pentagon: "M6,0.4 L11.6,4.6 L9.5,11.2 H2.5 L0.4,4.6 Z",
};

/** The outline of a shape in a box of 12 by 12. */
export function shapePath(shape: Shape): string {
  return PATHS[shape];
}
