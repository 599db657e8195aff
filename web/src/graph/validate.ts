/** Mistakes that can be seen without the server: shown on the field as they are made, with the fix where there is one. */

import type { InputInfo, JsonValue, LimitsInfo } from "../api/protocol";
import { allViews, containerOf, isBoundary, pathOf } from "./bodies";
import { fit } from "./compatibility";
import { providerOf } from "./provider";
import type { NodeId, WorkflowDocument } from "./document";
import { edgesInto, inputType, outputType, socketsOf, valueOf, wiringOf, type Catalogue } from "./sockets";

export interface Mistake {
  readonly node: NodeId;
  readonly socket: string;
  /** A key of the message catalogue, with what fills it. */
  readonly message: string;
  readonly fill: Readonly<Record<string, string>>;
  /** A value that is right, offered as a fix. */
  readonly fix?: JsonValue;
  /** `open`: something is still to be given, as in every graph that is being built. */
  readonly level: "error" | "open" | "notice";
}

/** Every mistake in the document, also inside of sub-graphs. Bypassed and muted nodes are not judged: they do not run. */
export function mistakesOf(document: WorkflowDocument, catalogue: Catalogue): readonly Mistake[] {
  const idle: string[] = [];
  return allViews(document).flatMap(({ scope, view }) => {
    if (idle.some((path) => `${scope.join("/")}/`.startsWith(path))) return [];
    for (const [id, record] of Object.entries(view.nodes)) if (record.mode) idle.push(`${pathOf(scope, id)}/`);
    return mistakesIn(view, catalogue, document).map((mistake) => ({ ...mistake, node: pathOf(scope, mistake.node) }));
  });
}

function mistakesIn(document: WorkflowDocument, catalogue: Catalogue, whole: WorkflowDocument): readonly Mistake[] {
  const wiring = wiringOf(document.edges);
  const mistakes: Mistake[] = [];
  for (const [id, record] of Object.entries(document.nodes)) {
    if (record.mode || isBoundary(id)) continue;
    const info = catalogue.get(record.type);
    if (info === undefined) {
      const plugin = providerOf(whole, record.type);
      const message = plugin === undefined ? "mistake.ghostOwn" : "mistake.ghost";
      mistakes.push({ node: id, socket: "", message, fill: { type: record.type, plugin: plugin ?? "" }, level: "notice" });
      continue;
    }
    const wired = new Set(edgesInto(wiring, id).map((edge) => edge.to.socket));
    const inputs = containerOf(record.type)
      ? socketsOf(record, wiring, id, catalogue, document).inputs.flatMap((socket) => socket.info ?? [])
      : info.inputs;
    for (const input of inputs) {
      if (input.variadic || wired.has(input.name)) continue;
      const mistake = judge(input, valueOf(record, input, input.name), input.name in record.values);
      if (mistake) mistakes.push({ node: id, socket: input.name, level: mistake.message === "mistake.unwired" || mistake.message === "mistake.missing" ? "open" : "error", ...mistake });
    }
  }
  for (const edge of document.edges) {
    const [given, wanted] = [outputType(document, catalogue, edge.from), inputType(document, catalogue, edge.to)];
    if (fit(given, wanted)) continue;
    const fill = { given: given.name, wanted: wanted.name };
    mistakes.push({ node: edge.to.node, socket: edge.to.socket, message: "mistake.misfit", fill, level: "error" });
  }
  return mistakes;
}

type Judgement = Pick<Mistake, "message" | "fill" | "fix">;

/** What is wrong with the value of an input without a wire. */
export function judge(input: InputInfo, value: JsonValue, set: boolean): Judgement | undefined {
  if (value === null) {
    if (input.optional || !input.required) return undefined;
    if (input.widget === null) return { message: "mistake.unwired", fill: { type: input.type.name } };
    return set ? undefined : { message: "mistake.missing", fill: {} };
  }
  const choices = input.widget?.choices ?? [];
  if (choices.length > 0 && !choices.includes(value)) {
    return { message: "mistake.choice", fill: { value: String(value), choices: choices.map(String).join(", ") }, fix: choices[0] };
  }
  if (input.limits && typeof value === "number") return judgeNumber(input, input.limits, value);
  if (input.limits && typeof value === "string") return judgeText(input.limits, value);
  return undefined;
}

function judgeNumber(input: InputInfo, limits: LimitsInfo, value: number): Judgement | undefined {
  const wanted = clampNumber(value, limits, input.type.classes.includes("int") && !input.type.classes.includes("float"));
  if (wanted === value) return undefined;
  return { message: "mistake.range", fill: { range: rangeText(limits) }, fix: wanted };
}

function judgeText(limits: LimitsInfo, value: string): Judgement | undefined {
  if (limits.min_length !== null && value.length < limits.min_length) {
    return { message: "mistake.short", fill: { count: String(limits.min_length) } };
  }
  if (limits.max_length !== null && value.length > limits.max_length) {
    return { message: "mistake.long", fill: { count: String(limits.max_length) }, fix: value.slice(0, limits.max_length) };
  }
  return undefined;
}

/** The nearest number that is allowed. */
export function clampNumber(value: number, limits: LimitsInfo | null, whole: boolean): number {
  let result = whole ? Math.round(value) : Number(value.toPrecision(12));
  if (limits === null) return result;
  const step = limits.multiple_of ?? (whole ? 1 : 0);
  if (limits.multiple_of) result = Number((Math.round(result / limits.multiple_of) * limits.multiple_of).toPrecision(12));
  const low = limits.ge ?? (limits.gt === null ? undefined : limits.gt + (step || 1e-6));
  const high = limits.le ?? (limits.lt === null ? undefined : limits.lt - (step || 1e-6));
  if (low !== undefined && result < low) result = step ? Math.ceil(low / step) * step : low;
  if (high !== undefined && result > high) result = step ? Math.floor(high / step) * step : high;
  return Number.isInteger(result) ? result : Number(result.toPrecision(12));
}

/** `1 to 100, in steps of 8`: the range as it is shown. */
export function rangeText(limits: LimitsInfo): string {
  const low = limits.ge ?? limits.gt;
  const high = limits.le ?? limits.lt;
  const range = low !== null && high !== null ? `${low} … ${high}` : low !== null ? `≥ ${low}` : high !== null ? `≤ ${high}` : "";
  return limits.multiple_of === null ? range : `${range}${range ? ", " : ""}× ${limits.multiple_of}`;
}
