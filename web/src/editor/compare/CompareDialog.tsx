import { setUi, useUi } from "../../store/ui";
import { Dialog } from "../chrome/Dialog";
import { useT } from "../useT";
import { ComparePlayer } from "./ComparePlayer";
import { ParameterTable } from "./ParameterTable";

/** Two results beside each other, and what was different in the runs that made them. */
export function CompareDialog() {
  const t = useT();
  const pair = useUi((state) => state.compare);
  if (!pair) return null;
  const [first, second] = pair;
  return (
    <Dialog title={t("compare.title")} wide onClose={() => setUi({ compare: undefined })}>
      <div className={first.job && second.job ? "compare-both" : ""}>
        <ComparePlayer first={first} second={second} />
        {first.job && second.job && <ParameterTable first={first.job} second={second.job} />}
      </div>
    </Dialog>
  );
}
