/** `bptt bench --ladder`: kernels from three plain loops to the limit of the processor, each checked, timed and drawn. */
import { saveFile } from '../../serialize/save.node.js';
import { ArgumentError, BpttError } from '../../tensor/index.js';
import { visible } from '../../tensor/visible.js';
import { readPackageInfo } from '../../bench/package-info.js';
import type { LadderResult, Size } from '../../bench/ladder/types.js';
import { InterruptedError } from '../failure.js';
import { watchInterrupt } from '../interrupt.js';
import { checkOutputs } from '../outputs.js';
import { createProgress } from '../progress.js';
import type { Terminal } from '../terminal.js';
import { print, printJson } from '../terminal.js';

/** Options of `bptt bench` that apply to the ladder. */
export interface LadderCommand {
  /** A folder of rungs; `true` for that of the clone. */
  readonly ladder: string | true;
  readonly case?: readonly string[];
  readonly sizes?: readonly Size[];
  readonly quick?: boolean;
  readonly time?: number;
  readonly svg?: string;
  readonly json?: boolean;
}

/** Options of `bptt bench` that do not apply to the ladder. */
export const NOT_FOR_LADDER = ['suite', 'backend', 'kernel', 'against', 'failBelow', 'plot', 'peers', 'browser', 'peersFolder', 'steps', 'csv', 'flame']; // prettier-ignore

/**
 * Runs the ladder.
 *
 * @throws BpttError, after the table, if a rung is wrong: the command fails
 */
export async function runLadderCommand(options: LadderCommand, terminal: Terminal): Promise<void> {
  if (options.sizes !== undefined && options.sizes.length > 1) {
    throw new ArgumentError(`--ladder times one product; --sizes names ${options.sizes.length}: give one`);
  }
  await checkOutputs({ '--svg': options.svg }, [options.ladder === true ? undefined : options.ladder]);
  const [{ runLadder }, { describeMachine }] = [
    await import('../../bench/ladder/run.js'),
    await import('../../bench/machine.js'),
  ];
  const interrupt = watchInterrupt();
  const progress = createProgress(terminal.stderr, terminal.now);
  let result: LadderResult;
  try {
    result = await runLadder(optionsOf(options), {
      now: () => performance.now(),
      progress: (label, done, total) => progress.update({ label, done, total, rate: 0, unit: '' }),
      stopped: () => interrupt.signal.aborted,
      machine: () => describeMachine(readPackageInfo().version, true),
    });
  } finally {
    progress.stop();
    interrupt.release();
  }
  if (interrupt.signal.aborted) {
    throw new InterruptedError(
      'interrupted; no rung was printed, because turns of all of them are compared',
      interrupt.exitCode(),
    );
  }
  await show(result, options, terminal);
  if (result.refused.length > 0) {
    throw new BpttError(result.refused.map(({ rung, reason }) => `refused ${rung}: ${visible(reason)}`).join('; '));
  }
}

function optionsOf({ ladder, case: cases, sizes, quick, time }: LadderCommand) {
  return {
    folder: ladder === true ? undefined : ladder,
    cases: cases ?? [],
    size: sizes?.[0],
    quick: quick ?? false,
    time,
  };
}

async function show(result: LadderResult, { svg, json }: LadderCommand, terminal: Terminal): Promise<void> {
  if (svg !== undefined) {
    const { drawLadder } = await import('../../bench/ladder/staircase.js');
    await saveFile(svg, new TextEncoder().encode(drawLadder(result)));
  }
  if (json) return printJson(terminal, result);
  const { describeLadder } = await import('../../bench/ladder/text.js');
  await print(terminal, describeLadder(result));
}
