/** The templates of the empty start. Each is an ordinary workflow document. */

import type { MessageKey } from "../../i18n";
import sideBySide from "./documents/side-by-side.json";
import textToPicture from "./documents/text-to-picture.json";
import textToVideo from "./documents/text-to-video.json";
import videoToVideo from "./documents/video-to-video.json";

export interface Template {
  readonly id: "text-to-video" | "text-to-picture" | "side-by-side" | "video-to-video";
  readonly title: MessageKey;
  readonly text: MessageKey;
  readonly workflow: unknown;
}

export const TEMPLATES: readonly Template[] = [
  { id: "text-to-video", title: "template.t2v", text: "template.t2v.text", workflow: textToVideo },
  { id: "text-to-picture", title: "template.t2p", text: "template.t2p.text", workflow: textToPicture },
  { id: "side-by-side", title: "template.two", text: "template.two.text", workflow: sideBySide },
  { id: "video-to-video", title: "template.v2v", text: "template.v2v.text", workflow: videoToVideo },
];
