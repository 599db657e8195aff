/** The templates: workflows of the project that were built into the page. */

export interface TemplateEntry {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly zh: { readonly title: string; readonly description: string } | null;
  /** The folder of the model that it loads; empty where it runs with what is installed. */
  readonly needs: string;
  /** Whether there is a moving picture of it. */
  readonly picture: boolean;
}

const url = (name: string): string => new URL(`templates/${name}`, document.baseURI).toString();

async function fetched(name: string): Promise<unknown> {
  const reply = await fetch(url(name));
  if (!reply.ok) throw new Error(`${reply.status} ${reply.statusText}`);
  return reply.json();
}

/** All templates, in the order in which they are shown. */
export const getTemplates = (): Promise<readonly TemplateEntry[]> => fetched("index.json") as Promise<readonly TemplateEntry[]>;

/** The document of a template. */
export const getTemplate = (name: string): Promise<unknown> => fetched(`${encodeURIComponent(name)}.json`);

/** The address of a template's picture: moving, or still for people who want less motion. */
export const templatePicture = (name: string, still: boolean): string => url(`${encodeURIComponent(name)}${still ? ".still" : ""}.webp`);
