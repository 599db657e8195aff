import { useCallback, useEffect, useState } from "react";
import { getModels } from "../../api/client";

const FRESH = 5000;
let known: { readonly since: number; readonly names: Promise<readonly string[]> } | undefined;

function askedFor(): Promise<readonly string[]> {
  if (!known || Date.now() - known.since > FRESH) {
    known = { since: Date.now(), names: getModels().then((reply) => reply.models.map((model) => model.name), () => []) };
  }
  return known.names;
}

/** The models that the server knows, and a way to ask again: a workflow may have saved one since. */
export function useModels(wanted: boolean): readonly [readonly string[], () => void] {
  const [models, setModels] = useState<readonly string[]>([]);
  const [asked, setAsked] = useState(0);
  useEffect(() => {
    if (!wanted) return undefined;
    let alive = true;
    void askedFor().then((names) => {
      if (alive) setModels(names);
    });
    return () => {
      alive = false;
    };
  }, [wanted, asked]);
  return [models, useCallback(() => setAsked((count) => count + 1), [])];
}
