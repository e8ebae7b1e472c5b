/** `--against`: the output of an earlier run, or an earlier build of the package, whose turns alternate with ours. */
import { existsSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { BpttError, DataError } from '../tensor/index.js';
import { messageOf } from '../tensor/errors.js';
import type { Build, BuildOptions } from './build.js';
import { PAIRING } from './build.js';
import { compare } from './compare.js';
import type { Earlier } from './report.js';
import { readResult } from './report.js';
import type { Race, Row } from './types.js';
import { EARLIER } from './types.js';

/** Locations of the loaded file in a build: a checkout or package, an installation of it, its modules. */
const PLACES = ['dist/esm/bench/build.js', 'node_modules/bptt/dist/esm/bench/build.js', 'bench/build.js'];

/** The opponent of a race or comparison. */
export interface Opponent {
  /** The earlier rows; the list grows while an earlier build is timed. */
  readonly earlier: Earlier;
  /** Adds the earlier build, if there is one, to a race. */
  joined(race: Race): Promise<Race>;
  /** Processes the rows of a race: stores those of the earlier build, and adds a comparison to each of ours. */
  compared(rows: readonly Row[]): Row[];
  close(): void;
}

/** Nothing to compare with. */
export const noOpponent: Omit<Opponent, 'earlier'> = {
  joined: async (race) => race,
  compared: (rows) => [...rows],
  close: () => undefined,
};

/**
 * Opens the argument of `--against`.
 *
 * @throws DataError if it is neither the JSON of an earlier run nor a build that can be raced; whatever `openBuild` throws
 */
export async function openOpponent(path: string, options: BuildOptions): Promise<Opponent> {
  const isFolder = path !== '' && existsSync(path) && statSync(path).isDirectory();
  const rows: Row[] = isFolder ? [] : [...readResult(path).rows];
  const earlier: Earlier = { rows, paired: isFolder };
  const build = isFolder ? await openEarlierBuild(path, options) : undefined;
  const withComparison = (row: Row): Row => {
    const comparison = compare(row, earlier.rows, earlier.paired);
    return comparison === null ? row : { ...row, toEarlier: comparison };
  };
  return {
    earlier,
    async joined(race) {
      if (build === undefined) return race;
      const theirs = await build.contestants(race.suite, race.case);
      const ours = (system: string, threads: number): boolean =>
        race.contestants.some((each) => each.system === system && each.threads === threads);
      const joining = theirs.filter(({ system, threads }) => ours(system, threads));
      for (const each of theirs) if (!joining.includes(each)) await each.close?.();
      const renamed = joining.map((each) => ({ ...each, system: `${EARLIER}${each.system}` }));
      return { ...race, contestants: [...race.contestants, ...renamed] };
    },
    compared(fresh) {
      const theirs = fresh.filter(({ system }) => system.startsWith(EARLIER));
      rows.push(...theirs.map((row) => ({ ...row, system: row.system.slice(EARLIER.length) })));
      return fresh.map((row) => (theirs.includes(row) ? row : withComparison(row)));
    },
    close: () => build?.close(),
  };
}

async function openEarlierBuild(folder: string, options: BuildOptions): Promise<Build> {
  const file = PLACES.map((place) => resolve(folder, place)).find((each) => existsSync(each));
  const wanted = 'pass the JSON of an earlier run, or the folder of a built checkout or an installed package of bptt';
  if (file === undefined)
    throw new DataError(`${folder} is a folder without a build of bptt that can be timed against; ${wanted}`);
  let loaded: { readonly PAIRING?: unknown; openBuild?(options: BuildOptions): Promise<Build> };
  try {
    loaded = (await import(pathToFileURL(file).href)) as typeof loaded;
  } catch (error) {
    throw new BpttError(`${file} cannot be loaded: ${messageOf(error)}; ${wanted}`, { cause: error });
  }
  if (loaded.PAIRING !== PAIRING || loaded.openBuild === undefined) {
    throw new DataError(
      `${file} has the timing interface ${String(loaded.PAIRING)}; expected ${PAIRING}; rebuild it or ${wanted}`,
    );
  }
  return loaded.openBuild({ ...options, note: (line) => options.note(`earlier build: ${line}`) });
}
