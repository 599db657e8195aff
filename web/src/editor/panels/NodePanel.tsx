import { INPUTS, containerOf, isBoundary } from "../../graph/bodies";
import { toggleExposed } from "../../graph/nesting";
import { toggleFormInput } from "../../graph/commands";
import { formOutputs, toggleFormOutput } from "../../graph/form";
import { useCanvas } from "../../store/canvas";
import { apply, applyWhole, useEditor } from "../../store/editor";
import { useMistakes } from "../../store/mistakes";
import { useRun } from "../../store/run";
import { useUi } from "../../store/ui";
import { Icon } from "../shared/Icon";
import { Markdown } from "../shared/Markdown";
import { bytesText, secondsText } from "../shared/quantities";
import { SocketShape } from "../shared/SocketShape";
import { titleOf } from "../shared/titles";
import { isMessage } from "../../i18n";
import { whyText } from "../node/reasons";
import { isAbout, useNodePlan, useNodeRun } from "../node/useNodeState";
import { useT } from "../useT";
import { FaceEditor } from "./FaceEditor";

const NOBODY = { path: "", record: { type: "", values: {} } };

/** Everything about the selected node: documentation, sockets, the last run, what is wrong. */
export function NodePanel() {
  const t = useT();
  const language = useUi((state) => state.language);
  const id = useEditor((state) => (state.selection.nodes.size === 1 ? [...state.selection.nodes][0] : undefined));
  const inputs = useEditor((state) => state.document.inputs);
  const scope = useEditor((state) => state.scope);
  const view = useEditor((state) => state.view);
  const placed = useCanvas((state) => (id === undefined ? undefined : state.placed.get(id)));
  const path = placed?.path ?? "";
  const named = placed ?? NOBODY;
  const run = useNodeRun(named);
  const plan = useNodePlan(named);
  const refused = useRun((state) => state.problems);
  const foreseen = useRun((state) => state.foreseen);
  const catalogue = useEditor((state) => state.catalogue);
  const whole = useEditor((state) => state.document);
  const own = useMistakes((state) => state.byNode.get(path));
  if (id === undefined || !placed) {
    return (
      <div className="empty">
        <Icon name="info" size={32} />
        <p>{t("details.empty")}</p>
      </div>
    );
  }
  const { info } = placed;
  const why = plan ? whyText(plan, t) : "";
  const face = containerOf(placed.record.type)
    ? { outside: scope, id }
    : isBoundary(id) && scope.length > 0
      ? { outside: scope.slice(0, -1), id: scope.at(-1) ?? "" }
      : undefined;
  const shown = (socket: string): boolean => view.edges.some((edge) => edge.from.node === INPUTS && edge.to.node === id && edge.to.socket === socket);
  const problems = (refused.length > 0 ? refused : foreseen).filter(
    (problem) => isAbout(problem, placed) && !own?.some((mistake) => mistake.socket === problem.socket),
  );
  const resultsInForm = formOutputs(whole, catalogue);
  const inForm = (socket: string): boolean => Object.values(inputs).some((input) => input.node === path && input.socket === socket);
  return (
    <div className="details">
      <h3 className="details-title">{titleOf(placed)}</h3>
      <p className="details-id">
        <code>{id}</code> · {placed.record.type}
        {info?.plugin && ` · ${info.plugin}`}
      </p>
      {problems.map((problem) => (
        <div className="callout callout-bad" key={`${problem.socket}${problem.message}`}>
          <strong>{problem.socket || titleOf(placed)}</strong>
          <p>{problem.message}</p>
          {problem.wanted && <p>{t("details.wanted", { wanted: problem.wanted })}</p>}
        </div>
      ))}
      {own?.map((mistake) => (
        <div className={`callout${mistake.level !== "notice" ? " callout-bad" : ""}`} key={mistake.socket + mistake.message}>
          <strong>{mistake.socket || titleOf(placed)}</strong>
          <p>{isMessage(mistake.message) ? t(mistake.message, mistake.fill) : mistake.message}</p>
        </div>
      ))}
      {run?.state === "failed" && (
        <div className="callout callout-bad">
          <strong>{t("state.failed")}</strong>
          <p>{run.error}</p>
          {run.details && (
            <details>
              <summary>{t("details.trace")}</summary>
              <pre>{run.details}</pre>
            </details>
          )}
        </div>
      )}
      {run?.warnings?.map((warning, place) => (
        <div className="callout callout-warn" key={place}>
          <p>{warning}</p>
        </div>
      ))}
      {placed.sockets.ghost && <div className="callout">{t("details.ghost")}</div>}
      {(run || plan) && (
        <dl className="facts-list">
          {run && <Fact name={t("details.state")} value={t(`state.${run.state}`)} />}
          {run?.seconds !== undefined && <Fact name={t("details.time")} value={secondsText(run.seconds, language)} />}
          {run?.memory !== undefined && <Fact name={t("details.size")} value={bytesText(run.memory)} />}
          {plan && <Fact name={t("details.next")} value={t(`plan.is.${plan.status}`)} />}
          {why && <Fact name={t("details.why")} value={why} />}
          {plan?.where && <Fact name={t("details.where")} value={plan.where} />}
        </dl>
      )}
      {face && <FaceEditor outside={face.outside} id={face.id} />}
      {info && <Markdown text={info.doc || info.summary} />}
      <h4>{t("details.inputs")}</h4>
      <ul className="socket-list">
        {placed.sockets.inputs.map((socket) => (
          <li key={socket.name}>
            <SocketShape type={socket.type} filled={placed.wired.has(socket.name)} />
            <span>
              <strong>{socket.name}</strong> <small>{socket.type.name}</small>
              {socket.info?.doc && <p>{socket.info.doc}</p>}
            </span>
            <span className="socket-checks">
              {scope.length > 0 && !isBoundary(id) && !socket.spare && (!placed.wired.has(socket.name) || shown(socket.name)) && (
                <label className="in-form">
                  <input type="checkbox" checked={shown(socket.name)} onChange={() => apply(toggleExposed({ node: id, socket: socket.name }), "step.face")} />
                  {t("details.onFace")}
                </label>
              )}
              {socket.widget && (!placed.wired.has(socket.name) || placed.open.has(socket.name)) && (
                <label className="in-form">
                  <input type="checkbox" checked={inForm(socket.name)} onChange={() => applyWhole(toggleFormInput({ node: path, socket: socket.name }, socket.label), "step.form")} />
                  {t("details.inForm")}
                </label>
              )}
            </span>
          </li>
        ))}
      </ul>
      <h4>{t("details.outputs")}</h4>
      {info?.output && (
        <label className="in-form">
          <input type="checkbox" checked={resultsInForm.includes(path)} onChange={() => applyWhole(toggleFormOutput(path, catalogue), "step.form")} />
          {t("details.resultInForm")}
        </label>
      )}
      <ul className="socket-list">
        {placed.sockets.outputs.map((output) => (
          <li key={output.name}>
            <SocketShape type={output.type} filled={placed.read.has(output.name)} />
            <span>
              <strong>{output.name}</strong> <small>{output.type.name}</small>
              {output.doc && <p>{output.doc}</p>}
            </span>
          </li>
        ))}
      </ul>
    </div>
  );
}

function Fact({ name, value }: { readonly name: string; readonly value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}
