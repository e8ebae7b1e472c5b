/** `bptt inspect`: one sentence, every number. */
import type { Command } from 'commander';
import { flatten } from '../../autograd/grads.js';
import { inspect, traceToJson } from '../../inspect/index.js';
import type { InspectOptions, Trace } from '../../inspect/index.js';
import { count } from '../arguments.js';
import { print } from '../terminal.js';
import type { Terminal } from '../terminal.js';
import { conventions, modelLines, proofLines } from './conventions.js';
import { elementLines, largestShares, normTable, sentenceLoss, stepTable } from './inspect-frame.js';
import { openQuestion, readsByWord } from './model.js';
import type { Question } from './model.js';
import {
  addConventionOptions,
  addModelOptions,
  addPrintOptions,
  addSentenceOptions,
  atMost,
  expectSeed,
} from './options.js';
import { MOST_CHECKS } from './options.js';
import type { ReadingOptions } from './options.js';
import { paperFor } from './paper.js';
import type { Paper } from './paper.js';
import { expectPlace } from './place.js';
import { reachLines } from './reach-frame.js';
import { waitingOn } from './waiting.js';

interface Options extends ReadingOptions {
  readonly checks?: number;
}

const HELP = `
For each word: its loss, and the gradient of its hidden state in two parts, what arrives from this word's own loss and the layers
above (direct) and what arrives from the next step (recurrent). Then which loss reaches how far, one weight's gradient as a sum
over the words, and the results of the checks. Without a model file the model is untrained. Sentences of the number-agreement
grammar (docs/reading-gradients.md) have known gold labels; for others pass --tags, or the model's own prediction is used.

Example:
  bptt inspect "the cat sat" --cell rnn --hidden 4 --seed 1
  bptt inspect "They run." tagger.safetensors --json`;

/** Adds the command. */
export function addInspect(program: Command, terminal: Terminal): void {
  const command = program.command('inspect').description('read one sentence: every gradient, its parts, the checks');
  addPrintOptions(
    addConventionOptions(addSentenceOptions(addModelOptions(command))),
    'print the trace, one JSON object',
  )
    .option('--checks <n>', 'random weights to check', atMost(count, MOST_CHECKS), 8)
    .addHelpText('after', HELP)
    .action((sentence: string, file: string | undefined, options: Options) =>
      runInspect(sentence, file, options, terminal),
    );
}

async function runInspect(text: string, file: string | undefined, options: Options, terminal: Terminal): Promise<void> {
  const { checks, json } = options;
  const { question, trace } = await traceFor(text, file, options, terminal, (asked) => ({
    checks,
    ...(!json && shownOf(asked, options)),
  }));
  if (json) return print(terminal, traceToJson(trace));
  const paper = paperFor(terminal, options);
  for (const line of inspectFrame(question, trace, options, paper)) await print(terminal, line);
}

/** The parts to print: reach at x, at h and at the requested variable, and the ledger of recurrent weights. */
function shownOf({ model }: Question, { variable = 'x' }: Options): InspectOptions {
  const params = Object.keys(flatten(model.params));
  return {
    reach: [...new Set(['x', 'h', variable])],
    ledger: params.filter((param) => param.startsWith('layers.') && param.endsWith('.Wh')),
  };
}

/**
 * Opens model and sentence and inspects it, with progress if it takes long.
 *
 * @param more returns further options once the model is known
 */
export async function traceFor(
  text: string,
  file: string | undefined,
  options: ReadingOptions,
  terminal: Terminal,
  more: (question: Question) => InspectOptions,
): Promise<{ question: Question; trace: Trace }> {
  expectSeed(options);
  const waiting = waitingOn(terminal, options);
  try {
    const question = await openQuestion(text, file, options, terminal, waiting);
    expectPlace(question.model, options); // regardless of the output
    return { question, trace: read(question, options, { ...more(question), onProgress: waiting.onProgress }) };
  } finally {
    waiting.stop();
  }
}

/** Only the words, the steps and their gradients. */
export const QUICK = { checks: 0, reach: false, ledger: false, elements: [], jacobian: false } as const;

/** Inspects the sentence. */
export function read(
  { kernels, model, sentence }: Pick<Question, 'kernels' | 'model' | 'sentence'>,
  options: ReadingOptions,
  more: InspectOptions = {},
): Trace {
  const { label, contrast } = options;
  const seed = options.lossSeed ?? (readsByWord(model) ? undefined : 'logit');
  return inspect(kernels, model, sentence, {
    ...(label !== undefined && { label }),
    ...(contrast !== undefined && { contrast }),
    ...(seed !== undefined && { seed }),
    ...more,
  });
}

/** All lines of `bptt inspect`. */
export function inspectFrame(question: Question, trace: Trace, options: Options, paper: Paper): string[] {
  const norms = normTable(trace, options, paper);
  const [element] = trace.elements;
  const weights =
    element === undefined ? [] : [...elementLines(element, paper), ...largestShares(trace, element.param, paper)];
  return [
    ...modelLines(paper, trace, question.notes),
    '',
    ...stepTable(trace, options, paper),
    ...sentenceLoss(trace, paper),
    '',
    ...(norms ?? reachLines(trace, options, paper)),
    ...(weights.length > 0 ? ['', ...weights] : []),
    '',
    ...conventions(paper, trace, options, question.gold),
    ...proofLines(paper, trace),
  ];
}
