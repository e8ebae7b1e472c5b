/** `bptt salience`: which word decided a label, by four methods side by side. */
import type { Command } from 'commander';
import type { InspectOptions, SaliencyTrace, Trace } from '../../inspect/index.js';
import { ArgumentError } from '../../tensor/index.js';
import { count } from '../arguments.js';
import { print, printJson } from '../terminal.js';
import type { Terminal } from '../terminal.js';
import { modelLines } from './conventions.js';
import { QUICK, traceFor } from './inspect.js';
import { tableOf } from './matrix.js';
import type { Question } from './model.js';
import { percent, short, signed } from './numbers.js';
import { addModelOptions, addPrintOptions, addSentenceOptions } from './options.js';
import { expectContrast } from './options.js';
import type { ReadingOptions } from './options.js';
import { paperFor, wrapped } from './paper.js';
import type { Paper } from './paper.js';
import { expectLabels, lossNames } from './place.js';

interface Options extends ReadingOptions {
  readonly target?: number;
  readonly swaps?: string;
}

const HELP = `
Four methods for one label. Gradient: the norm of the derivative at each word vector. Input × gradient: with a sign. Integrated
gradients: along the path from vectors of zeros; they are shown only if they add up to what they explain (gap below 1 %). Swap:
two forward passes, one with the word replaced by its other number or by a common word with the same label. If gradient and swap
name different words, trust the swap.

Example:
  bptt salience "the cat near the dogs by the trees sat" --cell lstm --train 300 --label V.SG --contrast V.PL
  bptt salience "they run" tagger.safetensors --target 1 --json`;

/** Adds the command. */
export function addSalience(program: Command, terminal: Terminal): void {
  const command = program
    .command('salience')
    .alias('saliency')
    .description('which word decided a label: the gradients and the swap test');
  addPrintOptions(addSentenceOptions(addModelOptions(command)), 'print one JSON object: target, methods, gap')
    .option('--target <t>', 'the word whose label is explained, counted from 0 (default: the last)', count)
    .option('--label <label>', 'the label that is explained (default: the predicted one)')
    .option('--contrast <label>', 'the label it is measured against (default: none, only the logit)')
    .option('--swaps <words>', 'what each word is swapped for, one per word, separated by blanks')
    .addHelpText('after', HELP)
    .action((sentence: string, file: string | undefined, options: Options) =>
      runSalience(sentence, file, options, terminal),
    );
}

async function runSalience(
  text: string,
  file: string | undefined,
  options: Options,
  terminal: Terminal,
): Promise<void> {
  const { question, trace } = await salienceFor(text, file, options, terminal);
  const [found] = trace.saliency;
  if (options.json) {
    const { target, methods, gap, label, contrast, points, replacements, rules, agrees } = found;
    return printJson(terminal, { target, methods, gap, label, contrast, points, replacements, rules, agrees });
  }
  const paper = paperFor(terminal, options);
  for (const line of [...modelLines(paper, trace, question.notes), ...salienceLines(trace, found, paper)])
    await print(terminal, line);
}

async function salienceFor(text: string, file: string | undefined, options: Options, terminal: Terminal) {
  const replacements = options.swaps?.trim().split(/\s+/);
  return traceFor(text, file, { ...options, label: undefined, contrast: undefined }, terminal, (question) => {
    const T = question.sentence.tokens.length;
    if (replacements !== undefined && replacements.length !== T) {
      throw new ArgumentError(
        `--swaps must give one word per word, ${T}; got ${replacements.length}: add or remove words`,
      );
    }
    return { ...salienceOptions(question, options), ...(replacements && { replacements }) };
  });
}

/** The requested target, and what to explain about it. @throws ArgumentError on something that the model does not have */
export function salienceOptions(
  { model, sentence }: Pick<Question, 'model' | 'sentence'>,
  { target, label, contrast }: Pick<Options, 'target' | 'label' | 'contrast'>,
): InspectOptions {
  expectContrast({ label, contrast });
  expectLabels(model, { label, contrast });
  const most = (model.heads[0].kind.unit === 'token' ? sentence.tokens.length : 1) - 1;
  if (target !== undefined && target > most) throw new ArgumentError(`--target must be at most ${most}; got ${target}`);
  const asked = { ...(label !== undefined && { label }), ...(contrast !== undefined && { contrast }) };
  return { ...QUICK, seed: 'margin', ...asked, saliency: [target ?? most] };
}

/** Rank of each word by absolute value, where 1 is the largest. */
function ranksOf(values: readonly number[]): number[] {
  return values.map((x) => 1 + values.filter((other) => Math.abs(other) > Math.abs(x)).length);
}

/** The table of one target, and how reliable it is. */
export function salienceLines(trace: Trace, found: SaliencyTrace, paper: Paper): string[] {
  const { target, label, contrast, methods, gap, points, replacements, rules } = found;
  const about = paper.word(lossNames(trace)[target]);
  const what = contrast === null ? paper.word(label) : `${paper.word(label)} over ${paper.word(contrast)}`;
  const head = ['word', 'gradient', 'input × gradient', 'integrated', 'swap', 'for'].map((each) => paper.own(each));
  const rows = trace.words.map(({ text }, k) => [
    paper.word(text, 12),
    paper.own(short(methods.gradient[k])),
    paper.own(signed(methods.inputTimesGradient[k])),
    methods.integrated === null ? paper.own('–') : paper.own(signed(methods.integrated[k])),
    paper.own(signed(methods.swap[k])),
    `${paper.word(replacements[k], 12)} (${rules[k]})`,
  ]);
  const complete =
    methods.integrated === null
      ? `integrated gradients are not shown: with ${points} points they miss what they explain by ${percent(gap)}, more than 1 %`
      : `integrated gradients: completeness gap ${percent(gap)}, ${points} points`;
  return [
    ...wrapped(paper, `which word decided ${what} at ${about}; + supports it, ${paper.own('−')} opposes it`),
    ...tableOf(paper, [head, ...rows], 'lrrrrl'),
    ...wrapped(paper, paper.own(complete)),
    ...verdictLines(trace, found, paper),
  ];
}

function verdictLines({ words }: Trace, { methods, agrees }: SaliencyTrace, paper: Paper): string[] {
  if (![...methods.gradient, ...methods.swap].every(Number.isFinite)) {
    return wrapped(paper, paper.paint('bad', 'some numbers are not finite: no word is ranked first'));
  }
  const [gradient, swap] = [ranksOf(methods.gradient), ranksOf(methods.swap)];
  const [byGradient, bySwap] = [gradient, swap].map((ranks) => paper.word(words[ranks.indexOf(1)].text));
  const verdict = agrees
    ? `gradient and swap test both rank ${bySwap} first`
    : paper.paint(
        'bad',
        `the gradient ranks ${byGradient} first, the swap test ${bySwap}: a gradient is not importance`,
      );
  const first = `the first word, ${paper.word(words[0].text)}: rank ${gradient[0]} of ${words.length} by the gradient, ${swap[0]} by the swap test`;
  return [...wrapped(paper, verdict), ...wrapped(paper, first)];
}
