import { useCallback, useEffect, useState, type RefObject } from "react";
import { momentOf } from "../player/frames";

type Video = RefObject<HTMLVideoElement | null>;

export interface Pair {
  readonly playing: boolean;
  readonly now: number;
  readonly all: number;
  readonly rate: number;
  toggle(): void;
  step(direction: number): void;
  seek(seconds: number): void;
  setRate(rate: number): void;
}

const USUAL_FRAME = 1 / 24;
const LEAST_FRAME = 0.004;

/** Two videos as one: the left leads, the right follows it to the frame; the right may be shorter. */
export function usePair(left: Video, right: Video): Pair {
  const [playing, setPlaying] = useState(false);
  const [rate, setRateState] = useState(1);
  const [time, setTime] = useState({ now: 0, all: 0 });

  useEffect(() => {
    let frame = 0;
    void left.current?.play().catch(() => undefined); // not by the attribute: the browser would start it again by itself
    const follow = (): void => {
      frame = requestAnimationFrame(follow);
      const [leader, follower] = [left.current, right.current];
      if (!leader) return;
      if (follower && !follower.seeking && Number.isFinite(follower.duration)) {
        const wanted = Math.min(leader.currentTime, follower.duration);
        const tolerance = leader.paused ? LEAST_FRAME : 0.06;
        if (Math.abs(follower.currentTime - wanted) > tolerance) follower.currentTime = wanted;
        if (leader.paused !== follower.paused && wanted < follower.duration) {
          if (leader.paused) follower.pause();
          else void follower.play().catch(() => undefined);
        }
      }
      setPlaying(!leader.paused);
      const all = Number.isFinite(leader.duration) ? leader.duration : 0;
      setTime((before) => (before.now === leader.currentTime && before.all === all ? before : { now: leader.currentTime, all }));
    };
    frame = requestAnimationFrame(follow);
    return () => cancelAnimationFrame(frame);
  }, [left, right]);

  const seek = useCallback(
    (seconds: number) => {
      const leader = left.current;
      if (!leader) return;
      leader.pause();
      const all = leader.duration || 0;
      const now = Math.min(Math.max(0, seconds), all);
      leader.currentTime = now;
      setTime({ now, all }); // at once, or the slider would fall back to where it was
    },
    [left],
  );
  const step = useCallback((direction: number) => seek(momentOf(left.current?.currentTime ?? 0, direction, frameSeconds(left.current), left.current?.duration ?? 0)), [left, seek]);
  const toggle = useCallback(() => {
    const leader = left.current;
    if (leader?.paused) void leader.play().catch(() => undefined);
    else leader?.pause();
  }, [left]);
  const setRate = useCallback(
    (wanted: number) => {
      for (const video of [left.current, right.current]) if (video) video.playbackRate = wanted;
      setRateState(wanted);
    },
    [left, right],
  );
  return { playing, rate, ...time, toggle, step, seek, setRate };
}

/** The time of one frame as far as it is known, else the usual one. */
function frameSeconds(video: HTMLVideoElement | null): number {
  const known = Number(video?.dataset.frameSeconds);
  return known > LEAST_FRAME ? known : USUAL_FRAME;
}
