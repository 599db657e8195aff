import { useEffect, useState } from "react";
import { getTemplates, type TemplateEntry } from "../../api/templates";

let known: readonly TemplateEntry[] | undefined;

/** The templates that came with the page; undefined until they are there. */
export function useTemplates(): readonly TemplateEntry[] | undefined {
  const [list, setList] = useState(known);
  useEffect(() => {
    if (known) return;
    getTemplates().then(
      (found) => {
        known = found;
        setList(found);
      },
      () => setList([]),
    );
  }, []);
  return list;
}
