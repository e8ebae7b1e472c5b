/** Models beside PyTorch: the same tags over a whole corpus, state dicts both ways, and files that `torch.save` wrote. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createCpuKernels } from '../../src/kernels';
import {
  decodePt,
  encodePt,
  fromPlainStateDict,
  importPyTorch,
  readStateDict,
  toStateDict,
} from '../../src/interchange';
import { exportPyTorch } from '../../src/interchange';
import { generateCorpus, predict, train } from '../../src/labeling';
import type { Model, Prediction, TrainOptions } from '../../src/labeling';
import { readCorpus } from '../../src/labeling/data/files.node';
import type { Tensor } from '../../src/tensor';
import { flatten } from '../../src/autograd';
import { DataError } from '../../src/tensor';
import { parts } from '../interchange/parts';
import { dataPath, describeWithData } from '../support/data';
import { python } from './engines';

const kernels = createCpuKernels();
let folder: string;
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'bptt-torch-'))));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string) => join(folder, name);
const read = (name: string) => new Uint8Array(readFileSync(at(name)));

/** Words as they are met, and such as show where Python and JavaScript could differ. */
const ODD = [
  ...[
    'İstanbul',
    'ΟΔΟΣ',
    'Straße',
    'ǅ',
    'e\u0301',
    'ﬁn',
    "1980'erne",
    '٣٤',
    '½',
    'ภาษา',
    '𝔘nicode',
    '👩‍👩‍👧',
    '--',
    'a b',
    '<unk>',
  ],
  ...[
    'EU',
    'U.S.',
    'x'.repeat(70),
    `${'é'.repeat(40)}${'Z'.repeat(40)}`,
    '日本語',
    'ÀÉÎ',
    '\u0327'.repeat(70),
    'aaaaaaa',
    '<pad>',
  ],
];
const corpus = generateCorpus({ sentences: 60, seed: 4 }).map((s) => ({ ...s, category: s.tokens.length > 6 ? 'long' : 'short' })); // prettier-ignore
const unseen = generateCorpus({ sentences: 150, seed: 9 }).map(({ tokens }) => tokens);
const sentences = [...unseen, ODD, ...ODD.map((word) => [word]), ODD.map((word) => word.slice(0, 3))];

/** A model whose labels vary: its weights are moved by a wave. */
async function varied(name: string): Promise<Model> {
  const options = { epochs: 1, batch: 8, lr: 0.01, hidden: 5, embedding: 7, seed: 5, ...parts[name] };
  const spans = /crf|convolution|words and/.test(name);
  const labeled = spans ? corpus.map((s) => ({ ...s, labels: s.tokens.map((_, t) => ['O', 'B-X', 'I-X', 'B-Y'][(t + s.tokens.length) % 4]) })) : corpus; // prettier-ignore
  const scheme = spans && !name.startsWith('words') ? { scheme: name.startsWith('crf') ? ('IOBES' as const) : ('IOB1' as const), decode: 'constrained' as const } : {}; // prettier-ignore
  const { model } = await train(kernels, { train: labeled }, { ...options, ...scheme });
  let k = 1;
  for (const { data } of Object.values(flatten(model.params))) for (let i = 0; i < data.length; i++) data[i] += 0.8 * Math.sin(12.9898 * k++); // prettier-ignore
  return model;
}

const DRIVER = `
import importlib.util, json, sys
out = {}
for name, folder in json.load(open(sys.argv[1])).items():
    spec = importlib.util.spec_from_file_location("model", folder + "/model.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    out[name] = module.load().tag(json.load(open(sys.argv[2])))
print(json.dumps(out))`;

/** What a prediction says, as the module says it: labels, or by head. */
function said({ heads, ...own }: Prediction): unknown {
  const labelsOf = ({ labels, category }: Omit<Prediction, 'heads'>) => (category === undefined ? labels : [category]);
  if (!heads) return labelsOf(own);
  return Object.fromEntries(Object.entries(heads).map(([head, each]) => [head, labelsOf(each)]));
}

