import { useSaving } from "../../store/saving";
import { useT } from "../useT";

/** Whether the work is safe. */
export function SaveMark() {
  const t = useT();
  const state = useSaving((saving) => saving.state);
  const name = useSaving((saving) => saving.name);
  return (
    <span className={`save-mark save-${state}`} role="status" title={name}>
      {t(`save.${state}`)}
    </span>
  );
}
