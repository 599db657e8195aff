/** Groups and notes: the furniture of the canvas that is not computed. */

import { freshElementId, type Group, type Note, type NodeId, type Rect, type WorkflowDocument } from "./document";

type Command = (document: WorkflowDocument) => WorkflowDocument;
type Kind = "groups" | "notes";

const MARGIN = 24;
const TITLE = 40;

/** The smallest rectangle around rectangles; undefined for none. */
export function around(rects: readonly Rect[]): Rect | undefined {
  if (rects.length === 0) return undefined;
  const x = Math.min(...rects.map((rect) => rect.x));
  const y = Math.min(...rects.map((rect) => rect.y));
  return {
    x,
    y,
    width: Math.max(...rects.map((rect) => rect.x + rect.width)) - x,
    height: Math.max(...rects.map((rect) => rect.y + rect.height)) - y,
  };
}

/** A group around the given rectangles. */
export function addGroup(rects: readonly Rect[], title: string): Command {
  return (document) => {
    const rect = around(rects);
    if (rect === undefined) return document;
    const group: Group = {
      id: freshElementId(document.layout.groups, "group"),
      title,
      x: rect.x - MARGIN,
      y: rect.y - MARGIN - TITLE,
      width: rect.width + 2 * MARGIN,
      height: rect.height + 2 * MARGIN + TITLE,
    };
    return { ...document, layout: { ...document.layout, groups: [...document.layout.groups, group] } };
  };
}

export function addNote(place: { readonly x: number; readonly y: number }, text: string): Command {
  return (document) => {
    const note: Note = { id: freshElementId(document.layout.notes, "note"), text, ...place, width: 280, height: 160 };
    return { ...document, layout: { ...document.layout, notes: [...document.layout.notes, note] } };
  };
}

/** Change a group or a note; moving a group moves nothing else (the caller moves its members). */
export function changeBox(kind: Kind, id: string, change: Partial<Group & Note>): Command {
  return (document) => {
    const boxes: readonly (Group | Note)[] = document.layout[kind];
    const changed = boxes.map((box) => (box.id === id ? { ...box, ...change } : box));
    if (JSON.stringify(changed) === JSON.stringify(boxes)) return document;
    return { ...document, layout: { ...document.layout, [kind]: changed } };
  };
}

export function removeBoxes(kind: Kind, ids: ReadonlySet<string>): Command {
  return (document) => {
    const boxes: readonly (Group | Note)[] = document.layout[kind];
    const kept = boxes.filter((box) => !ids.has(box.id));
    return kept.length === boxes.length ? document : { ...document, layout: { ...document.layout, [kind]: kept } };
  };
}

/** The nodes and notes that lie in a group (by their centre). */
export function membersOf(
  group: Rect,
  rects: Readonly<Record<NodeId, Rect>>,
): readonly NodeId[] {
  return Object.entries(rects)
    .filter(([, rect]) => {
      const x = rect.x + rect.width / 2;
      const y = rect.y + rect.height / 2;
      return x >= group.x && y >= group.y && x <= group.x + group.width && y <= group.y + group.height;
    })
    .map(([id]) => id);
}
