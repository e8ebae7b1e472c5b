/** Converts inputs to answers, in a worker. A sentence has the format of `bptt tag --output jsonl`. */
import { tokenCutter } from '../../labeling/data/formats/index.js';
import { lineBlocks } from '../../labeling/data/formats/lines.js';
import { shortToken } from '../../labeling/data/long-tokens.js';
import { readText } from '../../labeling/data/segment.js';
import { LONGEST_RAW_SENTENCE } from '../../labeling/model/entities.js';
import type { Model } from '../../labeling/model/model.js';
import type { Tagger } from '../../labeling/model/tagger.js';
import { labelsSentences } from '../tag/heads.js';
import { answer } from '../tag/jobs.js';
import type { ServeJob, ServeResult, TagInput } from './jobs.js';

/** Labels the inputs of a request. @throws DataError on a text without a sentence, with a NUL byte or a token that is too long */
export async function answerJob(
  tagger: Pick<Tagger, 'tag' | 'model'>,
  { inputs, wanted }: ServeJob,
): Promise<ServeResult> {
  const { model } = tagger;
  const whole = labelsSentences(model);
  const cut = await Promise.all(inputs.map((input) => sentencesOf(model, input, whole)));
  const all = cut.flat();
  const settings = { output: 'jsonl', ...wanted, columns: [] } as const;
  const { text = '' } = answer(tagger, settings, { kind: 'write', sentences: all.map((tokens) => ({ tokens })) });
  const lines = text.split('\n');
  let next = 0;
  const answers = cut.map((sentences) => `[${lines.slice(next, (next += sentences.length)).join(',')}]`);
  return { answers, sentences: all.length, tokens: all.reduce((sum, tokens) => sum + tokens.length, 0) };
}

/** The sentences of an input: a text is tokenized like the training data, with one sentence per line if sentences are labeled. */
async function sentencesOf(model: Model, input: TagInput, whole: boolean): Promise<readonly (readonly string[])[]> {
  if (!('text' in input)) return input.sentences;
  const { tokenizer, locale } = model.input ?? {};
  const how = { ...(tokenizer && { tokenizer }), ...(locale !== undefined && { locale }) };
  const chunks = [new TextEncoder().encode(input.text)];
  const sentences: string[][] = [];
  if (whole) {
    const cut = tokenCutter(how);
    for await (const { first, lines } of lineBlocks(chunks, 'text')) {
      lines.forEach((line, i) => sentences.push(cut(line).map((token) => shortToken(token, 'text', first + i))));
    }
    return sentences;
  }
  for await (const { tokens } of readText(chunks, { ...how, source: 'text' })) {
    for (let i = 0; i < tokens.length; i += LONGEST_RAW_SENTENCE)
      sentences.push(tokens.slice(i, i + LONGEST_RAW_SENTENCE));
  }
  return sentences;
}
