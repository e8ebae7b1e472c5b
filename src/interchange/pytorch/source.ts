/** Generates the Python module of a model: the pieces that its parts need, in one readable file. */
import type { CharacterConfig } from '../../labeling/model/encoders/characters.js';
import type { ModelConfig } from '../../labeling/model/network.js';
import { FILES, SPELLING, TEXT } from './python/base.js';
import { AFFIXES, CHARACTERS_CNN, CHARACTERS_LSTM, VECTORS, WORDS } from './python/encoders.js';
import { CRF, SENTENCE, SHARED, SOFTMAX } from './python/heads.js';
import { MODULE_PER_LAYER, ONE_MODULE, TAGGER } from './python/tagger.js';
import { isOneModule, torchCellOf } from './weights.js';

const HEADER = `"""
A sequence labeler in PyTorch. It needs only torch; the other files of this folder are its configuration, words, labels and weights.

    python3 model.py < sentences.txt        one sentence per line, words separated by spaces; the labels come back
    python3 model.py --json < lists.jsonl   one JSON list of words per line, and lists of labels back

    from model import load
    tagger = load()                         # a torch.nn.Module
    tagger.tag([["a", "sentence"]])
"""
`;

const ENCODERS = { words: 'Words', affixes: 'Affixes', characters: 'Characters', vectors: 'Vectors' } as const;
const HEADS = { softmax: 'SoftmaxHead', crf: 'CrfHead', sentence: 'SentenceHead' } as const;

/**
 * Returns the text of `model.py`, which rebuilds a model with this configuration.
 *
 * @throws UnsupportedError naming a cell that PyTorch does not have
 */
export function moduleSource(config: ModelConfig): string {
  const encoders = config.encoders.map(({ kind }) => kind as keyof typeof ENCODERS);
  const heads = [...new Set(config.heads.map(({ kind }) => kind as keyof typeof HEADS))];
  const spelled = encoders.some((kind) => kind === 'affixes' || kind === 'characters');
  const pieces = [
    ...[HEADER, FILES, TEXT],
    ...(spelled ? [SPELLING] : []),
    ...encoders.map((kind) => encoderSource(kind, config)),
    ...headSources(heads),
    registry('ENCODERS', encoders, ENCODERS),
    registry('HEADS', heads, HEADS),
    taggerSource(config),
  ];
  return pieces.join('');
}

function encoderSource(kind: keyof typeof ENCODERS, { encoders }: ModelConfig): string {
  if (kind !== 'characters') return { words: WORDS, affixes: AFFIXES, vectors: VECTORS }[kind];
  const own = encoders.find((each) => each.kind === 'characters') as CharacterConfig;
  return own.network === 'cnn' ? CHARACTERS_CNN : CHARACTERS_LSTM;
}

/** The best-path search is included once. */
function headSources(kinds: readonly (keyof typeof HEADS)[]): string[] {
  let shared = false;
  return kinds.map((kind) => {
    const source = { softmax: SOFTMAX, crf: CRF, sentence: SENTENCE }[kind];
    const own = shared ? source.replace(SHARED, '') : source;
    shared ||= kind !== 'sentence';
    return own;
  });
}

function registry<K extends string>(name: string, kinds: readonly K[], classes: Readonly<Record<K, string>>): string {
  const first = name === 'ENCODERS' ? '\n\n' : '';
  return `${first}${name} = {${kinds.map((kind) => `"${kind}": ${classes[kind]}`).join(', ')}}\n`;
}

function taggerSource({ body }: ModelConfig): string {
  const { module: name, extra, projection } = torchCellOf(body);
  const one = isOneModule(body);
  const { doc, layers, run } = one ? ONE_MODULE : MODULE_PER_LAYER;
  const size = one ? 'body["hidden"][0]' : 'size';
  const more = [...extra, ...(projection > 1 ? [`proj_size=${size}`] : [])].map((each) => `, ${each}`).join('');
  const built = layers
    .replace('@MODULE@', name)
    .replace('@HIDDEN@', projection > 1 ? `${projection} * ${size}` : size)
    .replace('@EXTRA@', more);
  return TAGGER.replace('@LAYERS_DOC@', doc).replace('@LAYERS@', built).replace('@RUN@', run);
}
