/** A small catalogue and documents for the tests of this folder. */

import type { InputInfo, NodeTypeInfo, TypeInfo, WidgetInfo } from "../api/protocol";
import type { Catalogue } from "./sockets";
import { addNode, connect } from "./commands";
import { EMPTY_DOCUMENT, type WorkflowDocument } from "./document";

export const type = (name: string, accepts: string[] = [], list = false): TypeInfo => ({
  name: list ? `list[${name}]` : name,
  classes: name === "Any" ? [] : [name],
  accepts,
  is_list: list,
});

const WIDGET: WidgetInfo = { kind: "number", multiline: false, step: null, placeholder: "", advanced: false, suggestions: [], choices: [], file_kind: "", extensions: [] };
const LIMITS = { ge: null, gt: null, le: null, lt: null, multiple_of: null, min_length: null, max_length: null, pattern: null };

export function input(name: string, of: TypeInfo, more: Partial<InputInfo> & { kind?: string } = {}): InputInfo {
  const { kind, limits, ...others } = more;
  return {
    name,
    type: of,
    required: false,
    default: null,
    optional: false,
    lazy: false,
    variadic: "",
    widget: kind ? { ...WIDGET, kind } : null,
    limits: limits ? { ...LIMITS, ...limits } : null,
    doc: "",
    ...others,
  };
}

export function nodeType(id: string, inputs: InputInfo[], outputs: [string, TypeInfo][], more: Partial<NodeTypeInfo> = {}): NodeTypeInfo {
  return {
    id,
    version: 1,
    title: id.replace(/([a-z])([A-Z])/g, "$1 $2"),
    category: "test",
    keywords: [],
    summary: "",
    doc: "",
    plugin: "",
    lane: "cpu",
    output: false,
    cached: true,
    experimental: false,
    deprecated: "",
    inputs,
    outputs: outputs.map(([name, of]) => ({ name, type: of, doc: "" })),
    dynamic_outputs: null,
    ...more,
  };
}

const TYPES = [
  nodeType("LoadModel", [], [["model", type("DiffusionModel")], ["encoder", type("TextEncoder")]]),
  nodeType(
    "TextEncode",
    [input("encoder", type("TextEncoder"), { required: true }), input("prompt", type("str"), { kind: "text", default: "" })],
    [["conditioning", type("Conditioning")]],
    { keywords: ["clip", "prompt"], category: "conditioning" },
  ),
  nodeType(
    "NoiseLatent",
    [
      input("seed", type("int"), { kind: "seed", default: 0, limits: { ...LIMITS, ge: 0, le: 1000 } }),
      input("width", type("int"), { kind: "number", default: 64, limits: { ...LIMITS, ge: 8, le: 512, multiple_of: 8 } }),
    ],
    [["latent", type("Latent")]],
  ),
  nodeType(
    "Sampler",
    [
      input("model", type("DiffusionModel"), { required: true }),
      input("positive", type("Conditioning"), { required: true }),
      input("latent", type("Latent"), { required: true }),
      input("guidance", type("float", ["int"]), { kind: "number", default: 6 }),
    ],
    [["latent", type("Latent")]],
    { title: "Diffusion Sampler", keywords: ["ksampler"] },
  ),
  nodeType("Grid", [input("clips", type("Latent"), { variadic: "items" })], [["latent", type("Latent")]]),
  nodeType("Reroute", [input("value", type("Any"), { required: true })], [["value", type("Any")]]),
  nodeType("Subgraph", [input("body", type("Subgraph"), { kind: "subgraph", required: true }), input("inputs", type("Any"), { variadic: "slots" })], [], { dynamic_outputs: type("Any") }),
  nodeType(
    "ForLoop",
    [
      input("body", type("Subgraph"), { kind: "subgraph", required: true }),
      input("count", type("int"), { kind: "number", default: 2 }),
      input("state", type("Any"), { variadic: "slots" }),
    ],
    [],
    { dynamic_outputs: type("Any") },
  ),
  nodeType("Save", [input("latent", type("Latent"), { required: true })], [], { output: true }),
];

export const CATALOGUE: Catalogue = new Map(TYPES.map((info) => [info.id, info]));
export const TYPE_LIST = TYPES;

/** model, text, noise -> sampler -> save */
export function pipeline(): WorkflowDocument {
  let document = EMPTY_DOCUMENT;
  const place = (name: string, x: number, y: number): string => {
    const added = addNode(document, name, { x, y });
    document = added.document;
    return added.id;
  };
  const [model, text, noise, sampler, save] = [place("LoadModel", 0, 0), place("TextEncode", 300, 0), place("NoiseLatent", 300, 300), place("Sampler", 600, 0), place("Save", 900, 0)];
  const wire = (from: string, output: string, to: string, socket: string): void => {
    document = connect({ node: from, socket: output }, { node: to, socket })(document);
  };
  wire(model, "encoder", text, "encoder");
  wire(model, "model", sampler, "model");
  wire(text, "conditioning", sampler, "positive");
  wire(noise, "latent", sampler, "latent");
  wire(sampler, "latent", save, "latent");
  return document;
}
