/** The backends of this package that take part in a run. */
import { candidates } from '../kernels/index.js';
import { UnsupportedError } from '../tensor/index.js';
import { machineCalibration, selectOnMachine } from '../kernels/select.node.js';
import { openGraphics } from './graphics.js';
import type { Backend, Context, SuiteName } from './types.js';

const GPU = 'gpu';

/** Suites in which a device takes part if it was not requested by name. */
const ON_DEVICE: readonly SuiteName[] = ['gemm', 'tagger'];

/**
 * Opens backends by name. `auto` opens the backend that `auto` selects, which is called `bptt` even if it was requested by its
 * own name. The GPU is called `bptt` if that one is absent, else `bptt-gpu`. Without names, opens all backends that `auto`
 * considers, and the device for the suites of products and taggers.
 *
 * @throws ArgumentError on an unknown name
 * @throws UnsupportedError if none of the requested backends is available; if only some are, the others are reported by `note`
 *   and left out
 */
export async function openBackends(names: readonly string[], { note }: Pick<Context, 'note'>): Promise<Backend[]> {
  const considered = candidates.filter((candidate) => candidate.onlyByName === undefined).map(({ name }) => name);
  const auto = await openAuto();
  const opened: Named[] = [];
  const reasons = new Map<string, string>();
  for (const name of new Set(names.length > 0 ? names : ['auto', ...considered, GPU])) {
    try {
      opened.push({ name, ...(name === 'auto' ? auto : name === GPU ? await openGraphics() : await openByName(name)) });
    } catch (error) {
      if (!(error instanceof UnsupportedError)) throw error;
      reasons.set(name, error.message);
    }
  }
  if (opened.length === 0) {
    auto.kernels.dispose();
    throw new UnsupportedError([...reasons.values()].join('; '));
  }
  for (const [name, reason] of reasons) note(`skipped the backend ${name}: ${reason}`);
  return withSystems(opened, auto, names.length > 0);
}

/** A backend that does not have a name in the rows yet. */
type Unnamed = Omit<Backend, 'system'>;
/** … with the name it was requested by. */
type Named = Unnamed & { readonly name: string };

/**
 * Returns each backend once, under its name in the rows; `auto` is released if it does not take part.
 *
 * @param asked whether they were requested by name
 */
export function withSystems(opened: readonly Named[], auto: Unnamed, asked: boolean): Backend[] {
  const isAuto = ({ name, backend }: Named): boolean => name !== GPU && backend === auto.backend;
  const systems = new Map<string, Backend>();
  for (const each of opened) {
    const { name, backend, kernels, graphics } = each;
    const first = isAuto(each) || (name === GPU && !opened.some(isAuto));
    const system = first ? 'bptt' : `bptt-${name}`;
    const suites = name === GPU && !asked ? ON_DEVICE : undefined;
    if (systems.has(system)) kernels.dispose();
    else systems.set(system, { system, backend, kernels, graphics, suites });
  }
  const backends = [...systems.values()];
  if (opened.every(({ kernels }) => kernels !== auto.kernels)) auto.kernels.dispose();
  return backends;
}

async function openByName(name: string): Promise<Unnamed> {
  const { kernels } = await selectOnMachine(name);
  return { backend: kernels.backend, kernels };
}

/** The backend that `auto` selects. If it uses a device, rows name the device. */
async function openAuto(): Promise<Unnamed> {
  const opened = await openByName('auto');
  const calibration = opened.backend.startsWith('gpu.js:') ? await machineCalibration() : undefined;
  if (calibration === undefined) return opened;
  const { renderer, software } = calibration.device;
  return { ...opened, graphics: { place: { device: renderer, software }, rate: Infinity } };
}
