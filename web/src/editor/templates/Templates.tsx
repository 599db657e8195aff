import { normalise } from "../../graph/normalise";
import { openDocument } from "../../store/editor";
import { beginOther } from "../actions/autosave";
import { useT } from "../useT";
import { TEMPLATES } from "./templates";
import { Thumbnail } from "./Thumbnail";

/** The templates as cards with moving pictures; one click opens one. */
export function Templates({ onOpened }: { readonly onOpened: () => void }) {
  const t = useT();
  return (
    <ul className="templates">
      {TEMPLATES.map((template) => (
        <li key={template.id}>
          <button
            type="button"
            className="template"
            onClick={() => {
              const { document } = normalise(template.workflow);
              beginOther();
              openDocument({ ...document, meta: { ...document.meta, title: t(template.title) } }, "step.template");
              onOpened();
            }}
          >
            <Thumbnail kind={template.id} />
            <span className="template-title">{t(template.title)}</span>
            <span className="template-text">{t(template.text)}</span>
          </button>
        </li>
      ))}
    </ul>
  );
}
