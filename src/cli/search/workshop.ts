/**
 * The environment in which the trials of a search are trained: a folder for their settings and models, and processes, all removed
 * with the search.
 */
import { rmSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createChildren } from './child.js';
import type { TrialOutcome } from './child.js';
import type { Prepared } from './prepare.js';
import type { Rung } from './schedule.js';

/** Trains the trials of a search. */
export interface Workshop {
  train(trial: number, rung: Rung): Promise<TrialOutcome>;
  /** Ends running trials, and removes the folder. */
  close(): Promise<void>;
}

/**
 * Opens a workshop.
 *
 * @param bestBy the head whose score decides, if there are several
 * @param signal ends running trials
 */
export async function openWorkshop(
  { settings, trials }: Pick<Prepared, 'settings' | 'trials'>,
  bestBy: string | undefined,
  signal: AbortSignal,
): Promise<Workshop> {
  const folder = await mkdtemp(join(tmpdir(), 'bptt-search-'));
  const children = createChildren();
  const leave = (): void => {
    children.endAll();
    rmSync(folder, { recursive: true, force: true });
  };
  process.once('exit', leave); // a second Ctrl-C ends the process at once
  signal.addEventListener('abort', children.endAll);
  return {
    async train(trial, { epochs }) {
      const config = join(folder, `trial-${trial}.json`);
      await writeFile(config, settings.text(settings.of(trials[trial - 1]), config));
      const model = join(folder, `trial-${trial}.safetensors`);
      return children.run({ config, epochs, model, ...(bestBy !== undefined && { bestBy }) });
    },
    async close() {
      children.endAll();
      process.off('exit', leave);
      signal.removeEventListener('abort', children.endAll);
      await rm(folder, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}
