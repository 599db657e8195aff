import { memo } from "react";
import { fileUrl } from "../../api/client";
import { chosenFile } from "../../graph/chosenFile";
import { MEDIA } from "../../graph/geometry";
import type { Placed } from "../../graph/place";
import { Player } from "../player/Player";
import { titleOf } from "../shared/titles";
import { useT } from "../useT";
import { Question } from "./Question";
import { UiValue } from "./UiValue";
import { useNodeRun } from "./useNodeState";

interface Props {
  readonly placed: Placed;
  readonly y: number;
}

/** What a node has made, where it was made: the live preview, then the player, the picture, the text. Before that, the file that it reads. */
export const NodeMedia = memo(function NodeMedia({ placed, y }: Props) {
  const t = useT();
  const run = useNodeRun(placed);
  const output = run?.outputs?.[0];
  const file = chosenFile(placed.info, placed.record);
  const busy = run?.state === "running" || run?.state === "waiting";
  return (
    <div className="node-media nodrag" style={{ top: y, height: MEDIA }}>
      {run?.question && <Question node={placed.id} text={run.question.text} choices={run.question.choices} />}
      {output && !(busy && run.preview) ? (
        <Player
          url={output.url ?? fileUrl(output.path)}
          mediaType={output.media_type}
          title={titleOf(placed)}
          path={output.path}
          faded={busy}
        />
      ) : run?.preview ? (
        <img className="media-fill" src={run.preview.url} alt={t("preview.of", { title: titleOf(placed) })} draggable={false} />
      ) : run?.ui ? (
        <UiValue value={run.ui} />
      ) : file ? (
        <Player url={fileUrl(`inputs/${file.name}`)} mediaType={file.mediaType} title={file.name} path={file.name} />
      ) : (
        <span className="media-empty">{t("media.empty")}</span>
      )}
    </div>
  );
});
