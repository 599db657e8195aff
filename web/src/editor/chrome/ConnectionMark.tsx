import { useRun } from "../../store/run";
import { useT } from "../useT";

/** Shown only while the server is not reached. */
export function ConnectionMark() {
  const t = useT();
  const connection = useRun((state) => state.connection);
  if (connection === "open") return null;
  return (
    <span className="connection" role="status">
      <span className="connection-dot" aria-hidden="true" />
      {t(connection === "lost" ? "connection.lost" : "connection.connecting")}
    </span>
  );
}
