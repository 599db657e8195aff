import { useEffect } from "react";
import { ServerError, getJobs, getNodeTypes, getWorkflow } from "../api/client";
import type { StreamEvent } from "../api/protocol";
import { openStream, type Connection } from "../api/stream";
import { startWith, useEditor } from "../store/editor";
import { watchMistakes } from "../store/mistakes";
import { takeNodeTypes, watchNames } from "../store/nodeTypes";
import { followQueue } from "../store/follow";
import { watchPlan } from "../store/plan";
import { receiveEvent, receiveJobs, receivePreview, useRun } from "../store/run";
import { normalise } from "../graph/normalise";
import { pluginTroubles } from "../graph/pluginTroubles";
import { usePluginTroubles } from "../store/pluginTroubles";
import { setUi, toast } from "../store/ui";
import { setWebParts } from "../store/webParts";
import { beginAnew, recover, watchSaving } from "./actions/autosave";
import { recoverResults, rememberResults } from "./actions/recoverResults";
import { retell } from "./actions/run";
import { documentFromLink } from "./actions/files";
import { sharedForm } from "./actions/shareForm";
import { tr } from "./actions/tr";

const RETRY_MS = 1500;

/** Load the node types, again until the server answers. */
async function loadTypes(alive: () => boolean): Promise<void> {
  for (;;) {
    try {
      const { node_types: types, web_parts: parts, plugin_errors: errors } = await getNodeTypes();
      usePluginTroubles.setState({ troubles: pluginTroubles(errors) });
      if (types.length > 0) {
        setWebParts(parts);
        await takeNodeTypes(types);
        return;
      }
    } catch (error) {
      if (!alive()) return;
      console.warn("node types:", error);
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    if (!alive()) return;
  }
}

async function openFirst(): Promise<void> {
  const form = sharedForm();
  if (form !== undefined) {
    try {
      startWith(normalise(await getWorkflow(form)).document);
    } catch (error) {
      setUi({ missingForm: error instanceof ServerError && error.status === 404 ? tr("form.missing", { name: form }) : tr("save.failed") });
    }
    return;
  }
  try {
    const linked = await documentFromLink(location.hash);
    if (linked) {
      history.replaceState(null, "", location.pathname + location.search);
      startWith(linked);
      return;
    }
  } catch {
    toast("error", tr("link.broken"));
  }
  const empty = useEditor.getState().document;
  const recovered = await recover();
  if (useEditor.getState().document !== empty) beginAnew(); // the person did not wait: what was open last stays where it is kept
  else if (recovered) startWith(recovered);
}

/** Events about nodes and jobs go to the run; some ask for something to be loaded anew. */
function onEvent(event: StreamEvent): void {
  if (event.type === "node_types_changed") void loadTypes(() => true);
  if (event.type === "resync") {
    getJobs("?limit=100").then(
      (page) => receiveJobs(page.jobs),
      () => undefined,
    );
    const { shown } = useRun.getState();
    if (shown !== undefined) void retell(shown);
  }
  receiveEvent(event);
}

/** What lasts as long as the page: node types, the stream, autosave, judging, the plan. */
export function useSession(): void {
  useEffect(() => {
    let alive = true;
    const stops: (() => void)[] = [watchMistakes(), watchPlan(), watchNames(), followQueue(), rememberResults()];
    void loadTypes(() => alive);
    void openFirst().then(() => {
      // who fills in somebody's form changes neither the form nor what this browser has open
      if (alive && sharedForm() === undefined) stops.push(watchSaving());
      if (alive) void recoverResults();
    });
    void getJobs("?limit=100")
      .then(
        (page) => {
          receiveJobs(page.jobs);
          return page.n;
        },
        () => undefined,
      )
      .then((after) => {
        if (!alive) return;
        const connection = (state: Connection): void => useRun.setState({ connection: state });
        stops.push(openStream({ event: onEvent, preview: receivePreview, connection }, after));
      });
    return () => {
      alive = false;
      for (const stop of stops) stop();
    };
  }, []);
}
