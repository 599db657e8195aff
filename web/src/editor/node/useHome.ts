import { useMemo } from "react";
import { pathOf } from "../../graph/bodies";
import { homesOf, faceName } from "../../graph/homes";
import type { SocketRef } from "../../graph/document";
import type { Placed } from "../../graph/place";
import { useEditor } from "../../store/editor";

/** Where the value of an input lives, by path: at the node itself, or at the inner node that a sub-graph shows it for. */
export function useHome(placed: Placed, socket: string): SocketRef {
  const { path, id, record } = placed;
  return useMemo(() => {
    if (faceName(record, socket) === undefined) return { node: path, socket };
    const { view, scope } = useEditor.getState();
    const [home] = homesOf({ ...view, nodes: { ...view.nodes, [id]: record } }, { node: id, socket });
    return home ? { node: pathOf([...scope, ...home.scope], home.node), socket: home.socket } : { node: path, socket };
  }, [path, id, record, socket]);
}
