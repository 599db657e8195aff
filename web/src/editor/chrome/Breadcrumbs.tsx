import { Fragment } from "react";
import { viewAt } from "../../graph/bodies";
import { enter, useEditor } from "../../store/editor";
import { leave } from "../actions/nesting";
import { Icon } from "../shared/Icon";
import { titleText } from "../shared/titles";
import { useT } from "../useT";

/** Where in the workflow the person is, while inside of a sub-graph: each name leads there. */
export function Breadcrumbs() {
  const t = useT();
  const scope = useEditor((state) => state.scope);
  const document = useEditor((state) => state.document);
  const catalogue = useEditor((state) => state.catalogue);
  if (scope.length === 0) return null;
  const title = typeof document.meta.title === "string" && document.meta.title !== "" ? document.meta.title : t("top.untitled");
  const names = scope.map((id, depth) => titleText(viewAt(document, scope.slice(0, depth))?.nodes[id], catalogue));
  return (
    <nav className="breadcrumbs" aria-label={t("crumbs.label")}>
      <button type="button" className="icon-button" aria-label={t("subgraph.leave")} title={`${t("subgraph.leave")} (Ctrl+↑)`} onClick={leave}>
        <Icon name="back" size={16} />
      </button>
      {[title, ...names].map((name, depth) => (
        <Fragment key={depth}>
          {depth > 0 && <span aria-hidden="true">›</span>}
          <button type="button" className="crumb" aria-current={depth === scope.length ? "location" : undefined} onClick={() => enter(scope.slice(0, depth))}>
            {name}
          </button>
        </Fragment>
      ))}
    </nav>
  );
}
