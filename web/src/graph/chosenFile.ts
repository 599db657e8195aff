/** The picture or clip that a node reads, as its own value names it. */

import type { NodeTypeInfo } from "../api/protocol";
import type { NodeRecord } from "./document";

/** What browsers play or show themselves. */
const MEDIA_TYPES: Readonly<Record<string, string>> = {
  bmp: "image/bmp",
  gif: "image/gif",
  jpeg: "image/jpeg",
  jpg: "image/jpeg",
  m4v: "video/mp4",
  mp4: "video/mp4",
  png: "image/png",
  webm: "video/webm",
  webp: "image/webp",
};

export interface ChosenFile {
  /** Below the folder for inputs. */
  readonly name: string;
  readonly mediaType: string;
}

/** The file that an input for pictures or clips names; undefined without one, or where no browser can show it. */
export function chosenFile(info: NodeTypeInfo | undefined, record: NodeRecord): ChosenFile | undefined {
  for (const { name: socket, widget } of info?.inputs ?? []) {
    const name = record.values[socket];
    if ((widget?.file_kind !== "image" && widget?.file_kind !== "video") || typeof name !== "string") continue;
    const mediaType = MEDIA_TYPES[name.slice(name.lastIndexOf(".") + 1).toLowerCase()];
    if (mediaType !== undefined && !name.startsWith("/") && !name.includes(":")) return { name, mediaType };
  }
  return undefined;
}
