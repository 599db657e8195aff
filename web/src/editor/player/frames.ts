/** The time of one frame of a video: as its file states it, else learnt from the frames that are shown. */

import { readBeginning } from "../../api/client";
import { frameRateOf } from "../../graph/frameRate";

const LEAST = 0.004;
const BEGINNING = 256 << 10;
const WHOLE = 16 << 20;
const HAIR = 1e-3;

/** Call back with the seconds from one frame to the next; more than once where they have to be learnt. Returns how to stop. */
export function learnFrames(video: HTMLVideoElement, url: string, tell: (seconds: number) => void): () => void {
  let stop = (): void => undefined;
  let alive = true;
  void statedRate(url).then((rate) => {
    if (!alive) return;
    if (rate === undefined) stop = watchFrames(video, tell);
    else tell(1 / rate);
  });
  return () => {
    alive = false;
    stop();
  };
}

async function statedRate(url: string): Promise<number | undefined> {
  try {
    const beginning = await readBeginning(url, BEGINNING);
    const stated = frameRateOf(beginning);
    return stated ?? (beginning.length < BEGINNING ? undefined : frameRateOf(await readBeginning(url, WHOLE)));
  } catch {
    return undefined; // not reached, or too large to be read for this
  }
}

/** The shortest gap between shown frames is one frame: on a busy machine some are left out. */
function watchFrames(video: HTMLVideoElement, tell: (seconds: number) => void): () => void {
  if (!("requestVideoFrameCallback" in video)) return () => undefined;
  let last = -1;
  let least = Number.POSITIVE_INFINITY;
  const seen: VideoFrameRequestCallback = (_now, { mediaTime }) => {
    const gap = mediaTime - last;
    if (last >= 0 && gap > LEAST && gap < least) {
      least = gap;
      tell(gap);
    }
    last = mediaTime;
    handle = video.requestVideoFrameCallback(seen);
  };
  let handle = video.requestVideoFrameCallback(seen);
  return () => video.cancelVideoFrameCallback(handle);
}

/** Which frame is shown, from 0. */
export function frameAt(time: number, seconds: number): number {
  return Math.floor(time / seconds + HAIR);
}

/** A moment at which the frame that is `direction` frames away is shown: its middle, which no rounding misses. */
export function momentOf(time: number, direction: number, seconds: number, all: number): number {
  const last = Math.max(0, Math.round(all / seconds) - 1);
  const frame = Math.min(last, Math.max(0, frameAt(time, seconds) + direction));
  return (frame + 0.5) * seconds;
}
