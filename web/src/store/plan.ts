/** Ask the server, a moment after each change, what a run would do, and keep the answer for the nodes. */

import { Refused, postPlan } from "../api/client";
import type { JsonObject, JsonValue, PlanInfo } from "../api/protocol";
import { computedPart, toJson } from "../graph/serialise";
import { useEditor } from "./editor";
import { useRun } from "./run";

const PAUSE_MS = 350;

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

async function askPlan(): Promise<void> {
  const { document } = useEditor.getState();
  const part = computedPart(document);
  if (part === asked) return;
  asked = part;
  if (Object.keys(document.nodes).length === 0) {
    useRun.setState({ plan: {}, facts: {}, problems: [], foreseen: [] });
    return;
  }
  try {
    const info = await postPlan(toJson(document));
    if (part !== asked) return;
    useRun.setState({
      plan: Object.fromEntries(info.steps.map((step) => [step.node, step])),
      facts: factsByOutput(info.facts ?? {}),
      foreseen: info.problems ?? [],
      problems: [],
    });
  } catch (error) {
    if (part !== asked) return;
    useRun.setState({ plan: {}, facts: {}, problems: [], foreseen: error instanceof Refused ? error.problems : [] });
  }
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
    if (state.document.nodes !== before.document.nodes || state.document.edges !== before.document.edges) later();
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
