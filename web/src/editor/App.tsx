import { ReactFlowProvider } from "@xyflow/react";
import { lazy, Suspense, useEffect } from "react";
import { useUi } from "../store/ui";
import { Canvas } from "./canvas/Canvas";
import { Breadcrumbs } from "./chrome/Breadcrumbs";
import { OpenDialog } from "./files/OpenDialog";
import { SaveAsDialog } from "./files/SaveAsDialog";
import { ShortcutOverview } from "./chrome/ShortcutOverview";
import { Start } from "./chrome/Start";
import { Toasts } from "./chrome/Toasts";
import { TopBar } from "./chrome/TopBar";
import { DropZone } from "./chrome/DropZone";
import { FormPage } from "./form/FormPage";
import { ContextMenu } from "./menu/ContextMenu";
import { Palette } from "./palette/Palette";
import { SidePanel } from "./panels/SidePanel";
import { PlayerDialog } from "./player/PlayerDialog";
import { ViewerTray } from "./viewer/ViewerTray";
import { useGlobalKeys } from "./useGlobalKeys";
import { useT } from "./useT";
import { useSession } from "./useSession";
import { WireDialog } from "./wires/WireDialog";

const CompareDialog = lazy(() => import("./compare/CompareDialog").then((module) => ({ default: module.CompareDialog })));
const DiffDialog = lazy(() => import("./diff/DiffDialog").then((module) => ({ default: module.DiffDialog })));
const ForkDialog = lazy(() => import("./fork/ForkDialog").then((module) => ({ default: module.ForkDialog })));

/** Dialogs that are loaded when they are wanted first. */
function RareDialogs() {
  const compare = useUi((state) => state.compare !== undefined);
  const diff = useUi((state) => state.diff !== undefined);
  const fork = useUi((state) => state.fork !== undefined);
  return (
    <Suspense fallback={null}>
      {compare && <CompareDialog />}
      {diff && <DiffDialog />}
      {fork && <ForkDialog />}
    </Suspense>
  );
}

/** The whole editor. `?view=form` shows the form alone, for phones and links. */
export function App() {
  const theme = useUi((state) => state.theme);
  const language = useUi((state) => state.language);
  const t = useT();
  const formOnly = new URLSearchParams(location.search).get("view") === "form";
  useSession();
  useGlobalKeys();
  useEffect(() => {
    document.documentElement.dataset.theme = theme;
    document.documentElement.lang = language === "zh" ? "zh-Hans" : "en";
  }, [theme, language]);
  if (formOnly) {
    return (
      <>
        <FormPage />
        <PlayerDialog />
        <Toasts />
      </>
    );
  }
  return (
    <ReactFlowProvider>
      <div className="app">
        <TopBar />
        <main className="stage">
          <h1 className="unseen">{t("top.heading")}</h1>
          <Canvas />
          <Breadcrumbs />
          <Start />
          <ViewerTray />
          <DropZone />
        </main>
        <SidePanel />
        <Palette />
        <WireDialog />
        <ContextMenu />
        <OpenDialog />
        <SaveAsDialog />
        <ShortcutOverview />
        <RareDialogs />
        <PlayerDialog />
        <Toasts />
      </div>
    </ReactFlowProvider>
  );
}
