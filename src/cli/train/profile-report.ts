/** The table of `bptt train --profile`. */
import type { Phase } from '../../kernels/index.js';

/** Descriptions of the timed phases. */
const DESCRIPTIONS: Readonly<Record<string, string>> = {
  products: 'matmuls over all time steps at once',
  'scan forward': 'time loops forward: recurrent product, gates',
  'scan backward': 'time loops backward',
  'layer forward': 'whole layers on a device, forward',
  'layer backward': 'whole layers on a device, backward',
  layers: 'layers that are run and not trained: projection and time loops of evaluation',
  rows: 'embedding, bias, moving and adding rows',
  dropout: 'masks drawn and applied',
  softmax: 'probabilities, loss and its gradient',
  crf: 'the sums and best paths of a CRF',
  clip: 'gradient norm and scaling',
  update: 'the optimizer',
  other: 'all else: batches, evaluation, and what the backend leaves to TypeScript',
};

/** The phases with their share of `seconds`, the total wall-clock time; time outside any phase is `other`. */
export function sharesOf(phases: readonly Phase[], seconds: number): (Phase & { readonly share: number })[] {
  const rest = seconds - phases.reduce((sum, phase) => sum + phase.seconds, 0);
  const all = [...phases, { name: 'other', calls: 0, seconds: Math.max(rest, 0) }];
  return all.map((phase) => ({ ...phase, share: seconds > 0 ? phase.seconds / seconds : 0 }));
}

/** One line per phase. */
export function profileTable(phases: readonly Phase[], seconds: number): string {
  const lines = sharesOf(phases, seconds).map(({ name, calls, seconds: spent, share }) => {
    const count = name === 'other' ? '' : calls.toLocaleString('en-US');
    const columns = [
      name.padEnd(14),
      `${(100 * share).toFixed(1)} %`.padStart(7),
      `${spent.toFixed(2)} s`.padStart(10),
    ];
    return `${columns.join('')}${count.padStart(10)}  ${DESCRIPTIONS[name] ?? ''}`.trimEnd();
  });
  return [`phase           share       time     calls  of ${seconds.toFixed(2)} s`, ...lines].join('\n');
}
