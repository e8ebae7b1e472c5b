/** Prepares a search before the first trial runs: its space, its trials, their settings, its rungs and its state. */
import type { Command } from 'commander';
import { detectScheme } from '../../labeling/data/schemes.js';
import type { Corpora } from '../../labeling/training/run.js';
import { ArgumentError, DataError } from '../../tensor/index.js';
import { grouped } from '../../tensor/print.js';
import { isGiven } from '../config.js';
import { named, readBytes } from '../model-io.js';
import type { SpaceQuestions } from './default-space.js';
import { defaultSpace } from './default-space.js';
import type { Drawn } from './draw.js';
import { drawTrials, gridSize, gridTrials } from './draw.js';
import type { SearchOptions } from './options.js';
import { MOST_TRIALS } from './options.js';
import { searchKey } from './key.js';
import type { SearchPlan } from './run.js';
import { rungsOf } from './schedule.js';
import type { Space } from './space.js';
import { flagOf, isList, parseSpace } from './space.js';
import type { SearchState } from './state.js';
import { openState } from './state.js';
import type { TrialSettings } from './trial-settings.js';
import { trialSettings } from './trial-settings.js';

/** A search that is ready to start. */
export interface Prepared {
  readonly space: Space;
  /** The sampled values of each trial, in order. */
  readonly trials: readonly Drawn[];
  readonly settings: TrialSettings;
  readonly plan: Omit<SearchPlan, 'parallel'>;
  readonly state: SearchState;
  /** Notes about it, one line each. */
  readonly notes: readonly string[];
}

/**
 * The space of `--space` or `--grid`; undefined if neither is given.
 *
 * @throws DataError, starting with the path; ArgumentError if a setting is both searched and given on the command line
 */
export async function readSpace(
  { space, grid }: Pick<SearchOptions, 'space' | 'grid'>,
  command: Command,
  train: Command,
): Promise<Space | undefined> {
  const path = space ?? grid;
  if (path === undefined) return undefined;
  const text = new TextDecoder().decode(await readBytes(path));
  const read = named(path, () => parseSpace(text, train, grid !== undefined));
  const twice = read.find(({ name }) => command.getOptionValueSource(name) === 'cli');
  if (twice !== undefined) {
    const flag = `--${flagOf(twice.name)}`;
    throw new ArgumentError(`${flag} is fixed on the command line and searched in ${path}: leave ${flag} out, or remove "${twice.name}" from the file`); // prettier-ignore
  }
  const size = grid === undefined ? 1 : gridSize(read.filter(isList));
  if (size > MOST_TRIALS) {
    throw new DataError(`${path}: the grid has ${grouped(size)} trials; expected at most ${grouped(MOST_TRIALS)}: remove values, or draw from it (--random, --space)`); // prettier-ignore
  }
  return read;
}

/** Prepares a search. @throws ArgumentError, DataError if its state belongs to another search */
export async function prepare(
  options: SearchOptions,
  given: Space | undefined,
  command: Command,
  train: Command,
  corpora: Corpora,
): Promise<Prepared> {
  const settings = trialSettings(options, command, train, corpora.train);
  const space =
    given ?? parseSpace(JSON.stringify(defaultSpace(questionsOf(options, command, settings, corpora))), train);
  const identity = (drawn: Drawn): string => settings.text(settings.of(drawn), options.out);
  const { random, seed } = options;
  const trials =
    random === undefined ? gridTrials(space.filter(isList), identity) : drawTrials(space, random, seed, identity);
  const rungs = rungsOf(trials.length, settings.epochs, options.halving ? options.eta : null);
  const wanted = random ?? gridSize(space.filter(isList));
  const first = settings.of({});
  const key = await searchKey({ random: random ?? null, seed, space, rungs }, corpora, identity({}), first);
  return {
    space,
    trials,
    settings,
    plan: { trials: trials.length, rungs, ...(random !== undefined && { kept: 1 }) },
    state: await openState(options.state!, key),
    notes: trials.length === wanted ? [] : [`${wanted} trials were requested, but only ${trials.length} differ: the others would repeat them`], // prettier-ignore
  };
}

/** The facts that the default space depends on. */
function questionsOf(
  options: SearchOptions,
  command: Command,
  settings: TrialSettings,
  corpora: Corpora,
): SpaceQuestions {
  const first = settings.of({});
  const isSet = options.preset !== undefined;
  const isAnnotated = detectScheme(corpora.train.map(({ labels = [] }) => labels)).scheme !== null;
  return {
    task: options.task,
    optimizer: first.optimizer as string,
    encoders: first.encoders as string[],
    chosen: {
      encoders: isSet || isGiven(command, 'encoders') || isGiven(command, 'vectors'),
      head: isSet || isGiven(command, 'head'),
    },
    spans: options.task === 'tag' && corpora.train[0]?.columns === undefined && isAnnotated,
    fixed: Object.keys(first).filter((name) => command.getOptionValueSource(name) === 'cli'),
  };
}
