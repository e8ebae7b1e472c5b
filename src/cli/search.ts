/** `bptt search`: finds training settings by trying them in parallel, stopping bad ones early. */
import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { Command, Option } from 'commander';
import { saveFile } from '../serialize/save.node.js';
import { ArgumentError, BpttError } from '../tensor/index.js';
import { counted } from '../tensor/print.js';
import { visible } from '../tensor/visible.js';
import { positiveInteger } from './arguments.js';
import { addConfigReader, isConfig } from './config.js';
import { settingsOf } from './config-values.js';
import { checkSplit, describeInput, pathsOf, readCorpora } from './corpora.js';
import { InterruptedError } from './failure.js';
import type { Interrupt } from './interrupt.js';
import { watchInterrupt } from './interrupt.js';
import { checkOutputs } from './outputs.js';
import type { Progress } from './progress.js';
import { createProgress, silent } from './progress.js';
import { percent } from './report.js';
import { addRequired } from './required.js';
import type { SearchOptions } from './search/options.js';
import { halvingRate, trialCount } from './search/options.js';
import type { Prepared } from './search/prepare.js';
import { prepare, readSpace } from './search/prepare.js';
import { describeSearch, reportOf } from './search/report.js';
import type { SearchEnd } from './search/run.js';
import { ranking, runSearch } from './search/run.js';
import { isList } from './search/space.js';
import type { Space } from './search/space.js';
import { runLine } from './search/table.js';
import { openWorkshop } from './search/workshop.js';
import type { Terminal } from './terminal.js';
import { print, printJson } from './terminal.js';
import type { TrainCommandOptions } from './train/options.js';
import { addTrain } from './train.js';
import { checkSettings } from './train/checks.js';
import { describeCorpora } from './train/report.js';
import { describeDecided, resolvedSettings } from './train/settings.js';
import { collectWarnings } from './warnings.js';

const HELP = `
You may pass every setting of bptt train (bptt train --help lists them), or --config F; it is then fixed for all
trials. A space is a JSON object: a list of values for each setting, or a range. Settings have the names of configuration files.

  { "lr": { "min": 0.001, "max": 0.02, "log": true }, "encoders": [["words"], ["words", "affixes"]] }

Without --space, learning rate, dropout, hidden size, batch, word dropout, encoders and, for spans, the head are drawn. The first
trial has the defaults. Successive halving: all trials train for a few epochs, the best third for three times as many, and so on.
Each run is complete, so a schedule such as hold:0.6 or cosine ends within its epochs. Ctrl-C keeps finished runs: the same
command resumes there.

Exit status: 0, 1 failure, 2 usage, 65 bad data, 130 after Ctrl-C.

Example:
  bptt search --random 12 --train train.conll --dev dev.conll -o best.json
  bptt search --grid grid.json --preset ner --train train.conll --dev dev.conll -o best.json
  bptt train --config best.json --test test.conll --out tagger.safetensors`;

/** Training options that a search rejects, and why. */
const REFUSED: readonly (readonly [flags: string, why: string])[] = [
  [
    '--test <file>',
    'a search must not see test data, or its test score would be biased: pass --test to bptt train, once',
  ],
  [
    '--seeds <n>',
    'a trial is one training: search first, then compare seeds with bptt train --config best.json --seeds',
  ],
  ['--ensemble <n>', 'a trial is one training: search first, then bptt train --config best.json --ensemble'],
  ['--init <model>', 'a search chooses the architecture, which a model already has: leave it out'],
];
const REFUSED_NAMES = ['test', 'seeds', 'ensemble', 'init'];

/** Adds the command. */
export function addSearch(program: Command, terminal: Terminal): void {
  const train = trainCommand(terminal);
  const command = program
    .command('search')
    .description('search for training settings: trials in parallel, bad ones stopped early')
    .addHelpText('after', HELP);
  addConfigReader(command, terminal, { settings: () => settingsOf(train), leftOut: REFUSED_NAMES });
  addRequired(command, '--train <file>', 'labeled sentences to learn from')
    .option('--dev <file>', 'labeled sentences that decide which trial is best')
    .option('--random <n>', 'draw n trials, the first with the defaults', trialCount)
    .option('--grid <file>', 'try every combination of the lists in a JSON file')
    .option('--space <file>', 'with --random: draw from the lists and ranges in a JSON file (default: see below)')
    .option('-o, --out <file>', 'file for the best settings, for bptt train --config', 'best.json')
    .option('--state <file>', 'file that keeps finished runs (default: next to -o, BEST.search.json)')
    .option('--parallel <n>', 'runs at a time (default: one per core)', positiveInteger)
    .option('--eta <n>', 'promote one of n trials, for n times as many epochs', halvingRate, 3)
    .option('--no-halving', 'train every trial for all epochs')
    .option('--quiet', 'print nothing but warnings')
    .option('--json', 'print one JSON object; progress goes to standard error');
  addSettings(command, train);
  command.action((options: SearchOptions) => search(options, terminal, command, train));
}

