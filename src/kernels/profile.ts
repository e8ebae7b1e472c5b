/** Shows where the time of a training run goes: a backend whose every call is timed. */
import type { CrfKernel, FusedScan, Kernels, LayerKernel, RowKernels, SoftmaxKernel } from './types.js';

/** One kind of work. */
export interface Phase {
  /**
   * `products`, `scan forward`, `scan backward`, `layer forward`, `layer backward`, `layers` (of inference), `rows`,
   * `dropout`, `softmax`, `clip`, `update`.
   */
  readonly name: string;
  readonly calls: number;
  readonly seconds: number;
}

/** A backend whose calls are timed. */
export interface Profile {
  /** Does what the backend does, and records the time. */
  readonly kernels: Kernels;
  /** The work so far, the longest first. If a backend declines a call, what runs instead counts too. */
  phases(): Phase[];
}

/** The phase of each row operation. */
const ROW_PHASES: Readonly<Record<keyof RowKernels, string>> = {
  setEveryRow: 'rows',
  copyMatrix: 'rows',
  addToEveryRow: 'rows',
  addSumRows: 'rows',
  addMatrix: 'rows',
  gather: 'rows',
  scatterAdd: 'rows',
  addMasked: 'dropout',
  drawFactors: 'dropout',
  scale: 'clip',
  addSquares: 'clip',
  adam: 'update',
};

/** Times a backend. It reads the clock twice per call, which takes tens of nanoseconds. */
export function profile(kernels: Kernels): Profile {
  const sums = new Map<string, { calls: number; seconds: number }>();
  const timed = stopwatch(sums);
  const { fused, rows, crf, softmax } = kernels;
  return {
    kernels: {
      ...kernels,
      addMatmul: timed('products', kernels.addMatmul),
      addMatmulTA: timed('products', kernels.addMatmulTA),
      addMatmulTB: timed('products', kernels.addMatmulTB),
      ...(fused && { fused: mapped(fused, (scan) => timedScan(timed, scan)) }),
      ...(crf && { crf: mapped(crf, (act) => timed('crf', act as never)) as CrfKernel }),
      ...(softmax && { softmax: mapped(softmax, (act) => timed('softmax', act as never)) as SoftmaxKernel }),
      rows: mapped(rows, (act, name) => timed(ROW_PHASES[name], act as never)) as RowKernels,
    },
    phases: () =>
      [...sums]
        .map(([name, { calls, seconds }]) => ({ name, calls, seconds }))
        .filter(({ calls }) => calls > 0)
        .sort((p, q) => q.seconds - p.seconds),
  };
}

/** Wraps a function so that its calls and seconds are added up under a name. */
type Timed = <A extends unknown[], R>(name: string, act: (...args: A) => R) => (...args: A) => R;

function stopwatch(sums: Map<string, { calls: number; seconds: number }>): Timed {
  const clock = globalThis.performance;
  return (name, act) => {
    const sum = sums.get(name) ?? { calls: 0, seconds: 0 };
    sums.set(name, sum);
    return (...args) => {
      const start = clock.now();
      try {
        return act(...args);
      } finally {
        sum.calls++;
        sum.seconds += (clock.now() - start) / 1000;
      }
    };
  };
}

function timedScan(timed: Timed, { forward, backward, layer, infer, ...rest }: FusedScan): FusedScan {
  return {
    ...rest,
    forward: timed('scan forward', forward),
    backward: timed('scan backward', backward),
    ...(layer && { layer: timedLayer(timed, layer) }),
    ...(infer && {
      infer(params, table) {
        const taken = infer(params, table);
        return taken && { ...taken, run: timed('layers', taken.run) };
      },
    }),
  };
}

function timedLayer(timed: Timed, { suits, forward }: LayerKernel): LayerKernel {
  const run = timed('layer forward', forward);
  return {
    suits,
    forward(tensors) {
      const resident = run(tensors);
      return resident && { ...resident, backward: timed('layer backward', resident.backward) };
    },
  };
}

function mapped<R extends object>(record: R, f: (value: R[keyof R], name: keyof R) => unknown): R {
  const entries = Object.entries(record).map(([name, value]) => [name, f(value, name as keyof R)]);
  return Object.fromEntries(entries) as R;
}
