/** `bptt reach`: which loss reaches how far. */
import type { Command } from 'commander';
import { traceToJson } from '../../inspect/index.js';
import { print } from '../terminal.js';
import type { Terminal } from '../terminal.js';
import { conventions, modelLines, proofLines } from './conventions.js';
import { QUICK, traceFor } from './inspect.js';
import { addConventionOptions, addModelOptions, addPrintOptions, addSentenceOptions } from './options.js';
import type { ReadingOptions } from './options.js';
import { paperFor } from './paper.js';
import { reachLines } from './reach-frame.js';

const HELP = `
Row t is the loss at word t, column k a word: how much of the gradient at the loss's own word arrives there. The gradient of each
loss alone is one backward pass. Compare cells at x, the word vectors, which have the same meaning in all of them.

Example:
  bptt reach "the cat near the dogs by the trees sat" --cell rnn
  bptt reach "the cat near the dogs sat" --cell lstm --forget-bias 0 --variable state --normalize absolute`;

/** Adds the command. */
export function addReach(program: Command, terminal: Terminal): void {
  const command = program.command('reach').description('how far each loss reaches back: its gradient at each word');
  addPrintOptions(
    addConventionOptions(addSentenceOptions(addModelOptions(command))),
    'print the trace, one JSON object',
  )
    .addHelpText('after', HELP)
    .action((sentence: string, file: string | undefined, options: ReadingOptions) =>
      runReach(sentence, file, options, terminal),
    );
}

async function runReach(
  text: string,
  file: string | undefined,
  options: ReadingOptions,
  terminal: Terminal,
): Promise<void> {
  const { question, trace } = await traceFor(text, file, options, terminal, () => ({
    ...QUICK,
    ...(options.json ? { reach: true, elements: undefined } : { reach: [options.variable ?? 'x'] }),
  }));
  if (options.json) return print(terminal, traceToJson(trace));
  const paper = paperFor(terminal, options);
  const lines = [
    ...modelLines(paper, trace, question.notes),
    ...reachLines(trace, options, paper),
    ...conventions(paper, trace, options, question.gold),
    ...proofLines(paper, trace),
  ];
  for (const line of lines) await print(terminal, line);
}
