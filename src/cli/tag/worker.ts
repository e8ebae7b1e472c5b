/** The module of a worker thread of `bptt tag --threads`: its own tagger, which runs one job after another. */
import { createTagger } from '../../labeling/model/tagger.js';
import { loadModel } from '../../labeling/model/file.js';
import { openBackend } from '../backend.js';
import { named } from '../model-io.js';
import { openOwnCell } from '../own-cell.js';
import { serveJobs } from '../pool/serve-jobs.js';
import { answerChunk } from './chunk-jobs.js';
import type { TagJob, TagResult, TagSettings } from './jobs.js';
import { answer } from './jobs.js';

/** Data for a worker. */
export interface TagWorkerData {
  /** The model file, and its path for messages. */
  readonly bytes: Uint8Array;
  readonly path: string;
  /** The file of the user-defined cell. */
  readonly cell?: string;
  readonly backend: string;
}

/** A job, and how its answers are written. */
export interface SentJob {
  readonly settings: TagSettings;
  readonly job: TagJob;
}

serveJobs<TagWorkerData, SentJob, TagResult>(
  async ({ bytes, path, cell, backend }) => {
    const own = await openOwnCell(cell);
    const { kernels } = await openBackend(backend, process, 2);
    const tagger = createTagger(
      named(path, () => loadModel(bytes, own)),
      kernels,
    );
    return ({ settings, job }) =>
      job.kind === 'chunk' ? answerChunk(tagger, settings, job) : answer(tagger, settings, job);
  },
  ({ bytes }) => (bytes === undefined ? [] : [bytes.buffer as ArrayBuffer]),
);
