import { useSaving } from "../../store/saving";
import { useT } from "../useT";

/** Whether the work is safe. */
export function SaveMark() {
  const t = useT();
  const state = useSaving((saving) => saving.state);
  return (
    <span className={`save-mark save-${state}`} role="status">
      {t(`save.${state}`)}
    </span>
  );
}
