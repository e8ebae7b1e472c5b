/** The module of a worker thread of `bptt serve`, with its own tagger. */
import { loadModel } from '../../labeling/model/file.js';
import { createTagger } from '../../labeling/model/tagger.js';
import { openBackend } from '../backend.js';
import { named } from '../model-io.js';
import { openOwnCell } from '../own-cell.js';
import { serveJobs } from '../pool/serve-jobs.js';
import { answerJob } from './answers.js';
import type { ServeData, ServeJob, ServeResult } from './jobs.js';

serveJobs<ServeData, ServeJob, ServeResult>(async ({ bytes, path, cell, backend }) => {
  const own = await openOwnCell(cell);
  const { kernels } = await openBackend(backend, process, 2);
  const tagger = createTagger(
    named(path, () => loadModel(bytes, own)),
    kernels,
  );
  return (job) => answerJob(tagger, job);
});
