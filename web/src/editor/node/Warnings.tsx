import { useRun } from "../../store/run";
import { selectNodes } from "../../store/editor";
import { setUi } from "../../store/ui";
import { Icon } from "../shared/Icon";

/** A node that warned of something while it ran says so in its title; the details tell what. */
export function Warnings({ id, path }: { readonly id: string; readonly path: string }) {
  const warnings = useRun((state) => state.nodes[path]?.warnings);
  if (!warnings || warnings.length === 0) return null;
  const text = warnings.join("\n");
  const open = (): void => {
    selectNodes([id]);
    setUi({ panel: "node" });
  };
  return (
    <button type="button" className="node-warning nodrag" tabIndex={-1} title={text} aria-label={text} onClick={open}>
      <Icon name="warning" size={14} />
    </button>
  );
}
