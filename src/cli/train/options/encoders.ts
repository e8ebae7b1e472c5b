/** Options of `bptt train` about encoders: how tokens become vectors. */
import type { Command } from 'commander';
import { Option } from 'commander';
import type { EncoderName } from '../../../labeling/model/encoders/index.js';
import { ENCODERS } from '../../../labeling/model/encoders/index.js';
import { TRAIN_DEFAULTS } from '../../../labeling/training/options.js';
import { VECTOR_DIGITS } from '../../../labeling/data/vectors/lookup.js';
import { ArgumentError } from '../../../tensor/index.js';
import {
  affixCount,
  affixRows,
  dropProbability,
  encoderNames,
  keptVectors,
  oneOf,
  positiveInteger,
} from '../../arguments.js';
import { isGiven } from '../../config.js';
import type { TrainCommandOptions as Options } from '../options.js';

/** Adds options about each encoder. */
export function addEncoderOptions(command: Command): void {
  addWordOptions(command);
  addAffixOptions(command);
  addCharacterOptions(command);
  addVectorOptions(command);
}

function addWordOptions(command: Command): void {
  const d = TRAIN_DEFAULTS;
  command
    .addOption(
      new Option('--encoders <names>', `how tokens become vectors, concatenated: ${ENCODERS.join(', ')}`)
        .argParser(encoderNames)
        .default(['words'], 'words'),
    )
    .option('--embedding <n>', 'words: size of a word vector', positiveInteger, d.embedding)
    .option('--word-dropout <p>', 'words: probability of hiding a training word', dropProbability, d.wordDropout)
    .option('--min-count <n>', 'words: rarer words are unknown words', positiveInteger, d.minCount)
    .option('--lower-case', 'words: look words up in lower case')
    .option('--no-signatures', 'words: use one vector for all unknown words, whatever their shape and ending');
}

function addAffixOptions(command: Command): void {
  const d = TRAIN_DEFAULTS;
  command
    .option('--affix-size <n>', 'affixes: size of the vectors', positiveInteger, d.affixSize)
    .option(
      '--affix-rows <n>',
      'affixes: rows of the table to which they are hashed; all: one for each',
      affixRows,
      d.affixRows,
    )
    .option('--prefixes <n>', 'affixes: prefixes of 1 to n characters, n up to 10', affixCount, d.prefixes)
    .option('--suffixes <n>', 'affixes: suffixes of 1 to n characters, n up to 10', affixCount, d.suffixes)
    .option(
      '--affix-min-count <n>',
      'affixes: rarer ones share a vector with unseen ones',
      positiveInteger,
      d.affixMinCount,
    )
    .option(
      '--affix-dropout <p>',
      'affixes: probability of hiding those that identify a training word; needs --affix-min-count',
      dropProbability,
      d.affixDropout,
    );
}

function addCharacterOptions(command: Command): void {
  const d = TRAIN_DEFAULTS;
  command
    .option(
      '--characters <name>',
      'characters: lstm, in both directions; cnn, convolution and maximum',
      oneOf('lstm', 'cnn'),
      d.characters,
    )
    .option(
      '--character-unit <name>',
      'characters: unit, code-point or grapheme',
      oneOf('code-point', 'grapheme'),
      d.characterUnit,
    )
    .option(
      '--character-embedding <n>',
      'characters: size of a character vector',
      positiveInteger,
      d.characterEmbedding,
    )
    .option('--character-size <n>', 'characters: size of a word vector', positiveInteger, d.characterSize)
    .option('--character-window <n>', 'characters: window of a cnn filter', positiveInteger, d.characterWindow);
}

/** Default of --vectors-keep: the number of rows in a common spaCy model. */
const VECTORS_KEPT = 20_000;

function addVectorOptions(command: Command): void {
  const d = TRAIN_DEFAULTS;
  command
    .option(
      '--vectors <file>',
      'vectors: pretrained file: GloVe, word2vec text or binary, fastText .vec; plain or gzip',
    )
    .option(
      '--vectors-keep <n>',
      'vectors: keep the first n, or all, besides those of words in the data',
      keptVectors,
      VECTORS_KEPT,
    )
    .option(
      '--vectors-mode <name>',
      'vectors: frozen, as in the file; tuned, trained too',
      oneOf('frozen', 'tuned'),
      d.vectorsMode,
    )
    .option('--vectors-size <n>', 'vectors: output size of the linear map', positiveInteger, d.vectorsSize)
    .option(
      '--vectors-digits <name>',
      'vectors: as a last resort, look words up with 0 or # for every digit',
      oneOf(...VECTOR_DIGITS),
      d.vectorsDigits,
    );
}

/** Options that only one encoder reads, by encoder name. */
export const OPTIONS_OF: Readonly<Record<EncoderName, readonly string[]>> = {
  words: ['embedding', 'wordDropout', 'minCount', 'lowerCase', 'signatures'],
  affixes: ['affixSize', 'affixRows', 'prefixes', 'suffixes', 'affixMinCount', 'affixDropout'],
  characters: ['characters', 'characterUnit', 'characterEmbedding', 'characterSize', 'characterWindow'],
  vectors: ['vectors', 'vectorsKeep', 'vectorsMode', 'vectorsSize', 'vectorsDigits'],
};

/** @throws ArgumentError if an option would be ignored because its encoder, or its network, is absent */
export function checkEncoders(options: Options, command: Command): void {
  const { encoders, characters, characterSize, vectors, init, affixDropout = 0, affixMinCount } = options;
  const given = (names: readonly string[]) =>
    command.options.find((each) => {
      const name = each.attributeName();
      return names.includes(name) && isGiven(command, name);
    });
  for (const name of ENCODERS) {
    const option = encoders.includes(name) ? undefined : given(OPTIONS_OF[name]);
    if (option === undefined) continue;
    throw new ArgumentError(
      `${option.long} has no effect without the encoder ${name}: leave it out, or add ${name} to --encoders`,
    );
  }
  if (encoders.includes('vectors') && vectors === undefined && init === undefined) {
    throw new ArgumentError('--encoders vectors needs a file of vectors: add --vectors FILE, or leave vectors out');
  }
  if (affixDropout > 0 && affixMinCount === 1 && init === undefined) {
    throw new ArgumentError(
      '--affix-dropout has no effect without rare affixes: add --affix-min-count 2, or leave it out',
    );
  }
  if (!encoders.includes('characters') || characters === 'cnn') return;
  if (given(['characterWindow'])) {
    throw new ArgumentError(
      '--character-window has no effect with --characters lstm: leave it out, or add --characters cnn',
    );
  }
  if (characterSize % 2 === 0) return;
  throw new ArgumentError(
    `--character-size must be even for --characters lstm, one half for each direction; got ${characterSize}: make it even`,
  );
}
