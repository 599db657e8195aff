import { getTemplate, type TemplateEntry } from "../../api/templates";
import { normalise } from "../../graph/normalise";
import { openDocument } from "../../store/editor";
import { toast, useUi } from "../../store/ui";
import { beginOther } from "../actions/autosave";
import { tr } from "../actions/tr";
import { useModels } from "../widgets/useModels";
import { useT } from "../useT";
import { TemplateCard } from "./TemplateCard";
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
  const [models] = useModels(list?.some((template) => template.needs !== "") ?? false);
  if (list?.length === 0) return <p className="viewer-note">{t("templates.none")}</p>;
  return (
    <ul className="templates" aria-busy={list === undefined}>
      {list?.slice(0, most).map((template) => {
        const { title, description } = (language === "zh" ? template.zh : null) ?? template;
        return (
          <li key={template.name}>
            <TemplateCard
              template={template}
              title={title}
              description={description}
              installed={models.some((model) => model.startsWith(`${template.needs}/`))}
              onOpen={() => void open(template, title, onOpened)}
            />
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
