import { INPUTS, containerOf } from "../../graph/bodies";
import { originOf } from "../../graph/homes";
import type { Placed } from "../../graph/place";
import { useEditor } from "../../store/editor";
import { useRun } from "../../store/run";

/** What is known of an output before it exists: `64×64 · 17 frames`. */
export function FactsText({ placed, output }: { readonly placed: Placed; readonly output: string }) {
  const through = containerOf(placed.record.type) !== undefined || placed.id === INPUTS;
  const origin = useEditor((state) => {
    const end = through ? originOf(state.document, state.scope, { node: placed.id, socket: output }) : undefined;
    return end && `${end.node}\n${end.socket}`;
  });
  const [node, socket] = origin?.split("\n") ?? [placed.path, output];
  const facts = useRun((state) => state.facts[node ?? ""]?.[socket ?? ""]);
  if (!facts) return null;
  const { width, height, frames, fps, family, ...others } = facts;
  const parts = [
    typeof width === "number" && typeof height === "number" ? `${width}×${height}` : "",
    typeof frames === "number" ? `${frames} f` : "",
    typeof fps === "number" ? `${fps} fps` : "",
    typeof family === "string" ? family : "",
    ...Object.entries(others).slice(0, 1).map(([name, value]) => (typeof value === "object" ? "" : `${name} ${String(value)}`)),
  ].filter(Boolean);
  return <span className="facts">{parts.slice(0, 3).join(" · ")}</span>;
}
