import { toggleAdvanced } from "../../graph/commands";
import { apply } from "../../store/editor";
import { useT } from "../useT";

interface Props {
  readonly id: string;
  readonly y: number;
  readonly folded: number;
}

/** Opens and closes the advanced inputs. */
export function MoreRow({ id, y, folded }: Props) {
  const t = useT();
  return (
    <button
      type="button"
      className="row row-more nodrag"
      style={{ top: y }}
      aria-expanded={folded === 0}
      onClick={() => apply(toggleAdvanced(id), "step.advanced")}
    >
      {folded > 0 ? t("node.more", { count: folded }) : t("node.less")}
    </button>
  );
}
