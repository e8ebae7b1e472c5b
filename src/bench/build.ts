/**
 * This build of the package as a system to race against: another build loads this file and times what it gives in turns with its
 * own. The form is a contract between builds; what changes it changes `PAIRING`.
 */
import { openBackends } from './backends.js';
import { readPackageInfo } from './package-info.js';
import { noPeers } from './peers.js';
import { RUNNERS } from './suites.js';
import type { Contestant, Context, SuiteName } from './types.js';

/** The form of this file. */
export const PAIRING = 1;

/** What another build says of its run. */
export type BuildOptions = Pick<Context, 'budget' | 'plotting' | 'quick' | 'steps' | 'progress' | 'note'> & {
  /** Backends by name, as `openBackends` takes them. */
  readonly backends: readonly string[];
  /** Sizes of products, as `Context` has them. */
  readonly sizes?: Context['sizes'];
};

/** A build, opened. */
export interface Build {
  readonly version: string;
  /** The systems that take part in a case, ready and right; a wrong one is noted and left out. */
  contestants(suite: SuiteName, name: string): Promise<readonly Contestant[]>;
  /** Gives back what it holds. */
  close(): void;
}

/**
 * Opens this build.
 *
 * @throws what `openBackends` throws
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
