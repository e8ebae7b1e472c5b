/** `--shard`: the number of a piece and of all pieces, given explicitly or taken from the environment of a job scheduler. */
import { InvalidArgumentError } from 'commander';
import { ArgumentError } from '../../tensor/index.js';

/** Piece `i` of `n`, from 1 to n. */
export interface Shard {
  readonly i: number;
  readonly n: number;
}

/** The value of `--shard`: the number of the piece, or the scheduler that provides it. */
export interface ShardOption {
  readonly i: number | 'slurm' | 'kubernetes';
  readonly n: number;
}

const RULE =
  'It must be i/n with integers 1 ≤ i ≤ n, such as 3/16; or slurm/n or kubernetes/n, which take i from the environment.';

/** A parser of `i/n`, `slurm/n` and `kubernetes/n`. */
export function shardOption(text: string): ShardOption {
  const match = /^(\d+|slurm|kubernetes)\/(\d+)$/.exec(text);
  if (match === null) throw new InvalidArgumentError(RULE);
  const i = match[1] === 'slurm' || match[1] === 'kubernetes' ? match[1] : Number(match[1]);
  const n = Number(match[2]);
  if (!(n >= 1 && n <= 1e6) || (typeof i === 'number' && !(i >= 1 && i <= n))) throw new InvalidArgumentError(RULE);
  return { i, n };
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Returns the piece given by the option.
 *
 * `slurm/n` reads `SLURM_ARRAY_TASK_ID`, for an array of tasks 1-n; some of them may be rerun as a separate array. `kubernetes/n`
 * reads `JOB_COMPLETION_INDEX`, from 0 to n-1.
 *
 * @throws ArgumentError if the environment has no such number, or an invalid one
 */
export function shardOf({ i, n }: ShardOption, env: Environment): Shard {
  if (typeof i === 'number') return { i, n };
  if (i === 'kubernetes') return { i: numberIn(env, 'JOB_COMPLETION_INDEX', i, n, [0, n - 1]) + 1, n };
  const advice = `submit with --array=1-${n}`;
  for (const name of ['SLURM_ARRAY_TASK_MIN', 'SLURM_ARRAY_TASK_MAX', 'SLURM_ARRAY_TASK_ID']) {
    if (env[name] !== undefined) numberIn(env, name, i, n, [1, n], advice);
  }
  return { i: numberIn(env, 'SLURM_ARRAY_TASK_ID', i, n, [1, n], advice), n };
}

function numberIn(
  env: Environment,
  name: string,
  i: string,
  n: number,
  [least, most]: readonly [number, number],
  advice = 'run it as an indexed job with that many completions',
): number {
  const text = env[name];
  if (text === undefined)
    throw new ArgumentError(`--shard ${i}/${n}: the environment has no ${name}: ${advice}, or pass i/${n}`);
  const value = /^\d+$/.test(text) ? Number(text) : NaN;
  if (value >= least && value <= most) return value;
  throw new ArgumentError(
    `--shard ${i}/${n}: expected ${name} from ${least} to ${most}; got ${JSON.stringify(text)}: ${advice}, or pass i/${n}`,
  );
}
