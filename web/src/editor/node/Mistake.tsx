import type { JsonValue } from "../../graph/document";
import { Icon } from "../shared/Icon";
import { useT } from "../useT";
import type { ShownMistake } from "./useMistake";

interface Props {
  readonly id: string;
  readonly mistake: ShownMistake;
  readonly onFix: (value: JsonValue) => void;
}

/** The mark of a mistake at its field; pointing at it says what is wrong, pressing it puts it right where possible. */
export function Mistake({ id, mistake, onFix }: Props) {
  const t = useT();
  const { fix } = mistake;
  return (
    <span className={`mistake mistake-${mistake.level} nodrag`}>
      <button
        type="button"
        className="mistake-mark"
        aria-label={fix === undefined ? mistake.text : t("mistake.fix", { text: mistake.text, value: String(fix) })}
        onClick={() => {
          if (fix !== undefined) onFix(fix);
        }}
      >
        <Icon name="warning" size={13} />
      </button>
      <span className="mistake-text" id={id} role="note">
        {mistake.text}
        {fix !== undefined && <em>{t("mistake.offer", { value: typeof fix === "object" ? JSON.stringify(fix) : String(fix) })}</em>}
      </span>
    </span>
  );
}