test('every tag of every kind of model is the same in PyTorch', async () => {
  const models = new Map<string, Model>();
  for (const name of Object.keys(parts)) models.set(name, await varied(name));
  const folders: Record<string, string> = {};
  for (const [name, model] of models) {
    folders[name] = mkdtempSync(at('model-'));
    for (const [file, bytes] of Object.entries(exportPyTorch(model, { weights: name.startsWith('gru') ? 'pt' : 'safetensors' }))) writeFileSync(join(folders[name], file), bytes); // prettier-ignore
  }
  writeFileSync(at('folders.json'), JSON.stringify(folders));
  writeFileSync(at('sentences.json'), JSON.stringify(sentences));
  const theirs = JSON.parse(python(DRIVER, at('folders.json'), at('sentences.json'))) as Record<string, unknown[]>;
  const scaled = await varied('rnn-relu'); // a difference of one bias is seen
  scaled.params.heads.labels.b.data[0] += 0.5;
  expect(theirs['rnn-relu']).not.toEqual(predict(kernels, scaled, sentences).map(({ labels }) => labels));
  for (const [name, model] of models) {
    const ours = predict(kernels, model, sentences).map(said);
    expect([name, theirs[name]]).toEqual([name, ours]);
    expect(new Set(ours.flatMap((each) => Object.values(each as object)).flat()).size).toBeGreaterThan(1);
  }
});

/** Corpora, a small training on the first sentences of each, and the test set that is tagged whole. */
const REAL: readonly (readonly [folder: string, train: string, test: string, options: TrainOptions])[] = [
  ['ud-ga-idt-r1.3', 'ga-ud-train.conllu', 'ga-ud-test.conllu', { encoders: ['words', 'affixes'], affixSize: 16, layers: 2 }], // prettier-ignore
  ['ner-uner-da-ddt', 'da_ddt-ud-train.iob2', 'da_ddt-ud-test.iob2', { head: 'crf', scheme: 'IOBES', encoders: ['words', 'characters'], characterSize: 16, cell: 'gru' }], // prettier-ignore
  ['slot-snips', 'train', 'test', { task: 'slots-intent', encoders: ['words', 'characters'], characters: 'cnn', characterSize: 16 }], // prettier-ignore
];

