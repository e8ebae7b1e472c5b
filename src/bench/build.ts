/**
 * This build of the package as a system to race against: another build loads this file and times its systems in turns with its
 * own. The interface is a contract between builds; every change to it changes `PAIRING`.
 */
import { openBackends } from './backends.js';
import { readPackageInfo } from './package-info.js';
import { noPeers } from './peers.js';
import { RUNNERS } from './suites.js';
import type { Contestant, Context, SuiteName } from './types.js';

/** Version of the interface of this file. */
export const PAIRING = 1;

/** Options of the other build's run. */
export type BuildOptions = Pick<Context, 'budget' | 'plotting' | 'quick' | 'steps' | 'progress' | 'note'> & {
  /** Backends by name, as for `openBackends`. */
  readonly backends: readonly string[];
  /** Sizes of products, as in `Context`. */
  readonly sizes?: Context['sizes'];
};

/** An opened build. */
export interface Build {
  readonly version: string;
  /** Returns the systems that take part in a case, ready and checked; a wrong system is reported and left out. */
  contestants(suite: SuiteName, name: string): Promise<readonly Contestant[]>;
  /** Releases its resources. */
  close(): void;
}

/**
 * Opens this build.
 *
 * @throws whatever `openBackends` throws
 */
export async function openBuild({ backends: names, ...options }: BuildOptions): Promise<Build> {
  const backends = await openBackends(names, options);
  const { version } = readPackageInfo();
  return {
    version,
    async contestants(suite, name) {
      const wants = (each: string): boolean => each === name;
      const context: Context = { ...options, version, backends, peers: noPeers, wants, wrong: options.note };
      for await (const part of RUNNERS[suite](context)) if ('contestants' in part) return part.contestants;
      return [];
    },
    close() {
      for (const { kernels } of backends) kernels.dispose();
    },
  };
}
