/** What samplers showed step by step in the runs that this tab has seen: to choose a step to fork from by its picture. */

export interface FilmFrame {
  readonly step: number;
  readonly url: string;
}

export interface Film {
  readonly total: number | undefined;
  readonly frames: readonly FilmFrame[];
}

const MOST_FILMS = 12;
const MOST_FRAMES = 120;
const films = new Map<string, Film>();
const name = (job: string, node: string): string => `${job}|${node}`;

/** Remember the picture of a step. The oldest films are let go. */
export function filmFrame(job: string, node: string, step: number, total: number | undefined, image: Blob): void {
  if (step < 1) return;
  const key = name(job, node);
  const before = films.get(key);
  films.delete(key);
  const frame = { step, url: URL.createObjectURL(image) };
  const others = (before?.frames ?? []).filter((other) => other.step !== step || !revoked(other));
  films.set(key, { total: total ?? before?.total, frames: [...others, frame].sort((left, right) => left.step - right.step).slice(-MOST_FRAMES) });
  for (const [oldest, film] of films) {
    if (films.size <= MOST_FILMS) break;
    film.frames.forEach(revoked);
    films.delete(oldest);
  }
}

function revoked(frame: FilmFrame): true {
  URL.revokeObjectURL(frame.url);
  return true;
}

/** The pictures of a sampler's steps, if this tab saw them. */
export function filmOf(job: string, node: string): Film | undefined {
  return films.get(name(job, node));
}
