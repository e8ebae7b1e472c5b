/** The module of a worker thread of `bptt tag --threads`: a tagger of its own, which does one job after another. */
import { createTagger } from '../labeling/model/tagger.js';
import { loadModel } from '../labeling/model/file.js';
import { openBackend } from './backend.js';
import { named } from './model-io.js';
import { openOwnCell } from './own-cell.js';
import { serveJobs } from './pool/serve-jobs.js';
import type { TagJob, TagResult, TagSettings } from './tag-jobs.js';
import { answer } from './tag-jobs.js';

/** What a worker needs. */
export interface TagWorkerData {
  /** The model file, and its path for messages. */
  readonly bytes: Uint8Array;
  readonly path: string;
  /** The file of the user's own cell. */
  readonly cell?: string;
  readonly backend: string;
  readonly settings: TagSettings;
}

serveJobs<TagWorkerData, TagJob, TagResult>(async ({ bytes, path, cell, backend, settings }) => {
  const own = await openOwnCell(cell);
  const { kernels } = await openBackend(backend, process, 2);
  const tagger = createTagger(
    named(path, () => loadModel(bytes, own)),
    kernels,
  );
  return (job) => answer(tagger, settings, job);
});
