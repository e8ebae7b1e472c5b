/**
 * Keras files beside h5py and NumPy: the weights are read by h5py, and run by the formulas of Keras's own layers, written out in NumPy.
 * Keras itself is in no Debian, so its loader is not run.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bptt, python } from './engines';

let folder: string;
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'bptt-keras-'))));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string) => join(folder, name);

const WORDS = ['the', 'cat', 'sat', 'on', 'a', 'mat', 'dogs', 'bark', 'loud'];
const SENTENCES = Array.from({ length: 30 }, (_, i) =>
  Array.from({ length: 1 + ((i * 5) % 11) }, (_unused, t) => WORDS[(i * 7 + t * t * 3 + t) % WORDS.length]),
);
const text = (sentences: readonly (readonly string[])[]) => sentences.map((each) => each.join(' ')).join('\n') + '\n';
const columns = () =>
  SENTENCES.map((each) => each.map((word, t) => `${word}\t${'ABC'[(word.length + t) % 3]}`).join('\n')).join('\n\n') +
  '\n';

/** Reads a .keras file and computes labels of sentences given as ids. */
const RUN = `
import sys, json, zipfile, io, h5py, numpy as np
archive = zipfile.ZipFile(sys.argv[1])
assert archive.testzip() is None
layers = json.loads(archive.read('config.json'))['config']['layers']
h5 = h5py.File(io.BytesIO(archive.read('model.weights.h5')))
sigmoid = lambda x: 1 / (1 + np.exp(-x))
act = {'tanh': np.tanh, 'relu': lambda x: np.maximum(x, 0)}
def weights(path):
    group = h5['layers/' + path + '/vars']
    return [group[str(i)][...].astype('f8') for i in range(len(group))]
def lstm(config, W, U, b, x):
    H = U.shape[0]; h = np.zeros(H); c = np.zeros(H); out = []
    for row in x:
        z = row @ W + h @ U + b
        i, f, g, o = z[:H], z[H:2*H], z[2*H:3*H], z[3*H:]
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g); h = sigmoid(o) * np.tanh(c); out.append(h)
    return np.array(out)
def gru(config, W, U, b, x):
    H = U.shape[0]; h = np.zeros(H); out = []
    after = config['reset_after']; bi, br = (b[0], b[1]) if after else (b, np.zeros(3*H))
    for row in x:
        a = row @ W + bi
        if after:
            u = h @ U + br
            z = sigmoid(a[:H] + u[:H]); r = sigmoid(a[H:2*H] + u[H:2*H]); n = np.tanh(a[2*H:] + r * u[2*H:])
        else:
            u = h @ U[:, :2*H]
            z = sigmoid(a[:H] + u[:H]); r = sigmoid(a[H:2*H] + u[H:]); n = np.tanh(a[2*H:] + (r * h) @ U[:, 2*H:])
        h = z * h + (1 - z) * n; out.append(h)
    return np.array(out)
def simple(config, W, U, b, x):
    h = np.zeros(U.shape[0]); out = []
    for row in x:
        h = act[config['activation']](row @ W + b + h @ U); out.append(h)
    return np.array(out)
cells = {'LSTM': lstm, 'GRU': gru, 'SimpleRNN': simple}
snake = {'LSTM': 'lstm', 'GRU': 'gru', 'SimpleRNN': 'simple_rnn', 'Bidirectional': 'bidirectional', 'Dense': 'dense', 'Embedding': 'embedding'}
def run(x):
    seen = {}
    for layer in layers[1:]:
        name, config = layer['class_name'], layer['config']
        n = seen.get(name, 0); seen[name] = n + 1
        path = snake[name] + ('_%d' % n if n else '')
        if name == 'Embedding':
            x = weights(path)[0][x]
        elif name == 'Dense':
            W, b = weights(path); x = x @ W + b
            if config['activation'] == 'tanh': x = np.tanh(x)
        elif name == 'Bidirectional':
            inner = config['layer']; cell = cells[inner['class_name']]
            forward = cell(inner['config'], *weights(path + '/forward_layer/cell'), x)
            backward = cell(inner['config'], *weights(path + '/backward_layer/cell'), x[::-1])[::-1]
            x = np.concatenate([forward, backward], 1)
        else:
            x = cells[name](config, *weights(path + '/cell'), x)
    return x.argmax(1)
facts = json.loads(archive.read('bptt.json'))['facts']
reader = json.loads(facts['readers'])['words']
ids = {word: i + 1 for i, word in enumerate(reader['words'])}
labels = list(json.loads(facts['labels']).values())[0]
for line in open(sys.argv[2]):
    print(' '.join(labels[k] for k in run([ids[word] for word in line.split()])))
`;

