import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Plugin } from "vite";

interface Meta {
  readonly title?: string;
  readonly description?: string;
  readonly order?: number;
  readonly zh?: { readonly title: string; readonly description: string };
}

interface Document {
  readonly meta?: Meta;
  readonly nodes?: Readonly<Record<string, { readonly type: string; readonly values?: Readonly<Record<string, unknown>> }>>;
}

/** The folder of the model that a workflow loads; empty for what comes with the package. */
function neededModel({ nodes = {} }: Document): string {
  const folder = Object.values(nodes).find((node) => node.type === "LoadModel")?.values?.folder;
  return typeof folder === "string" ? folder : "";
}

/** The list that the page loads: what each workflow is called, in its order, its model, and whether it has a moving picture. */
function listed(folder: string): string {
  const pictures = new Set(readdirSync(join(folder, "thumbnails")));
  const entries = documents(folder).map((file) => {
    const document = JSON.parse(readFileSync(join(folder, file), "utf8")) as Document;
    const { meta = {} } = document;
    const name = file.slice(0, -".json".length);
    return { name, title: meta.title ?? name, description: meta.description ?? "", order: meta.order ?? 1000, zh: meta.zh ?? null, needs: neededModel(document), picture: pictures.has(`${name}.webp`) };
  });
  return JSON.stringify(entries.sort((left, right) => left.order - right.order || left.title.localeCompare(right.title)));
}

const documents = (folder: string): string[] => readdirSync(folder).filter((file) => file.endsWith(".json")).sort();

/** The workflows of the project become the templates of the page: `templates/index.json`, each document, each picture. */
export function templates(folder: string): Plugin {
  const files = (): Map<string, () => string | Buffer> =>
    new Map<string, () => string | Buffer>([
      ["templates/index.json", () => listed(folder)],
      ...documents(folder).map((file): [string, () => Buffer] => [`templates/${file}`, () => readFileSync(join(folder, file))]),
      ...readdirSync(join(folder, "thumbnails")).map((file): [string, () => Buffer] => [`templates/${file}`, () => readFileSync(join(folder, "thumbnails", file))]),
    ]);
  return {
    name: "kinograph-templates",
    generateBundle() {
      for (const [fileName, read] of files()) this.emitFile({ type: "asset", fileName, source: read() });
    },
    configureServer(server) {
      server.middlewares.use((request, response, next) => {
        const read = files().get((request.url ?? "").split("?")[0]?.slice(1) ?? "");
        if (read) response.end(read());
        else next();
      });
    },
  };
}