/** The command whose settings are searched over. */
function trainCommand(terminal: Terminal): Command {
  const program = new Command();
  addTrain(program, terminal);
  return program.commands[0];
}

/** Adds the training settings, and those that are rejected with a reason. The help shows only the most common of them. */
function addSettings(command: Command, train: Command): void {
  const there = [...command.options.map((option) => option.attributeName()), ...REFUSED_NAMES];
  const preset = train.options.filter((option) => option.attributeName() === 'preset');
  for (const option of [...settingsOf(train), ...preset]) {
    if (there.includes(option.attributeName())) continue;
    command.addOption(option.hideHelp(!['epochs', 'seed', 'column', 'preset'].includes(option.attributeName())));
  }
  for (const [flags] of REFUSED) command.addOption(new Option(flags).hideHelp());
}

/** @throws ArgumentError if an option is given that a search rejects */
function refuseNamed(command: Command): void {
  for (const [flags, why] of REFUSED) {
    const option = new Option(flags);
    if (command.getOptionValueSource(option.attributeName()) === 'cli')
      throw new ArgumentError(`${option.long}: ${why}`);
  }
}

async function search(asked: SearchOptions, terminal: Terminal, command: Command, train: Command): Promise<void> {
  refuseNamed(command);
  const options = { ...asked, state: asked.state ?? stateBeside(asked.out) };
  checkAsked(options);
  const space = await readSpace(options, command, train);
  checkFixed(options, space, command);
  const { out, state, task } = options;
  const files = [options.train, options.dev].flatMap((path) => pathsOf(path, task));
  await checkOutputs({ '--out': out, '--state': state }, [...files, options.space, options.grid, options.config]);
  await expectConfigPlace(out);
  const progress = options.quiet ? silent : createProgress(terminal.stderr, terminal.now);
  const warnings = collectWarnings(options.quiet ? (text) => void terminal.stderr.write(`${text}\n`) : progress.line);
  const interrupt = watchInterrupt();
  try {
    const corpora = await readCorpora(options, warnings);
    const prepared = await prepare(options, space, command, train, corpora);
    progress.line(`${describeCorpora(corpora)}; ${describeInput(corpora)}`);
    await runAll(prepared, options, terminal, progress, interrupt);
    const ranked = ranking(prepared.state.runs);
    const [best] = ranked;
    if (best.result === null)
      throw new BpttError(`all ${counted(ranked.length, 'trial')} failed; the first: ${best.failed}`);
    const settings = prepared.settings.of(prepared.trials[best.trial - 1]);
    const { backend, threads } = best.result;
    const resolved = resolvedSettings({ ...settings, epochs: best.epochs } as never, backend, threads);
    await saveFile(out, new TextEncoder().encode(prepared.settings.text(resolved, out)));
    progress.stop();
    if (options.json) return await printJson(terminal, reportOf(ranked, prepared, options, warnings.notes));
    if (!options.quiet) await print(terminal, describeSearch(ranked, prepared, options, terminal.command ?? 'bptt'));
  } finally {
    interrupt.release();
    progress.stop();
  }
}

/** The state of a search is stored next to its result: `best.search.json`. */
function stateBeside(out: string): string {
  return join(dirname(out), `${basename(out).replace(/(?<=.)\.json$/, '')}.search.json`);
}

/** @throws ArgumentError if the file for the best settings already has other contents, which would be lost */
async function expectConfigPlace(out: string): Promise<void> {
  const before = await readFile(out, 'utf8').catch(() => undefined);
  if (before === undefined || before === '' || isConfig(before)) return;
  throw new ArgumentError(`--out ${out} exists, and is not a configuration of bptt: remove it, or choose another file`);
}

/** @throws ArgumentError if no search method is given, or nothing could determine which trial is best */
function checkAsked({ random, grid, space, train, dev, split, task, vectors }: SearchOptions): void {
  if ((random === undefined) === (grid === undefined)) {
    const got = random === undefined ? 'neither was given' : 'both were given';
    throw new ArgumentError(`search: expected --random N, trials that are drawn, or --grid FILE, every combination; ${got}: give one of them`); // prettier-ignore
  }
  if (space !== undefined && grid !== undefined) {
    throw new ArgumentError('--space applies only to --random: leave out --space, or --grid');
  }
  checkSplit({ split, dev });
  if (split && split.test > 0) {
    throw new ArgumentError(`--split makes a test corpus of ${split.test} %, which a search must not see: write 80/20/0, or split the file before`); // prettier-ignore
  }
  if (dev === undefined && !split?.dev) {
    throw new ArgumentError(
      'search: a development set decides which trial is best, and there is none: add --dev FILE, or --split 80/20/0',
    );
  }
  if ([...pathsOf(train, task), ...pathsOf(dev, task), vectors].includes('-')) {
    throw new ArgumentError(
      'search: every trial reads the data again, which standard input does not allow: pass a file',
    );
  }
}

