/** `--flame`: a CPU profile by V8's sampler of one case while it is timed, in the form that Chrome DevTools and VS Code open. */
import { Session } from 'node:inspector';
import type { Context, Race } from './types.js';

/** A function in the call tree. */
export interface ProfileNode {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  readonly hitCount?: number;
  readonly children?: readonly number[];
}

/** `Profiler.Profile` of the DevTools protocol: times in microseconds. */
export interface CpuProfile {
  readonly nodes: readonly ProfileNode[];
  readonly startTime: number;
  readonly endTime: number;
  /** The node running at each sample, and the time since the previous sample. */
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** A sampling profiler for this thread, for one race and one contestant. */
export interface Flame {
  /** The race with only its first contestant: two in one profile would be indistinguishable. */
  joined(race: Race): Promise<Race>;
  readonly sampler: NonNullable<Context['sampler']>;
  /** The profile; undefined if no race was sampled. */
  profile(): CpuProfile | undefined;
  close(): void;
}

/** Microseconds between two samples. */
const INTERVAL = 250;

/** Opens V8's profiler. */
export async function openFlame(): Promise<Flame> {
  const session = new Session();
  session.connect();
  const post = (method: string, params?: object): Promise<unknown> =>
    new Promise((resolve, reject) =>
      session.post(method, params, (error, answer) => (error ? reject(error) : resolve(answer))),
    );
  await post('Profiler.enable');
  await post('Profiler.setSamplingInterval', { interval: INTERVAL });
  let profile: CpuProfile | undefined;
  return {
    async joined(race) {
      const [first, ...others] = race.contestants;
      for (const each of others) await each.close?.();
      return { ...race, contestants: [first] };
    },
    sampler: {
      start: async () => void (await post('Profiler.start')),
      async stop() {
        ({ profile } = (await post('Profiler.stop')) as { profile: CpuProfile });
      },
    },
    profile: () => profile,
    close: () => session.disconnect(),
  };
}

/** Frames that do not belong to the program: the start of the profiler, V8 outside JavaScript, idle time. */
const OUTSIDE = ['dispatch', '(program)', '(idle)'];

/** Functions with the largest self time, in descending order. */
export function heaviest({ nodes, samples, timeDeltas }: CpuProfile, count: number): { name: string; share: number }[] {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, callFrame.functionName || '(anonymous)']));
  const time = new Map<string, number>();
  let all = 0;
  samples.forEach((id, i) => {
    const name = names.get(id) ?? '(unknown)';
    if (OUTSIDE.includes(name)) return;
    const delta = Math.max(timeDeltas[i], 0);
    time.set(name, (time.get(name) ?? 0) + delta);
    all += delta;
  });
  return [...time]
    .map(([name, micros]) => ({ name, share: all === 0 ? 0 : micros / all }))
    .sort((x, y) => y.share - x.share)
    .slice(0, count);
}
