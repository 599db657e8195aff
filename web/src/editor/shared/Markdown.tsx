import DOMPurify from "dompurify";
import { marked } from "marked";
import { memo, useMemo } from "react";

/** Markdown as safe HTML: no scripts, no styles, no remote pictures; links open apart. */
function render(text: string): string {
  const html = marked.parse(text, { async: false, gfm: true, breaks: true });
  const clean = DOMPurify.sanitize(html, {
    FORBID_TAGS: ["style", "img", "video", "audio", "iframe", "form", "input", "svg", "math"],
    FORBID_ATTR: ["style", "id", "class"],
  });
  return clean.replaceAll("<a ", '<a target="_blank" rel="noopener noreferrer" ');
}

/** Text in Markdown: notes and documentation of nodes. */
export const Markdown = memo(function Markdown({ text }: { readonly text: string }) {
  const html = useMemo(() => render(text), [text]);
  return <div className="markdown nowheel" dangerouslySetInnerHTML={{ __html: html }} />;
});
