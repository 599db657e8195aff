import type { TensorFigures } from "../../api/protocol";
import { bytesText } from "../shared/quantities";
import { useT } from "../useT";

/** A number short enough for a table, exact enough to compare. */
export function numberText(value: number | null): string {
  if (value === null) return "–";
  const size = Math.abs(value);
  if (value === 0 || (size >= 0.001 && size < 1e6)) return String(Number(value.toPrecision(5)));
  return value.toExponential(3);
}

/** Shape and statistics of a tensor. Numbers that are none stand out. */
export function Figures({ tensor }: { readonly tensor: TensorFigures }) {
  const t = useT();
  const rows: readonly (readonly [string, string, boolean?])[] = [
    [t("figure.shape"), tensor.shape.join(" × ") || "1"],
    [t("figure.dtype"), `${tensor.dtype} · ${tensor.device} · ${bytesText(tensor.nbytes)}`],
    [t("figure.range"), `${numberText(tensor.minimum)} … ${numberText(tensor.maximum)}`],
    [t("figure.mean"), `${numberText(tensor.mean)} ± ${numberText(tensor.deviation)}`],
    ...(tensor.nan > 0 ? [[t("figure.nan"), tensor.nan.toLocaleString(), true] as const] : []),
    ...(tensor.infinite > 0 ? [[t("figure.infinite"), tensor.infinite.toLocaleString(), true] as const] : []),
  ];
  return (
    <dl className="figures">
      {rows.map(([name, text, bad]) => (
        <div key={name} className={bad ? "figures-bad" : ""}>
          <dt>{name}</dt>
          <dd>{text}</dd>
        </div>
      ))}
    </dl>
  );
}
