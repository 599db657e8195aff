import { getTemplate, templatePicture, type TemplateEntry } from "../../api/templates";
import { normalise } from "../../graph/normalise";
import { openDocument } from "../../store/editor";
import { toast, useUi } from "../../store/ui";
import { beginOther } from "../actions/autosave";
import { tr } from "../actions/tr";
import { Icon } from "../shared/Icon";
import { useT } from "../useT";
import { useTemplates } from "./useTemplates";

interface Props {
  /** How many are shown; the others are in the list of all templates. */
  readonly most?: number;
  readonly onOpened: () => void;
}

/** The templates as cards with moving pictures; one click opens one. */
export function Templates({ most = Number.POSITIVE_INFINITY, onOpened }: Props) {
  const t = useT();
  const language = useUi((state) => state.language);
  const list = useTemplates();
  if (list?.length === 0) return <p className="viewer-note">{t("templates.none")}</p>;
  return (
    <ul className="templates" aria-busy={list === undefined}>
      {list?.slice(0, most).map((template) => {
        const { title, description } = (language === "zh" ? template.zh : null) ?? template;
        return (
          <li key={template.name}>
            <button type="button" className="template" title={description} onClick={() => void open(template, title, onOpened)}>
              <Picture template={template} />
              <span className="template-title">{title}</span>
              <span className="template-text">{description}</span>
            </button>
          </li>
        );
      })}
    </ul>
  );
}

async function open(template: TemplateEntry, title: string, onOpened: () => void): Promise<void> {
  try {
    const { document } = normalise(await getTemplate(template.name));
    beginOther();
    openDocument({ ...document, meta: { ...document.meta, title } }, "step.template");
    onOpened();
  } catch (error) {
    toast("error", tr("open.failed", { name: title, reason: error instanceof Error ? error.message : String(error) }));
  }
}

/** What the template makes, made by it; it stands still where less motion is wanted. */
function Picture({ template }: { readonly template: TemplateEntry }) {
  if (!template.picture) return <span className="thumb thumb-none"><Icon name="template" size={32} /></span>;
  return (
    <picture>
      <source media="(prefers-reduced-motion: reduce)" srcSet={templatePicture(template.name, true)} />
      <img className="thumb" src={templatePicture(template.name, false)} alt="" width={208} height={118} loading="lazy" />
    </picture>
  );
}
