/** Ask the server, a moment after each change, what a run would do, and keep the answer for the nodes. */

import { Refused, postPlan } from "../api/client";
import type { JsonObject, JsonValue, PlanInfo, Problem } from "../api/protocol";
import type { WorkflowDocument } from "../graph/document";
import { whatRuns, withResting } from "../graph/resting";
import { computedPart, toJson, withRequires } from "../graph/serialise";
import { mistakesOf } from "../graph/validate";
import { useEditor } from "./editor";
import { useRun } from "./run";

const PAUSE_MS = 350;
const PATIENCE_MS = 3000;
/** The server tells mistakes of wiring first, and of values where the wiring is right. */
const MOST_TURNS = 4;

const isObject = (value: JsonValue | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Facts come by node, by `node.output`, or by node and then output; all become node -> output -> facts. */
export function factsByOutput(facts: PlanInfo["facts"]): Record<string, Record<string, JsonObject>> {
  const result: Record<string, Record<string, JsonObject>> = {};
  for (const [name, known] of Object.entries(facts)) {
    const nested = Object.entries(known).filter((entry): entry is [string, JsonObject] => isObject(entry[1]));
    if (nested.length > 0) result[name] = { ...result[name], ...Object.fromEntries(nested) };
    else {
      const dot = name.lastIndexOf(".");
      const [node, output] = dot < 0 ? [name, ""] : [name.slice(0, dot), name.slice(dot + 1)];
      result[node] = { ...result[node], [output]: known };
    }
  }
  return result;
}

let asked = "";

/** What the plan said that a document requires, and of which document. */
let required: { readonly part: string; readonly requires: JsonObject } | undefined;

/** The document as it is saved: with what it requires, as far as the plan has told. Of a document with mistakes nothing new is known. */
export function asSaved(document: WorkflowDocument): WorkflowDocument {
  return required?.part === computedPart(document) ? withRequires(document, required.requires) : document;
}

/** The same, after asking where the plan has not told yet: for what is given away. */
export async function asGiven(document: WorkflowDocument): Promise<WorkflowDocument> {
  const part = computedPart(document);
  if (required?.part !== part && Object.keys(document.nodes).length > 0) {
    const late = new Promise<undefined>((done) => setTimeout(done, PATIENCE_MS));
    const info = await Promise.race([postPlan(toJson(document)).catch(() => undefined), late]);
    if (info) keepRequires(part, info);
  }
  return asSaved(document);
}

function keepRequires(part: string, info: PlanInfo): void {
  required = info.requires === undefined ? undefined : { part, requires: info.requires };
}

/** What the server says of a document: its plan, or that of the part that is sound, with what is wrong in the rest. */
async function planOf(document: WorkflowDocument): Promise<{ readonly info?: PlanInfo; readonly problems: readonly Problem[] }> {
  const problems: Problem[] = [];
  let sound = document;
  for (let turn = 0; turn < MOST_TURNS; turn += 1) {
    try {
      const info = await postPlan(toJson(sound));
      return { info, problems: [...problems, ...(info.problems ?? [])] };
    } catch (error) {
      if (!(error instanceof Refused)) return { problems };
      problems.push(...error.problems);
      const before = sound;
      sound = withResting(sound, new Set(error.problems.map((problem) => problem.node ?? "")));
      if (sound === before) return { problems };
    }
  }
  return { problems };
}

async function askPlan(): Promise<void> {
  const { document, catalogue } = useEditor.getState();
  const part = computedPart(document);
  if (part === asked || catalogue.size === 0) return;
  asked = part;
  if (Object.keys(document.nodes).length === 0) {
    useRun.setState({ plan: {}, resting: new Set(), facts: {}, problems: [], foreseen: [] });
    return;
  }
  const { resting } = whatRuns(document, catalogue, mistakesOf(document, catalogue));
  const { info, problems } = await planOf(withResting(document, resting));
  if (part !== asked) return;
  if (info && problems.length === 0 && resting.size === 0) keepRequires(part, info);
  useRun.setState({
    plan: Object.fromEntries((info?.steps ?? []).map((step) => [step.node, step])),
    facts: factsByOutput(info?.facts ?? {}),
    foreseen: problems,
    resting,
    problems: [],
  });
}

/** Ask again now: a run has changed what is cached. */
export function refreshPlan(): void {
  asked = "";
  void askPlan();
}

/** Keep the plan up to date. Returns how to stop. */
export function watchPlan(): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const later = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => void askPlan(), PAUSE_MS);
  };
  const stopDocument = useEditor.subscribe((state, before) => {
    const same = state.document.nodes === before.document.nodes && state.document.edges === before.document.edges;
    if (!same || state.catalogue !== before.catalogue) later();
  });
  const stopRun = useRun.subscribe((state, before) => {
    const ended = state.shown !== undefined && state.jobs[state.shown]?.finished && !before.jobs[state.shown]?.finished;
    if (ended || (state.connection === "open" && before.connection !== "open")) refreshPlan();
  });
  later();
  return () => {
    clearTimeout(timer);
    stopDocument();
    stopRun();
  };
}
