import { useMemo } from "react";
import { containerOf, isBoundary } from "../../graph/bodies";
import { chosenFile } from "../../graph/chosenFile";
import type { Furnish } from "../../graph/place";
import { useRun } from "../../store/run";

/** Which nodes show a picture, player or text now: output nodes always have the room for it, those that read a file with one. */
export function useFurnish(): Furnish {
  const key = useRun((state) =>
    Object.entries(state.nodes)
      .filter(([, run]) => run.preview !== undefined || run.outputs !== undefined || run.ui !== undefined || run.question !== undefined)
      .map(([id]) => id)
      .sort()
      .join("\n"),
  );
  return useMemo(() => {
    const showing = new Set(key.split("\n"));
    const within = (path: string): boolean => [...showing].some((id) => id.startsWith(`${path}/`));
    return (path, info, record) => ({
      media: info?.output === true || showing.has(path) || chosenFile(info, record) !== undefined || (containerOf(record.type) !== undefined && within(path)),
      footer: !isBoundary(path.slice(path.lastIndexOf("/") + 1)),
    });
  }, [key]);
}
