/**
 * The suite `cold`: the cost of the first sentence in a fresh process, by part (loading the modules, compiling the backend,
 * reading the model from bytes, tagging 32 tokens) and in total.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildLabels, buildVocabulary, saveModel, createModel, wordReader } from '../labeling/index.js';
import { runChild } from './child.js';
import { createProblem, TAGGER_SIZES } from './problem.js';
import { rowOfValues } from './statistics.js';
import type { Context, SuiteParts } from './types.js';

const PARTS = ['import', 'compile', 'load', 'tag', 'all'] as const;
type Times = Readonly<Record<(typeof PARTS)[number], number>> & { readonly backend: string };

/** Yields the rows of the suite. */
export async function* cold(context: Context): SuiteParts {
  const parts = PARTS.filter((part) => context.wants(part));
  if (parts.length === 0) return;
  const folder = mkdtempSync(join(tmpdir(), 'bptt-bench-'));
  try {
    const model = join(folder, 'model.safetensors');
    writeFileSync(model, modelBytes());
    for (const { system, name } of [
      { system: 'bptt', name: 'auto' },
      { system: 'bptt-cpu', name: 'cpu' },
    ]) {
      const times = await timesOf(context, [model, name], system);
      const common = {
        suite: 'cold',
        system,
        version: context.version,
        backend: times[0].backend,
        threads: 1,
      } as const;
      yield parts.map((part) => {
        const values = times.map((each) => each[part]);
        return { ...rowOfValues({ ...common, case: part, metric: 'ms' }, values), turns: values };
      });
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function timesOf(context: Context, args: readonly string[], system: string): Promise<Times[]> {
  const runs = context.quick ? 2 : 10;
  const times: Times[] = [];
  for (let i = 0; i < runs; i++) {
    context.progress(`cold ${system}`, i, runs);
    await runChild('cold-child.js', args, (value) => times.push(value as Times), context.signal);
  }
  return times;
}

/** A model file with the sizes of the tagger and the words w0, w1, … */
function modelBytes(): Uint8Array {
  const { V, K } = TAGGER_SIZES;
  const { network, params } = createProblem('lstm', 1);
  const tokens = Array.from({ length: V - 1 }, (_, i) => `w${i}`); // and the unknown word
  const labels = tokens.map((_, i) => `L${i % K}`);
  const words = buildVocabulary([{ tokens }], { minCount: 1, signatures: false });
  const pieces = {
    config: network.config,
    params,
    readers: [wordReader(words)],
    labels: [buildLabels([{ tokens, labels }])],
  };
  return saveModel(createModel(pieces));
}
