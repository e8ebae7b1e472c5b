#!/usr/bin/env node
/**
 * The claims of docs/reading-gradients.md that need many models, counted over seeds:
 *
 *   first     is the large attribution at the first step real?          rank of the first word by gradient and by swap test
 *   top       does the word with the largest gradient matter most?      first by gradient against first by swap test
 *   points    how many points do integrated gradients need?             until less than 1 % is missing, 4096 at most
 *   noise     at which lag is a finite difference of the loss noise?     against the hand-written gradient
 *
 *   npm run build && node scripts/reading-seeds.js [--seeds 10] [--updates 300] [--cells rnn,lstm]
 *
 * Models are drawn and trained as `bptt salience --train` does it, uniformly, H = E = 16.
 */
import { parseArgs } from 'node:util';
import { draw, trained } from '../dist/esm/cli/reading/draw.js';
import { cells } from '../dist/esm/cells/index.js';
import { inspect, saliency } from '../dist/esm/inspect/index.js';
import { createCpuKernels } from '../dist/esm/kernels/index.js';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '10' },
    updates: { type: 'string', default: '300' },
    cells: { type: 'string', default: 'rnn,lstm,gru' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  console.log('node scripts/reading-seeds.js [--seeds 10] [--updates 300] [--cells rnn,lstm,gru]');
  process.exit(0);
}
const [seeds, updates] = [values.seeds, values.updates].map((text) => {
  const n = Number(text);
  if (Number.isInteger(n) && n > 0) return n;
  console.error(`reading-seeds: --seeds and --updates must be integers of at least 1; got ${text}`);
  process.exit(2);
});
const kernels = createCpuKernels();
const SENTENCE = { tokens: 'the cat near the dogs by the trees near the boys sat'.split(' ') };
const waiting = { update: () => undefined, onProgress: () => undefined, stop: () => undefined };
const rank = (sizes, k) => 1 + sizes.filter((other) => Math.abs(other) > Math.abs(sizes[k])).length;
const top = (sizes) => sizes.reduce((best, each, k) => (Math.abs(each) > Math.abs(sizes[best]) ? k : best), 0);
const middle = (list) => [...list].sort((a, b) => a - b)[(list.length - 1) >> 1];

for (const name of values.cells.split(',')) {
  const found = [];
  for (let seed = 1; seed <= seeds; seed++) {
    const options = { cell: name, seed, init: 'uniform', train: updates };
    const model = await trained(kernels, cells[name], options, waiting);
    const ask = { saliency: [SENTENCE.tokens.length - 1], label: 'V.SG', contrast: 'V.PL' };
    const [answer] = saliency(kernels, model, SENTENCE, ask);
    found.push({ seed, ...answer });
  }
  const [gradientRanks, swapRanks] = ['gradient', 'swap'].map((method) =>
    found.map(({ methods }) => rank(methods[method], 0)),
  );
  const agree = found.filter(({ methods }) => top(methods.gradient) === top(methods.swap)).length;
  const byCat = (method) => found.filter(({ methods }) => top(methods[method]) === 1).length;
  const shown = found.filter(({ methods }) => methods.integrated !== null);
  console.log(`${name}, ${updates} updates, ${seeds} seeds`);
  console.log(
    `  first   rank of the first word of 12, middle value: ${middle(gradientRanks)} by the gradient, ${middle(swapRanks)} by the swap test`,
  );
  console.log(
    `          named first by the gradient in ${gradientRanks.filter((r) => r === 1).length} of ${seeds}, by the swap test in ${swapRanks.filter((r) => r === 1).length}`,
  );
  console.log(
    `  top     gradient and swap test name the same word in ${agree} of ${seeds}; "cat" is first by the gradient in ${byCat('gradient')}, by the swap test in ${byCat('swap')}`,
  );
  console.log(
    `  points  complete (gap below 1 %) in ${shown.length} of ${seeds}, with ${middle(found.map(({ points }) => points))} points in the middle, ${Math.max(...found.map(({ points }) => points))} at most`,
  );
}

// A sentence in which every word occurs once, so that the first word's vector moves nothing else.
const quick = { checks: 0, reach: false, ledger: false, elements: [], jacobian: false };
for (const lag of [1, 10, 20, 30, 48]) {
  const gaps = [];
  for (let seed = 1; seed <= seeds; seed++) {
    const tokens = Array.from({ length: lag + 1 }, (_, k) => `w${k}`);
    const model = draw(
      cells.rnn,
      { tokens, labels: tokens.map((_, k) => (k % 2 ? 'A' : 'B')) },
      { seed, init: 'uniform' },
    );
    const { weight } = model.params.encoders.words;
    const params = {
      ...model.params,
      encoders: { words: { weight: { ...weight, data: Float64Array.from(weight.data) } } },
    };
    const moving = { ...model, params };
    const at = weight.shape[1] * model.words.lookup('w0');
    const loss = (by) => {
      params.encoders.words.weight.data[at] += by;
      const last = inspect(
        kernels,
        moving,
        { tokens },
        { ...quick, seed: 'margin', label: 'A', contrast: 'B' },
      ).losses.at(-1).seed;
      params.encoders.words.weight.data[at] -= by;
      return last;
    };
    const { reach } = inspect(
      kernels,
      model,
      { tokens },
      { ...quick, reach: ['x'], vectors: true, seed: 'margin', label: 'A', contrast: 'B' },
    );
    const exact = reach.vectors[lag][0][0];
    const numeric = (loss(1e-5) - loss(-1e-5)) / 2e-5;
    gaps.push(Math.abs(numeric - exact) / Math.abs(exact));
  }
  console.log(
    `noise   rnn, lag ${lag}: relative difference ${middle(gaps).toExponential(1)} in the middle, ${Math.max(...gaps).toExponential(1)} at most`,
  );
}
