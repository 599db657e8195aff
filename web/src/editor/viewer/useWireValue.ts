import { useEffect, useState } from "react";
import { Refused, ServerError, getJobValue, postValue } from "../../api/client";
import type { WireValue } from "../../api/protocol";
import type { SocketRef } from "../../graph/document";
import { toJson } from "../../graph/serialise";
import { useEditor } from "../../store/editor";
import { useRun } from "../../store/run";

export interface Looked {
  readonly value?: WireValue;
  /** The run from which the value is, where the graph as it stands now would give another one. */
  readonly job?: string;
  /** Why there is nothing to see, as the server says it. */
  readonly reason?: string;
  readonly asking: boolean;
}

const PAUSE_MS = 120;

const isSame = (left: WireValue | undefined, ref: SocketRef, path: readonly string[]): boolean =>
  left?.node === ref.node && left.output === ref.socket && left.path.join("\n") === path.join("\n");

/** What the graph as it stands gives there; else what the run that is shown gave; else why there is nothing. */
async function ask(ref: SocketRef, path: readonly string[]): Promise<Omit<Looked, "asking">> {
  const { document } = useEditor.getState();
  let reason: string;
  try {
    return { value: await postValue(toJson(document), ref.node, ref.socket, path) };
  } catch (error) {
    if (!(error instanceof ServerError || error instanceof Refused)) throw error;
    reason = error.message;
  }
  const { shown } = useRun.getState();
  if (shown === undefined) return { reason };
  try {
    return { value: await getJobValue(shown, ref.node, ref.socket, path), job: shown };
  } catch (error) {
    if (!(error instanceof ServerError || error instanceof Refused)) throw error;
    return { reason };
  }
}

/** The value of an output, asked for again whenever it can have become another one. */
export function useWireValue(ref: SocketRef, path: readonly string[]): Looked {
  const [looked, setLooked] = useState<Looked>({ asking: true });
  const plan = useRun((state) => state.plan[ref.node]);
  const state = useRun((run) => run.nodes[ref.node]?.state);
  const connection = useRun((run) => run.connection);
  const { node, socket } = ref;
  const place = path.join("\n");
  const settled = state !== "running" && state !== "waiting";
  useEffect(() => {
    let alive = true;
    const parts = place === "" ? [] : place.split("\n");
    setLooked((before) => (isSame(before.value, { node, socket }, parts) ? { ...before, asking: true } : { asking: true }));
    const timer = setTimeout(() => {
      ask({ node, socket }, parts).then(
        (found) => alive && setLooked({ ...found, asking: false }),
        (error: unknown) => alive && setLooked({ reason: error instanceof Error ? error.message : String(error), asking: false }),
      );
    }, PAUSE_MS);
    return () => {
      alive = false;
      clearTimeout(timer);
    };
  }, [node, socket, place, plan?.key, plan?.status, settled, connection]);
  return looked;
}
