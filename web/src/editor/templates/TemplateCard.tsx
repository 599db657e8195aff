import { templatePicture, type TemplateEntry } from "../../api/templates";
import { Icon } from "../shared/Icon";
import { useT } from "../useT";

interface Props {
  readonly template: TemplateEntry;
  readonly title: string;
  readonly description: string;
  /** Whether the model that it needs lies in the models folder. */
  readonly installed: boolean;
  readonly onOpen: () => void;
}

/** A template to be opened by one click: its picture, what it is, and the model that it needs. */
export function TemplateCard({ template, title, description, installed, onOpen }: Props) {
  const t = useT();
  const { needs } = template;
  return (
    <button type="button" className="template" title={description} onClick={onOpen}>
      <Picture template={template} />
      <span className="template-title">{title}</span>
      <span className="template-text">{description}</span>
      {needs !== "" && (
        <span className={`template-needs${installed ? " template-installed" : ""}`} title={t(installed ? "templates.installed" : "templates.needsWhy", { model: needs })}>
          <Icon name={installed ? "check" : "file"} size={13} />
          {t(installed ? "templates.installed" : "templates.needs", { model: needs })}
        </span>
      )}
    </button>
  );
}

/** What the template makes, made by it; it stands still where less motion is wanted. Without a picture: its model's name. */
function Picture({ template }: { readonly template: TemplateEntry }) {
  if (!template.picture) {
    return (
      <span className="thumb thumb-none" aria-hidden="true">
        {template.needs === "" ? <Icon name="template" size={32} /> : <span className="thumb-name">{familyName(template.needs)}</span>}
      </span>
    );
  }
  return (
    <picture>
      <source media="(prefers-reduced-motion: reduce)" srcSet={templatePicture(template.name, true)} />
      <img className="thumb" src={templatePicture(template.name, false)} alt="" width={208} height={118} loading="lazy" />
    </picture>
  );
}

/** `Wan2.1-T2V-1.3B-Diffusers` is of the family `Wan2.1`. */
export const familyName = (folder: string): string => folder.split(/[-_]/)[0] ?? folder;
