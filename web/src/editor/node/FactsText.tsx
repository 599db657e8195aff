import { useRun } from "../../store/run";

/** What is known of an output before it exists: `64×64 · 17 frames`. */
export function FactsText({ node, output }: { readonly node: string; readonly output: string }) {
  const facts = useRun((state) => state.facts[node]?.[output]);
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