/** The labels that bptt gives the words of input.txt, a line for each sentence. */
function labelsOf(model: string): string[] {
  const { status, stdout, stderr } = bptt('tag', at(model), at('input.txt'), '--tokenizer', 'whitespace', '--output', 'slashed'); // prettier-ignore
  if (status !== 0) throw new Error(stderr);
  return stdout.trimEnd().split('\n').map((line) => line.split(' ').map((each) => each.split('/')[1]).join(' ')); // prettier-ignore
}

const CASES: [string, string[]][] = [
  ['lstm', ['--layers', '2']],
  ['gru', []],
  ['gru-reset-before', ['--dense', '5']],
  ['rnn', ['--no-bidirectional']],
];

test.each(CASES)('NumPy computes the labels of a %s from the file', (cell, options) => {
  writeFileSync(at('train.tsv'), columns());
  const flags = ['--format', 'two-column', '--epochs', '4', '--hidden', '9', '--embedding', '7', '--min-count', '1', '--no-signatures', '--quiet']; // prettier-ignore
  expect(bptt('train', '--train', at('train.tsv'), '--out', at(cell), '--cell', cell, ...flags, ...options)).toMatchObject({ status: 0 }); // prettier-ignore
  expect(bptt('export', at(cell), '--keras', at(`${cell}.keras`))).toMatchObject({ status: 0, stderr: '' });
  writeFileSync(at('input.txt'), text(SENTENCES));
  const theirs = python(RUN, at(`${cell}.keras`), at('input.txt'));
  const mine = labelsOf(cell);
  expect(theirs.trimEnd().split('\n')).toEqual(mine);
  expect(new Set(theirs.split(/\s+/)).size).toBeGreaterThan(2);
});

test('an .h5 of Keras 2, made by h5py, is read in silence: names of weights, double precision, compression, attributes of other types', () => {
  const make = `
import sys, json, zipfile, io, h5py, numpy as np
archive = zipfile.ZipFile(sys.argv[1])
config = json.loads(archive.read('config.json'))
source = h5py.File(io.BytesIO(archive.read('model.weights.h5')))
with h5py.File(sys.argv[2], 'w') as f:
    f.attrs['model_config'] = json.dumps(config); f.attrs['keras_version'] = b'2.15.0'; f.attrs['backend'] = b'tensorflow'
    f.attrs['made'] = np.zeros(2, dtype=[('year', 'i4'), ('size', 'f8')]); f.attrs['final'] = True; f.attrs['raw'] = np.void(b'xyz')
    top = f.create_group('model_weights')
    def layer(name, paths):
        group = top.create_group(name); names = []
        for own, path in paths:
            group.create_dataset(own, data=source['layers/' + path][...].astype('f8' if name == 'dense_0' else 'f4'), compression='gzip'); names.append(own.encode())
        group.attrs['weight_names'] = names
    layer('words', [('words/embeddings:0', 'embedding/vars/0')])
    layer('both_0', [('both_0/%s_gru/gru_cell/%s:0' % (d, n), 'bidirectional/%s_layer/cell/vars/%d' % (d, i)) for d in ['forward', 'backward'] for i, n in enumerate(['kernel', 'recurrent_kernel', 'bias'])])
    layer('dense_0', [('dense_0/kernel:0', 'dense/vars/0'), ('dense_0/bias:0', 'dense/vars/1')])
facts = json.loads(archive.read('bptt.json'))['facts']
words = ['<unk>'] + json.loads(facts['readers'])['words']['words']
json.dump({'words': words, 'labels': list(json.loads(facts['labels']).values())[0]}, open(sys.argv[3], 'w'))
`;
  python(make, at('gru.keras'), at('gru.h5'), at('names.json'));
  const back = bptt('import', at('gru.h5'), '--names', at('names.json'), '--out', at('back'));
  expect(back).toMatchObject({ status: 0, stderr: '' });
  expect(labelsOf('back')).toEqual(labelsOf('gru'));
  expect(readFileSync(at('gru.h5')).length).toBeGreaterThan(1000);
});
