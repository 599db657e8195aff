import { useEffect, useState } from "react";
import { getModels } from "../../api/client";

let known: Promise<readonly string[]> | undefined;

/** The models that the server knows; asked for once. */
export function useModels(wanted: boolean): readonly string[] {
  const [models, setModels] = useState<readonly string[]>([]);
  useEffect(() => {
    if (!wanted) return undefined;
    let alive = true;
    known ??= getModels().then((reply) => reply.models.map((model) => model.name), () => []);
    void known.then((names) => {
      if (alive) setModels(names);
    });
    return () => {
      alive = false;
    };
  }, [wanted]);
  return models;
}
