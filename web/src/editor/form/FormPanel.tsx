import { Icon } from "../shared/Icon";
import { useEditor } from "../../store/editor";
import { useT } from "../useT";
import { FormFields } from "./FormFields";
import { FormResults } from "./FormResults";

/** The workflow as a form: only the inputs that were chosen, Run, and the results. */
export function FormPanel() {
  const t = useT();
  const count = useEditor((state) => Object.keys(state.document.inputs).length);
  if (count === 0) {
    return (
      <div className="empty">
        <Icon name="form" size={32} />
        <p>{t("form.empty")}</p>
      </div>
    );
  }
  return (
    <div className="form">
      <FormFields />
      <FormResults />
    </div>
  );
}
