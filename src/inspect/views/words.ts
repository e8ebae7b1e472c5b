/** Texts of views about a trace: names of words and losses, the model, the conventions. */
import type { Trace } from '../trace.js';
import type { Place, Variable } from './select.js';
import { say } from './strings/index.js';
import type { Strings } from './strings/index.js';
import { isolate, visible } from './text.js';

/** The words of the sentence; control characters are made visible. */
export const tokensOf = (trace: Trace): string[] => trace.words.map(({ text }) => visible(text));

/** The names of the losses: the word each is about, or the sentence. */
export const lossesOf = (trace: Trace, strings: Strings): string[] =>
  trace.losses.map(({ word }) => (word === null ? strings['place.sentence'] : visible(trace.words[word].text)));

/** A word quoted inside a sentence in the reader's language. */
export const quoted = (word: string): string => `‘${isolate(word)}’`;

/** One line about the model. */
export function modelLine({ model }: Trace, strings: Strings): string {
  const { seed, forgetBias } = model.initialization ?? { seed: 0, forgetBias: null };
  const source =
    model.source === 'model'
      ? strings['model.trained']
      : model.source === 'pytorch'
        ? strings['model.pytorch']
        : forgetBias === null
          ? say(strings, 'model.untrained', { seed })
          : say(strings, 'model.untrained.bias', { seed, bias: forgetBias });
  const hidden = [...new Set(model.hidden)].join(', ') + (model.bidirectional ? ' × 2' : '');
  return say(strings, 'model.line', { cell: model.cell.toUpperCase(), hidden, parameters: model.parameters, source });
}

/** A layer and a direction. */
export const placeLine = ({ layer, name }: Place, strings: Strings): string =>
  say(strings, 'place.layer', { layer, direction: strings[`place.${name}`] });

/** Name of a weight, `layers.0.forward.Wh[3, 7], gate f`, in the reader's language. */
export const weightName = (where: string, strings: Strings): string =>
  where.replace(/^(.*), gate (\S+)$/, (_, param: string, gate: string) => say(strings, 'place.gate', { param, gate }));

/** One line about the conventions, which change the picture without being visible in it. */
export function conventionsLine(trace: Trace, strings: Strings, variable: Variable, size: number): string {
  const { seed, gold } = trace.conventions;
  const what = seed === 'loss' && gold === 'predicted' ? strings['seed.loss.predicted'] : strings[`seed.${seed}`];
  const line = say(strings, 'conventions.line', { seed: what, variable: strings[`variable.${variable}`], size });
  const solved = trace.losses.flatMap(({ solved: yes, word }) =>
    yes && word !== null ? [visible(trace.words[word].text)] : [],
  );
  if (seed !== 'loss' || solved.length === 0) return line;
  const some = solved.slice(0, 6).map(quoted).join(', ') + (solved.length > 6 ? ' …' : '');
  return `${line} ${say(strings, 'conventions.solved', { words: some })}`;
}
