/** Learn the time from one frame of a video to the next, from the frames that are shown. */

const LEAST = 0.004;

/** Call back with every shorter gap that is seen; the shortest is one frame. Returns how to stop. */
export function watchFrames(video: HTMLVideoElement, tell: (seconds: number) => void): () => void {
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