/** @throws ArgumentError if fixed settings conflict regardless of what trials sample */
function checkFixed(options: SearchOptions, space: Space | undefined, command: Command): void {
  const encoders = space?.find(({ name }) => name === 'encoders');
  const lists = encoders && isList(encoders) ? (encoders.values as string[][]) : space ? [] : [['words', 'affixes', 'characters']]; // prettier-ignore
  const all = [...new Set([...(options.encoders as string[]), ...lists.flatMap((list) => list ?? [])])];
  checkSettings({ ...options, encoders: all } as unknown as TrainCommandOptions, options.preset, command);
}

/** Runs all trials and reports their progress. @throws InterruptedError after Ctrl-C */
async function runAll(
  prepared: Prepared,
  options: SearchOptions,
  { now = () => performance.now() }: Terminal,
  progress: Progress,
  interrupt: Interrupt,
): Promise<void> {
  const { plan, state, trials } = prepared;
  describePlan(prepared, options).forEach(progress.line);
  const parallel = Math.min(options.parallel ?? processes(options.threads), plan.trials);
  const workshop = await openWorkshop(prepared, options.bestBy, interrupt.signal);
  const meter = startMeter(prepared, progress, now);
  let end: SearchEnd = null;
  try {
    end = await runSearch({ ...plan, parallel }, state, {
      train: workshop.train,
      onRun(run) {
        progress.line(runLine(run, plan.rungs.length, trials[run.trial - 1]));
        meter.update();
      },
      signal: interrupt.signal,
      now,
    });
  } finally {
    meter.stop();
    await workshop.close();
  }
  if (end === null && !interrupt.signal.aborted) return;
  const kept = `${counted(state.runs.length, 'finished run')} kept in ${options.state}: the same command resumes from there`;
  const exitCode = end?.exitCode ?? interrupt.exitCode();
  throw new InterruptedError(`interrupted; ${state.runs.length === 0 ? 'no run was finished' : kept}`, exitCode);
}

/** Lines that describe what is about to run. */
function describePlan({ plan, settings, state, notes }: Prepared, { state: path }: SearchOptions): string[] {
  const rungs = plan.rungs.map((rung) => `${counted(rung.trials, 'trial')} of ${counted(rung.epochs, 'epoch')}`);
  const beside = plan.kept === undefined || rungs.length === 1 ? '' : ', and trial 1 on each';
  const finished = state.runs.length;
  return [
    ...(settings.decided ? [`trial 1: ${describeDecided(settings.decided)}`] : []),
    `rungs: ${rungs.join(', ')}${beside}`,
    ...notes,
    ...(finished > 0 ? [visible(`${path}: ${counted(finished, 'run')} of this search finished before, and kept`)] : []),
  ];
}

/** One training run per core. */
function processes(threads: number | 'auto'): number {
  return threads === 'auto' ? 1 : Math.max(1, Math.floor(availableParallelism() / threads));
}

/** Shows the progress of the search in epochs of all trials; those of promoted trials are also known in advance, from the rungs. */
function startMeter({ plan, state }: Prepared, progress: Progress, now: () => number) {
  const total = plan.rungs.reduce(
    (sum, { trials, epochs }, place) => sum + epochs * (trials + (place > 0 && plan.kept ? 1 : 0)),
    0,
  );
  const before = state.runs.reduce((sum, { epochs }) => sum + epochs, 0);
  const begun = now();
  const update = (): void => {
    const done = state.runs.reduce((sum, { epochs }) => sum + epochs, 0);
    const seconds = (now() - begun) / 1000;
    const [best] = ranking(state.runs);
    const more = best?.result ? `best ${percent(best.score!)}, trial ${best.trial}` : '';
    const rung = 1 + Math.max(0, ...state.runs.map((run) => run.rung));
    progress.update({ label: `rung ${rung} of ${plan.rungs.length}`, done: Math.min(done, total), total, rate: seconds > 0 ? (done - before) / seconds : 0, unit: 'epochs', more }); // prettier-ignore
  };
  const timer = setInterval(update, 1000);
  timer.unref();
  return { update, stop: () => clearInterval(timer) };
}
