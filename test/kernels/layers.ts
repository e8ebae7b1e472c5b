/**
 * Whole layers on a device against the balls of float32: the cells, starts and directions of the fused scans, and lengths whose
 * steps are put together on several levels. Used in jest and in browsers.
 */
import type { AsyncKernels, AsyncLayerKernel, GpuLibrary, Kernels } from '../../src/kernels/index';
import { DEVICE_ULPS } from '../../src/kernels/gpu/device/gate-functions';
import type { GpuKernel, GpuKernelSettings } from '../../src/kernels/gpu/device/library';
import { audit } from '../support/ball-audit';
import type { BallSolution } from '../support/ball-cells';
import { ballSolution } from '../support/ball-cells';
import type { Case, CellName, Problem } from '../support/cases';
import { CELLS } from '../support/cases';
import { float32Engine, float32EngineAsync, roundedProblem } from '../support/float32-engine';
import { SCENES } from './scans';

/** What a device may be off by in the functions of the gates; products and sums are those of float32. */
const ULPS = { tanh: DEVICE_ULPS.hyperbolic, sigmoid: DEVICE_ULPS.logistic };

const scenes: readonly Omit<Case, 'cell'>[] = [
  ...SCENES.filter(({ lengths }) => lengths.length < 70).map(
    ({ lengths, H, start = 'zero', direction = 'forward' }) => {
      return { lengths, hidden: [H], initial: start, direction, input: 6 } as const;
    },
  ),
  {
    lengths: Array.from({ length: 20 }, (_, i) => 1 + (i % 4)),
    hidden: [9],
    initial: 'given',
    direction: 'forward',
    input: 4,
  },
  { lengths: [31, 4, 27, 6], hidden: [2], initial: 'learned', direction: 'bidirectional', input: 3 },
  { lengths: [2, 4, 1, 3, 1, 4, 2], hidden: [3, 2], initial: 'given', direction: 'bidirectional', input: 5 },
];

/** Every cell in every scene. */
export const LAYER_CASES: readonly Case[] = CELLS.flatMap((cell) => scenes.map((scene) => ({ cell, ...scene })));

/** For real devices, where compiling takes its time: the LSTM in every scene, of the others every second one, in turns. */
export const DEVICE_CASES: readonly Case[] = LAYER_CASES.filter(({ cell }, i) => {
  return cell === 'lstm' || (CELLS.indexOf(cell as CellName) + (i % scenes.length)) % 2 === 0;
});

/** A case in a line. */
export const layerName = ({ cell, lengths, hidden, initial, direction }: Case): string =>
  `${cell}, ${direction}, initial state ${initial}, H = ${hidden.join(' and ')}, lengths ${lengths.join(' ')}`;

const solutions = new Map<Case, { readonly problem: Problem; readonly balls: BallSolution }>();

function solved(c: Case) {
  const problem = roundedProblem(c);
  const known = solutions.get(c) ?? { problem, balls: ballSolution(problem, ULPS) };
  solutions.set(c, known);
  return known;
}

/** Names of the tensors with an element that float32 does not excuse. */
export function outsideOf(kernels: Kernels, c: Case): readonly string[] {
  const { problem, balls } = solved(c);
  return audit(float32Engine(problem, { kernels, keep: 'gradients' }), balls).outside;
}

/** `outsideOf` on an asynchronous device. */
export async function outsideOfAsync(device: AsyncKernels, kernels: Kernels, c: Case): Promise<readonly string[]> {
  const { problem, balls } = solved(c);
  return audit(await float32EngineAsync(problem, device, { kernels, keep: 'gradients' }), balls).outside;
}

/** Kernels whose layers say what they did; `after` is told of every answer, from 1. */
export function watchedLayers(
  kernels: Kernels,
  after: (n: number) => void = () => undefined,
): { kernels: Kernels; answers: string[] } {
  const answers: string[] = [];
  const note = (answer: string): void => after(answers.push(answer));
  const fused = Object.entries(kernels.fused ?? {}).map(([name, scan]) => {
    const layer = scan.layer && {
      ...scan.layer,
      forward: (tensors: Parameters<typeof scan.layer.forward>[0]) => {
        const resident = scan.layer?.forward(tensors);
        note(`forward ${resident !== undefined}`);
        return (
          resident && {
            ...resident,
            backward: (gradients: Parameters<typeof resident.backward>[0]) => {
              const done = resident.backward(gradients);
              note(`backward ${done}`);
              return done;
            },
          }
        );
      },
    };
    return [name, { ...scan, layer }] as const;
  });
  return { kernels: { ...kernels, fused: Object.fromEntries(fused) }, answers };
}

/** A library whose kernels have one thing in their source changed; `found` says whether it was there to be changed. */
export function breaking(library: GpuLibrary, from: string, to: string): { library: GpuLibrary; found: () => boolean } {
  let found = false;
  const { GPU } = library;
  class Broken extends GPU {
    override createKernel(source: string, settings: GpuKernelSettings): GpuKernel {
      found ||= source.includes(from);
      return super.createKernel(source.replace(from, to), settings);
    }
  }
  return { library: Object.assign(Object.create(library) as GpuLibrary, { GPU: Broken }), found: () => found };
}

/** Equations that are wrong in one place: cell, what stands there, what stands there instead. */
export const BROKEN: readonly (readonly [CellName, string, string])[] = [
  ['rnn', 'dh * (1.0 - h * h)', 'dh * (1.0 + h * h)'],
  ['rnn-relu', 'if (h > 0.0) { return dh; }', 'if (h > 0.5) { return dh; }'],
  ['rnn', 'return carry[this.thread.y][this.thread.x];', 'return 0.0;'], // the carry of sequences that have ended
  ['lstm', 'return hyperbolic(v);', 'return logistic(v);'],
  ['lstm', 'if (g == 0) { return dc', 'if (g == 1) { return dc'], // gates i and f swapped
  ['lstm', 'dh * tc * s * (1.0 - s)', 'dh * tc * (1.0 - s)'],
  ['gru', '(1.0 - z) * n + z * S', 'z * n + (1.0 - z) * S'],
  ['gru', 'return dan * r;', 'return dan;'],
  ['gru-reset-before', 'return r * before;', 'return r;'],
  ['gru-reset-before', '+ ds[this.thread.y][j] *', '- ds[this.thread.y][j] *'],
];

/** `watchedLayers` for an asynchronous device. */
export function watchedAsyncLayers(device: AsyncKernels): { device: AsyncKernels; answers: string[] } {
  const answers: string[] = [];
  const layers = Object.entries(device.layers ?? {}).map(([name, layer]): [string, AsyncLayerKernel] => [
    name,
    {
      suits: layer.suits,
      async forward(tensors) {
        const resident = await layer.forward(tensors);
        answers.push(`forward ${resident !== undefined}`);
        return (
          resident && {
            ...resident,
            async backward(gradients) {
              const done = await resident.backward(gradients);
              answers.push(`backward ${done}`);
              return done;
            },
          }
        );
      },
    },
  ]);
  return { device: { ...device, layers: Object.fromEntries(layers) }, answers };
}
