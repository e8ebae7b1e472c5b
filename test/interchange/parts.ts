/** Settings of trainings whose models together have every part that an export must carry. */
import type { TrainOptions } from '../../src/labeling';

const words = ['ba', 'du', 'Gi', '00'];
const vectors = { words, size: 5, values: Float32Array.from({ length: 20 }, (_, i) => Math.sin(i + 1)) };

export const parts: Readonly<Record<string, TrainOptions>> = {
  'lstm, signatures': { signatures: true, minCount: 2, bidirectional: true, layers: 2 },
  'gru, lower case, residual': { cell: 'gru', lowerCase: true, bidirectional: true, layers: 3, residual: true },
  'rnn, dense': { cell: 'rnn', dense: 7 },
  'rnn-relu': { cell: 'rnn-relu', minCount: 2 },
  'lstm with a projection': { cell: 'lstm:projection=2', bidirectional: true, layers: 2 },
  'crf, affixes, characters': { head: 'crf', encoders: ['words', 'affixes', 'characters'], affixRows: 50, affixSize: 6, characterSize: 8, characterEmbedding: 5 }, // prettier-ignore
  'affixes, rare ones apart': {
    encoders: ['affixes'],
    affixRows: 50,
    affixSize: 6,
    affixMinCount: 3,
    affixDropout: 0.2,
  },
  'affixes, exact rows': { encoders: ['affixes'], affixRows: 'all', affixSize: 6, prefixes: 2 },
  'convolution, vectors': { encoders: ['characters', 'vectors'], characters: 'cnn', characterWindow: 4, characterSize: 7, characterEmbedding: 5, vectors: vectors as never, vectorsSize: 6, vectorsMode: 'tuned' }, // prettier-ignore
  'sentences, last': { task: 'classify', pooling: 'last', bidirectional: true },
  'sentences, mean': { task: 'classify', pooling: 'mean' },
  'sentences, max': { task: 'classify', pooling: 'max', dense: 4 },
  'sentences, attention': { task: 'classify', pooling: 'attention' },
  'words and sentences': { task: 'slots-intent', head: 'crf' },
};
