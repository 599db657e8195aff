import { useEditor } from "../../store/editor";
import { useUi } from "../../store/ui";
import { ConnectionMark } from "../chrome/ConnectionMark";
import { RunControls } from "../chrome/RunControls";
import { useT } from "../useT";
import { FormPanel } from "./FormPanel";

/** The form alone: for phones, and for people who get a link. */
export function FormPage() {
  const t = useT();
  const meta = useEditor((state) => state.document.meta);
  const missing = useUi((state) => state.missingForm);
  return (
    <main className="form-page">
      <header>
        <h1>{typeof meta.title === "string" && meta.title ? meta.title : t("top.untitled")}</h1>
        {typeof meta.description === "string" && <p>{meta.description}</p>}
        <ConnectionMark />
      </header>
      {missing === undefined ? <FormPanel /> : <p className="callout callout-bad" role="alert">{missing}</p>}
      <footer className="form-run">
        <RunControls />
      </footer>
    </main>
  );
}
