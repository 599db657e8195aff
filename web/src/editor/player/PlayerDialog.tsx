import { setUi, useUi } from "../../store/ui";
import { Dialog } from "../chrome/Dialog";
import { Player } from "./Player";

/** One result, large. */
export function PlayerDialog() {
  const player = useUi((state) => state.player);
  if (!player) return null;
  return (
    <Dialog title={player.title} wide onClose={() => setUi({ player: undefined })}>
      <Player url={player.url} mediaType={player.mediaType} title={player.title} large />
    </Dialog>
  );
}
