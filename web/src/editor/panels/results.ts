import type { JobSummary, OutputFile } from "../../api/protocol";
import type { ComparedSide } from "../../store/ui";

/** The video of a job, else its picture. */
export function shownFile(job: JobSummary): OutputFile | undefined {
  const seen = job.outputs.filter((file) => /^(video|image)\//.test(file.media_type));
  return seen.find((file) => file.media_type.startsWith("video/")) ?? seen[0];
}

/** A job as one side of a comparison; undefined where it made nothing to see. */
export function resultOf(job: JobSummary): ComparedSide | undefined {
  const file = shownFile(job);
  return file && { url: file.url, mediaType: file.media_type, job: job.id };
}
