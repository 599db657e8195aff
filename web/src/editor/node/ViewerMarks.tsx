import { useViewers, viewersOn } from "../../store/viewers";
import { useT } from "../useT";

/** The numbers of the viewers that are on a node. */
export function ViewerMarks({ id }: { readonly id: string }) {
  const t = useT();
  const numbers = useViewers((state) => viewersOn(state, id));
  if (numbers === "") return null;
  return <kbd className="viewer-mark" title={t("viewer.marks", { numbers })}>{numbers}</kbd>;
}
