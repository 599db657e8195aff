import { sharedForm, shareForm } from "../actions/shareForm";
import { Icon } from "../shared/Icon";
import { useEditor } from "../../store/editor";
import { useT } from "../useT";
import { FormFields } from "./FormFields";
import { FormResults } from "./FormResults";

/** The workflow as a form: only the inputs and results that were chosen, and what is wrong in plain words. */
export function FormPanel() {
  const t = useT();
  const count = useEditor((state) => Object.keys(state.document.inputs).length);
  const title = useEditor((state) => state.document.meta.title);
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
      {sharedForm() === undefined && (
        <button type="button" className="small-button form-share" title={typeof title === "string" ? title : undefined} onClick={() => void shareForm()}>
          <Icon name="share" size={14} /> {t("form.share")}
        </button>
      )}
    </div>
  );
}
