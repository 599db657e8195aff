import { useEffect, useMemo, useState } from "react";
import { getFiles } from "../../api/client";
import type { OutputFile } from "../../api/protocol";
import { useRun } from "../../store/run";

export const KINDS = ["all", "video", "image"] as const;
export type Kind = (typeof KINDS)[number];

const PAGE = 60;
const PAUSE_MS = 250;

interface Found {
  readonly asked: string;
  readonly files: readonly OutputFile[];
  readonly total: number;
}

export interface Results {
  /** Undefined until the server has answered. */
  readonly files: readonly OutputFile[] | undefined;
  readonly total: number;
  readonly failed: string;
  readonly more: () => void;
}

/** What the server finds: newest first, by words of file names, titles, prompts and node types, a page at a time. */
export function useResults(words: string, kind: Kind): Results {
  const finished = useRun((state) => Object.values(state.jobs).filter((job) => job.finished).length);
  const connection = useRun((state) => state.connection);
  const [found, setFound] = useState<Found>();
  const [failed, setFailed] = useState("");
  const [pages, setPages] = useState(1);
  const asked = useMemo(() => new URLSearchParams({ ...(words && { search: words }), ...(kind !== "all" && { kind }) }).toString(), [words, kind]);
  useEffect(() => setPages(1), [asked]);
  useEffect(() => {
    let alive = true;
    const load = async (): Promise<void> => {
      try {
        const parts = await Promise.all(Array.from({ length: pages }, (_, page) => getFiles(`?limit=${PAGE}&offset=${page * PAGE}&${asked}`)));
        const files = new Map(parts.flatMap((part) => part.files).map((file) => [file.url, file]));
        if (alive) setFound({ asked, files: [...files.values()], total: parts[0]?.total ?? 0 });
        if (alive) setFailed("");
      } catch (error) {
        if (alive) setFailed(error instanceof Error ? error.message : String(error));
      }
    };
    const timer = setTimeout(() => void load(), words ? PAUSE_MS : 0);
    return () => {
      alive = false;
      clearTimeout(timer);
    };
  }, [asked, words, pages, finished, connection]);
  const shown = found?.asked === asked ? found : undefined;
  return { files: shown?.files, total: shown?.total ?? 0, failed, more: () => setPages((before) => before + 1) };
}