describe.each(REAL)('%s', (corpus, trainFile, testFile, options) => {
  describeWithData(corpus, 'the whole test set', () => {
    test('has 0 differing tags', async () => {
      const reading = trainFile.endsWith('.iob2') ? { column: 3 } : {};
      const trainSet = (await readCorpus(dataPath(corpus, trainFile), reading)).slice(0, 400);
      const tokens = (await readCorpus(dataPath(corpus, testFile), reading)).map((each) => each.tokens);
      const { model } = await train(kernels, { train: trainSet }, { epochs: 2, batch: 8, lr: 0.01, hidden: 16, embedding: 16, ...options }); // prettier-ignore
      const own = mkdtempSync(at('real-'));
      for (const [file, bytes] of Object.entries(exportPyTorch(model))) writeFileSync(join(own, file), bytes);
      writeFileSync(at('folders.json'), JSON.stringify({ own }));
      writeFileSync(at('sentences.json'), JSON.stringify(tokens));
      const theirs = (JSON.parse(python(DRIVER, at('folders.json'), at('sentences.json'))) as { own: unknown[] }).own;
      const ours = predict(kernels, model, tokens).map(said);
      const differing = ours.filter((each, i) => JSON.stringify(each) !== JSON.stringify(theirs[i]));
      expect(differing).toEqual([]);
      expect(tokens.flat().length).toBeGreaterThan(3000);
      expect(new Set(JSON.stringify(ours).match(/"[^"]+"/g)).size).toBeGreaterThan(2);
    });
  });
});

const SAVED = `
import sys, json, torch
from collections import OrderedDict
folder = sys.argv[1]
torch.manual_seed(3)
lstm = torch.nn.LSTM(5, 4, 2, bidirectional=True)
torch.save(lstm.state_dict(), folder + "/lstm.pt")
flat = torch.randn(40)
views = OrderedDict(a=flat[:12].view(3, 4), b=flat[12:24].view(3, 4).t(), c=flat[30:33], d=torch.randn(2, 3).half(),
    e=torch.randn(2, 3).bfloat16(), f=torch.randn(3).double(), g=torch.arange(-2, 3), h=torch.tensor(1.5), i=torch.zeros(0, 3))
torch.save(views, folder + "/views.pt")
torch.save({"epoch": 3, "model": lstm.state_dict(), "rate": 0.5}, folder + "/checkpoint.pt")
torch.save(OrderedDict(lstm.named_parameters()), folder + "/parameters.pt")
torch.save(lstm, folder + "/module.pt")
class Harm:
    def __reduce__(self):
        import os
        return os.system, ("touch " + folder + "/harm",)
torch.save({"w": torch.ones(2), "x": Harm()}, folder + "/harm.pt")
torch.save(views, folder + "/old.pt", _use_new_zipfile_serialization=False)
plain = lambda state: {k: [list(v.shape), v.detach().double().flatten().tolist()] for k, v in state.items()}
print(json.dumps({"lstm": plain(lstm.state_dict()), "views": plain(views)}))`;

test('what torch.save wrote is read, number by number, and none of its code runs', () => {
  const said = JSON.parse(python(SAVED, folder)) as Record<'lstm' | 'views', Record<string, unknown>>;
  const plain = (state: Record<string, Tensor>) => Object.fromEntries(Object.entries(state).map(([name, x]) => [name, [x.shape, [...x.data]]])); // prettier-ignore
  expect(plain(readStateDict(read('lstm.pt')))).toEqual(said.lstm);
  expect(plain(readStateDict(read('views.pt')))).toEqual(said.views);
  expect(plain(readStateDict(read('parameters.pt')))).toEqual(said.lstm);
  expect(plain(decodePt(read('checkpoint.pt'), { part: 'model' }))).toEqual(said.lstm);
  expect(() => readStateDict(read('checkpoint.pt'))).toThrow('"epoch" is not a tensor: choose a part, "model"');
  expect(() => readStateDict(read('module.pt'))).toThrow(/global "torch\.nn\.modules\.rnn\.LSTM"|opcode/);
  expect(() => readStateDict(read('harm.pt'))).toThrow(/the global "(posix|os)\.system"/);
  expect(() => readStateDict(read('old.pt'))).toThrow(DataError);
  expect(existsSync(at('harm'))).toBe(false);
});

test('what is written here is loaded by torch with weights alone', async () => {
  const model = await varied('gru, lower case, residual');
  writeFileSync(at('ours.pt'), encodePt(toStateDict(model)));
  const code = `
import sys, json, torch
state = torch.load(sys.argv[1], weights_only=True)
torch.save(state, sys.argv[2])
print(json.dumps({name: list(x.shape) for name, x in state.items()}))`;
  const shapes = JSON.parse(python(code, at('ours.pt'), at('again.pt'))) as object;
  const state = toStateDict(model);
  expect(shapes).toEqual(Object.fromEntries(Object.entries(state).map(([name, x]) => [name, x.shape])));
  const back = importPyTorch(exportPyTorch(model), readStateDict(read('again.pt')));
  const [a, b] = [flatten(back.params), flatten(model.params)];
  for (const name of Object.keys(b)) expect([name, [...a[name].data]]).toEqual([name, [...b[name].data]]);
});

const TAGGERS = `
import sys, json, torch
from torch import nn
folder = sys.argv[1]
torch.manual_seed(8)
words = ["<pad>", "<unk>", "a", "b", "c", "d"]
sentences = [["a"], ["b", "zzz", "c"], ["d", "d", "a", "<pad>", "b"], ["c"] * 9]
out = []
class Tagger(nn.Module):
    def __init__(self, kind, layers, both, bias):
        super().__init__()
        self.embedding = nn.Embedding(6, 5)
        extra = {"nonlinearity": "relu"} if kind == "rnn-relu" else {}
        made = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN, "rnn-relu": nn.RNN}[kind]
        self.encoder = made(5, 4, layers, bidirectional=both, bias=bias, batch_first=True, **extra)
        self.out = nn.Linear(8 if both else 4, 3)
for kind in ("lstm", "gru", "rnn", "rnn-relu"):
    for layers, both, bias in ((1, False, True), (2, True, True), (1, True, False)):
        tagger = Tagger(kind, layers, both, bias)
        name = "%s-%d-%s-%s.pt" % (kind, layers, both, bias)
        torch.save(tagger.state_dict(), folder + "/" + name)
        logits = []
        for tokens in sentences:
            ids = torch.tensor([[words.index(t) if t in words else 1 for t in tokens]])
            logits.append(tagger.out(tagger.encoder(tagger.embedding(ids))[0])[0].argmax(-1).tolist())
        out.append([kind, name, logits])
print(json.dumps([words, sentences, out]))`;

test('state dicts of taggers of PyTorch tag the same here: cells, layers, directions, both biases or none', () => {
  const [words, asked, made] = JSON.parse(python(TAGGERS, folder)) as [string[], string[][], [string, string, number[][]][]]; // prettier-ignore
  expect(made).toHaveLength(12);
  for (const [cell, name, best] of made) {
    const model = fromPlainStateDict(readStateDict(read(name)), {
      words,
      labels: ['0', '1', '2'],
      cell: cell as never,
    });
    expect([name, predict(kernels, model, asked).map(({ labels }) => labels.map(Number))]).toEqual([name, best]);
  }
});
