import { useEditor } from "../../store/editor";
import { ConnectionMark } from "../chrome/ConnectionMark";
import { RunControls } from "../chrome/RunControls";
import { useT } from "../useT";
import { FormPanel } from "./FormPanel";

/** The form alone: for phones, and for people who get a link. */
export function FormPage() {
  const t = useT();
  const meta = useEditor((state) => state.document.meta);
  return (
    <main className="form-page">
      <header>
        <h1>{typeof meta.title === "string" && meta.title ? meta.title : t("top.untitled")}</h1>
        {typeof meta.description === "string" && <p>{meta.description}</p>}
        <ConnectionMark />
      </header>
      <FormPanel />
      <footer className="form-run">
        <RunControls />
      </footer>
    </main>
  );
}
