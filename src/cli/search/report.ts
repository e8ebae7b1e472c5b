/** The result of a search, for scripts and for people. */
import { visible } from '../../tensor/visible.js';
import { formatDuration } from '../progress.js';
import { percent } from '../report.js';
import type { SearchOptions } from './options.js';
import type { Prepared } from './prepare.js';
import type { Ranked } from './run.js';
import { DEFAULTS, tableOf } from './table.js';
import { idleSettings } from '../config.js';
import { OPTIONS_OF } from '../train/options/encoders.js';

/** The trial with the settings of training without a search, if there is one. */
function defaultsOf(ranked: readonly Ranked[], { plan }: Prepared): Ranked | undefined {
  return ranked.find(({ trial }) => trial === plan.kept);
}

/** Improvement of the best trial over the defaults; null if either has no score. */
function marginOf(best: Ranked, defaults: Ranked | undefined): number | null {
  return defaults === undefined || defaults.score === null ? null : best.score! - defaults.score;
}

/** The object of `--json`. */
export function reportOf(
  ranked: readonly Ranked[],
  prepared: Prepared,
  options: SearchOptions,
  warnings: readonly object[],
): object {
  const { trials, plan, space, state } = prepared;
  const [best] = ranked;
  const defaults = defaultsOf(ranked, prepared);
  const told = ({ trial, rung, epochs, seconds, score, failed, result }: Ranked): object => {
    const { measure, ...more } = result ?? { measure: null };
    return { trial, settings: trials[trial - 1], rung, epochs, measure, score, failed, seconds, ...more };
  };
  return {
    measure: best.result!.measure,
    best: told(best),
    defaults: defaults === undefined ? null : told(defaults),
    margin: marginOf(best, defaults),
    trials: ranked.map(told),
    rungs: plan.rungs,
    space,
    seed: options.seed,
    seconds: state.runs.reduce((sum, { seconds }) => sum + seconds, 0),
    config: options.out,
    state: options.state,
    warnings,
  };
}

/** The final output. @param command how to call the program */
export function describeSearch(
  ranked: readonly Ranked[],
  prepared: Prepared,
  { out }: SearchOptions,
  command: string,
): string {
  const { trials, settings, state } = prepared;
  const [best] = ranked;
  const defaults = defaultsOf(ranked, prepared);
  const idle = (trial: number, name: string): boolean =>
    idleSettings(settings.of(trials[trial - 1]), OPTIONS_OF).includes(name);
  const seconds = state.runs.reduce((sum, run) => sum + run.seconds, 0);
  const margin = marginOf(best, defaults);
  const beside =
    margin === null ? '' : `; the ${DEFAULTS} ${percent(defaults!.score!)}, a margin of ${(100 * margin).toFixed(2)}`;
  return [
    ...tableOf(ranked, trials, idle),
    `best    trial ${best.trial}, dev ${best.result!.measure} ${percent(best.score!)}${beside}; chosen on dev, so expect less on test`,
    `runs    ${state.runs.length}, ${formatDuration(seconds)} of processes`,
    `config  ${visible(out)}; train with it: ${command} train --config ${visible(out)} --out model.safetensors`,
  ].join('\n');
}
