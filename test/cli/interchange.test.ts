/** `bptt export` and `bptt import`: files, messages and exit statuses. What the files compute is judged in test/ecosystem. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { encodePt, encodeStateDict, toStateDict } from '../support/interchange';
import { bpttHere } from '../support/cli-here';
import { externalTagger, NAMES as FOREIGN_NAMES } from '../support/onnx-foreign';
import { createWorkspace, trainTiny } from '../support/workspace';
import type { Workspace } from '../support/workspace';
import { loadModel, saveModel } from '../../src/labeling';

let space: Workspace;
beforeAll(async () => {
  space = createWorkspace();
  await trainTiny(space);
});
afterAll(() => space.remove());

const run = (...args: string[]) => bpttHere(args, space.folder);
const bytes = (name: string) => readFileSync(space.at(name));
const FILES = ['config.json', 'labels.json', 'model.py', 'vocabulary.json', 'weights.safetensors'];
const state = () => toStateDict(loadModel(bytes('model.safetensors')));
const names = () => {
  const { words, labels } = loadModel(bytes('model.safetensors'));
  return {
    words: [...words.words, ...(words.signatures ?? [])],
    labels: labels.labels,
    embedding: 'encoders.words.weight',
  };
};

test('a model goes out and comes back, byte for byte', async () => {
  const out = await run('export', 'model.safetensors', '--torch', 'there/deep');
  expect(out).toMatchObject({ status: 0, stderr: '' });
  expect(out.stdout).toMatch(/^there\/deep: 5 files, [\d,]+ bytes\n$/);
  expect(readdirSync(space.at('there/deep')).sort()).toEqual(FILES);
  const back = await run('import', 'there/deep', '--out', 'back.safetensors');
  expect(back).toMatchObject({ status: 0, stderr: '' });
  expect(back.stdout).toMatch(/^weights: there\/deep\/weights\.safetensors\nback\.safetensors: words \d+ × 6; lstm 7, both directions; labels \(softmax, \d+ labels\); [\d,]+ bytes\n$/); // prettier-ignore
  expect(bytes('back.safetensors').equals(bytes('model.safetensors'))).toBe(true);
});

test('--pt writes the weights as torch.save does, and they come back', async () => {
  expect((await run('export', 'model.safetensors', '--torch', 'pt', '--pt')).status).toBe(0);
  expect(readdirSync(space.at('pt')).sort()).toEqual([...FILES.slice(0, 4), 'weights.pt']);
  expect(Buffer.from(encodePt(state())).equals(bytes('pt/weights.pt'))).toBe(true);
  expect((await run('import', 'pt', '-o', 'pt.safetensors')).stdout).toMatch(/^weights: pt\/weights\.pt\n/);
  expect(bytes('pt.safetensors').equals(bytes('model.safetensors'))).toBe(true);
});

test('--json says the same to machines', async () => {
  const out = JSON.parse((await run('export', 'model.safetensors', '--torch', 'json', '--json')).stdout) as { files: { path: string; bytes: number }[] }; // prettier-ignore
  expect(out).toMatchObject({ model: 'model.safetensors', format: 'torch', notes: [] });
  expect(out.files.map(({ path, bytes: n }) => [path, n === bytes(path).length])).toEqual(expect.arrayContaining(FILES.map((name) => [`json/${name}`, true]))); // prettier-ignore
  const back = JSON.parse((await run('import', 'json', '-o', 'j.safetensors', '--json')).stdout) as object;
  expect(back).toMatchObject({ format: 'PyTorch', out: 'j.safetensors', bytes: bytes('j.safetensors').length, body: { cell: 'lstm', hidden: [7], bidirectional: true } }); // prettier-ignore
});

test('files that are there are replaced with --force alone', async () => {
  await run('export', 'model.safetensors', '--torch', 'twice');
  writeFileSync(space.at('twice/model.py'), 'mine');
  const again = await run('export', 'model.safetensors', '--torch', 'twice');
  expect(again).toEqual({ status: 2, stdout: '', stderr: 'bptt: twice/model.py and 4 more would be replaced: pass --force, or choose another target\n' }); // prettier-ignore
  expect(bytes('twice/model.py').toString()).toBe('mine');
  expect((await run('export', 'model.safetensors', '--torch', 'twice', '--force')).status).toBe(0);
  expect(bytes('twice/model.py').toString()).toContain('class Tagger');
});

test('weights come back from another file, safetensors or .pt, or a part of it', async () => {
  await run('export', 'model.safetensors', '--torch', 'w');
  writeFileSync(space.at('trained.pt'), encodePt(state()));
  const back = await run('import', 'w', '--weights', 'trained.pt', '-o', 'w.safetensors');
  expect(back).toMatchObject({ status: 0, stderr: '' });
  expect(bytes('w.safetensors').equals(bytes('model.safetensors'))).toBe(true);
});

test('which word stands for unknown ones is told where it was guessed', async () => {
  const own = names();
  const [first, ...more] = own.words;
  expect(first).toBe('<unk>');
  writeFileSync(space.at('guess.pt'), encodePt(state()));
  const imported = async (words: string[], unknown?: string) => {
    writeFileSync(space.at('guess.json'), JSON.stringify({ ...own, words, unknown }));
    return (await run('import', 'guess.pt', '--names', 'guess.json', '-o', 'g.safetensors')).stdout;
  };
  expect(await imported(['first', ...more])).toMatch(
    /^unknown words are read as "first", the first of the words: choose another with "unknown"\n/,
  );
  for (const said of [
    await imported(['first', ...more], 'first'),
    await imported(own.words),
    await imported(['[UNK]', ...more]),
  ]) {
    expect(said).not.toContain('unknown words are read as');
  }
});

test('ONNX tensors in a file beside the model are read there, and nowhere else', async () => {
  const { bytes: graph, data } = externalTagger('beside.data');
  writeFileSync(space.at('ext.onnx'), graph);
  writeFileSync(space.at('ext.json'), JSON.stringify(FOREIGN_NAMES));
  const imported = () => run('import', 'ext.onnx', '--names', 'ext.json', '-o', 'ext.safetensors');
  expect(await imported()).toMatchObject({ status: 65, stderr: expect.stringMatching(/^bptt: ext\.onnx: onnx: its tensors lie in "beside\.data", which cannot be read .*: put the file next to the model\n$/) as string }); // prettier-ignore
  writeFileSync(space.at('beside.data'), data);
  expect(await imported()).toMatchObject({ status: 0, stderr: '' });
  for (const elsewhere of ['../beside.data', '/etc/hosts', '..', 'a\\b', '']) {
    writeFileSync(space.at('ext.onnx'), externalTagger(elsewhere).bytes);
    expect(await imported()).toMatchObject({
      status: 65,
      stderr: expect.stringMatching(/^bptt: ext\.onnx: onnx: .*\n$/) as string,
    });
  }
});

test('a state dict of your own needs its words and labels', async () => {
  writeFileSync(space.at('own.safetensors'), encodeStateDict(state()));
  writeFileSync(space.at('own.pt'), encodePt(state()));
  writeFileSync(space.at('names.json'), JSON.stringify(names()));
  for (const file of ['own.safetensors', 'own.pt']) {
    expect(await run('import', file, '-o', 'o.safetensors')).toMatchObject({ status: 2, stderr: expect.stringContaining('pass --names FILE') as string }); // prettier-ignore
    expect(await run('import', file, '--names', 'names.json', '-o', 'o.safetensors')).toMatchObject({ status: 0, stderr: '' }); // prettier-ignore
    const [ours, theirs] = ['model.safetensors', 'o.safetensors'].map((name) => loadModel(bytes(name)));
    expect([...theirs.params.layers[0].forward.Wx.data]).toEqual([...ours.params.layers[0].forward.Wx.data]);
  }
});

test.each<[string, string[], number, RegExp]>([
  ['no target', ['export', 'model.safetensors'], 2, /expected one target, --torch <folder>.*; got none: pass one/],
  ['an empty target', ['export', 'model.safetensors', '--torch', ''], 2, /--torch must name a file or folder; got an empty name/], // prettier-ignore
  [
    'a member of a single model',
    ['export', 'model.safetensors', '--torch', 'x', '--member', '0'],
    2,
    /is not an ensemble/,
  ],
  ['a model that is none', ['export', 'train.tsv', '--torch', 'x'], 65, /^bptt: train\.tsv: /],
  ['a target that is a file', ['export', 'model.safetensors', '--torch', 'train.tsv'], 1, /cannot make the folder|cannot write/], // prettier-ignore
  [
    '--shards without --train',
    ['export', 'model.safetensors', '--torch', 'x', '--shards', '2'],
    2,
    /--shards has no effect without --train/,
  ],
  [
    'more shards than sentences',
    ['export', 'model.safetensors', '--torch', 'x', '--train', 'dev.tsv', '--shards', '31'],
    2,
    /at most the number of sentences, 30; got 31/,
  ],
  ['no shards', ['export', 'model.safetensors', '--torch', 'x', '--train', 'dev.tsv', '--shards', '0'], 2, /--shards/],
  [
    'training data that is none',
    ['export', 'model.safetensors', '--torch', 'x', '--train', 'gone.tsv'],
    65,
    /gone\.tsv/,
  ],
  ['an import without a model', ['import', 'there'], 2, /required option '-o, --out <file>' not specified/],
  ['a path of nothing', ['import', 'gone', '-o', 'x.safetensors'], 65, /^bptt: gone: no such file: check the path\n/],
  ['a file of another kind', ['import', 'train.tsv', '-o', 'x.safetensors'], 65, /not a model that can be imported/],
  ['a folder of another kind', ['import', '.', '-o', 'x.safetensors'], 65, /config\.json/],
  [
    'an import onto itself',
    ['import', 'own.pt', '--names', 'names.json', '-o', 'own.pt'],
    2,
    /would overwrite the input/,
  ],
  ['--weights without a folder', ['import', 'own.pt', '--weights', 'own.pt', '-o', 'x.safetensors'], 2, /--weights applies only to a folder/], // prettier-ignore
  [
    '--names with a folder',
    ['import', 'w', '--names', 'names.json', '-o', 'x.safetensors'],
    2,
    /--names does not apply to a folder/,
  ],
  ['--part of safetensors', ['import', 'own.safetensors', '--part', 'a', '--names', 'names.json', '-o', 'x.safetensors'], 2, /--part applies only to a \.pt/], // prettier-ignore
  ['--part that is missing', ['import', 'own.pt', '--part', 'a', '--names', 'names.json', '-o', 'x.safetensors'], 65, /no dictionary "a"/], // prettier-ignore
  [
    'names that are none',
    ['import', 'own.pt', '--names', 'train.tsv', '-o', 'x.safetensors'],
    65,
    /train\.tsv is not JSON/,
  ],
  ['names with a slip', ['import', 'own.pt', '--names', 'slip.json', '-o', 'x.safetensors'], 65, /^bptt: slip\.json: /],
])('%s ends in one line and its status', async (_, args, status, message) => {
  writeFileSync(space.at('slip.json'), JSON.stringify({ ...names(), word: [] }));
  const got = await run(...args);
  expect(got).toMatchObject({ status, stdout: '', stderr: expect.stringMatching(message) as string });
  expect(got.stderr.trimEnd()).not.toContain('\n');
  expect(existsSync(space.at('x.safetensors'))).toBe(false);
});

test('--train adds shards and a script, and says what no loss counts', async () => {
  const few = ['the\tDET', 'cat\tODD', '', 'sits\tVERB', '', ''].join('\n');
  space.write('few.tsv', few);
  const { status, stdout, stderr } = await run('export', 'model.safetensors', '--torch', 't', '--train', 'few.tsv');
  expect([status, stdout]).toEqual([
    0,
    expect.stringMatching(/^2 sentences of few\.tsv in 2 shards\nt: 9 files, [\d,]+ bytes\n$/),
  ]);
  expect(stderr).toMatch(
    /^warning: few\.tsv: \d label.* of the head labels that the model does not have: no loss counts them$/m,
  );
  expect(readdirSync(space.at('t/shards')).sort()).toEqual(['shards.json', 'train-1-of-2.jsonl', 'train-2-of-2.jsonl']);
  expect(existsSync(space.at('t/train_ddp.py'))).toBe(true);
  expect(await run('import', 't', '-o', 't.safetensors')).toMatchObject({ status: 0, stderr: '' });
});

test('what a file has beside the model is said to be left out', async () => {
  const model = loadModel(bytes('model.safetensors'));
  writeFileSync(
    space.at('more.safetensors'),
    saveModel({ ...model, foreign: { tensors: {}, metadata: { author: 'me' } } }),
  );
  const { status, stderr } = await run('export', 'more.safetensors', '--torch', 'more');
  expect([status, stderr]).toEqual([0, 'warning: 1 tensor or field of other programs left out: author\n']);
});

test('an ensemble is refused, and one of its members is taken', async () => {
  const args = ['train', '--train', 'train.tsv', '--ensemble', '2', '--epochs', '1', '--embedding', '3', '--hidden', '3', '--batch', '8', '--out', 'two.safetensors', '--quiet']; // prettier-ignore
  expect((await run(...args)).status).toBe(0);
  expect(await run('export', 'two.safetensors', '--torch', 'two')).toMatchObject({ status: 1, stderr: expect.stringContaining('an ensemble has no single module') as string }); // prettier-ignore
  expect((await run('export', 'two.safetensors', '--torch', 'two', '--member', '1')).status).toBe(0);
  expect(await run('export', 'two.safetensors', '--torch', 'two3', '--member', '2')).toMatchObject({ status: 2, stderr: expect.stringContaining('--member must be from 0 to 1; got 2') as string }); // prettier-ignore
});

describe('ONNX', () => {
  const FILES_OF_ONNX = ['t.decode.json', 't.decode.mjs', 't.decode.py', 't.onnx'];

  test('a model goes out and comes back, byte for byte', async () => {
    const out = await run('export', 'model.safetensors', '--onnx', 'onnx/t.onnx');
    expect(out).toMatchObject({ status: 0, stderr: '' });
    expect(out.stdout).toMatch(/^onnx\/t\.onnx: 4 files, [\d,]+ bytes\n$/);
    expect(readdirSync(space.at('onnx')).sort()).toEqual(FILES_OF_ONNX);
    expect(await run('import', 'onnx/t.onnx', '-o', 'o.safetensors')).toMatchObject({ status: 0, stderr: '' });
    expect(bytes('o.safetensors').equals(bytes('model.safetensors'))).toBe(true);
  });

  test('files of other programs need words and labels', async () => {
    const foreign = (await import('../support/onnx-foreign')).foreignTagger();
    writeFileSync(space.at('f.onnx'), foreign.bytes);
    expect(await run('import', 'f.onnx', '-o', 'f.safetensors')).toMatchObject({ status: 2, stderr: expect.stringMatching(/^bptt: f\.onnx is from another program, and holds no words or labels: pass --names FILE/) }); // prettier-ignore
    writeFileSync(space.at('n.json'), JSON.stringify(foreign.names));
    const read = await run('import', 'f.onnx', '--names', 'n.json', '-o', 'f.safetensors');
    expect(read).toMatchObject({ status: 0, stderr: '' });
    expect(read.stdout).toMatch(/^f\.safetensors: words 5 × 3; lstm 2, both directions; labels \(softmax, 4 labels\); [\d,]+ bytes\n$/); // prettier-ignore
  });

  test.each([
    [
      { words: ['a'], labels: [], unknown: 'a' },
      /^bptt: n\.json: importOnnx: expected 5 words, one for each row of the table; got 1\n$/,
    ],
    [[], /^bptt: n\.json: expected an object with words and labels/],
    [
      { words: [], prefix: 'x' },
      /^bptt: n\.json: unknown field "prefix"; expected words, labels, unknown, lowerCase, output/,
    ],
  ])('names that do not fit: %j', async (names_, message) => {
    writeFileSync(space.at('f.onnx'), (await import('../support/onnx-foreign')).foreignTagger().bytes);
    writeFileSync(space.at('n.json'), JSON.stringify(names_));
    const { status, stderr } = await run('import', 'f.onnx', '--names', 'n.json', '-o', 'f.safetensors');
    expect([status, stderr]).toEqual([65, expect.stringMatching(message)]);
  });

  test('another ending and a damaged file are refused in one line', async () => {
    expect(await run('export', 'model.safetensors', '--onnx', 'model')).toMatchObject({ status: 2, stderr: 'bptt: --onnx must name a file that ends in .onnx; got "model": rename it\n' }); // prettier-ignore
    writeFileSync(space.at('bad.onnx'), bytes('onnx/t.onnx').subarray(0, 100));
    expect(await run('import', 'bad.onnx', '-o', 'x.safetensors')).toMatchObject({ status: 65, stderr: expect.stringMatching(/^bptt: bad\.onnx: onnx: .*: the file is damaged, or not an ONNX model\n$/) }); // prettier-ignore
    expect(existsSync(space.at('x.safetensors'))).toBe(false);
  });
});

describe('Keras', () => {
  test('a model goes out and comes back, byte for byte; a model of your own needs names', async () => {
    const out = await run('export', 'model.safetensors', '--keras', 'k/tagger.keras');
    expect(out).toMatchObject({ status: 0, stderr: '' });
    expect(out.stdout).toMatch(/^k\/tagger\.keras: 1 file, [\d,]+ bytes\n$/);
    const back = await run('import', 'k/tagger.keras', '--out', 'k.safetensors');
    expect(back).toMatchObject({ status: 0, stderr: '' });
    expect(bytes('k.safetensors').equals(bytes('model.safetensors'))).toBe(true);
    writeFileSync(space.at('names.json'), JSON.stringify({ words: ['<unk>'], labels: ['O'] }));
    expect(await run('import', 'k/tagger.keras', '--names', 'names.json', '--out', 'x')).toEqual({
      status: 2,
      stdout: '',
      stderr: 'bptt: the file has its words and labels: leave names out\n',
    });
    expect(existsSync(space.at('x'))).toBe(false);
  });

  test('what is damaged, or has no counterpart, is one line', async () => {
    writeFileSync(space.at('cut.keras'), bytes('k/tagger.keras').subarray(0, 400));
    const cut = await run('import', 'cut.keras', '--out', 'x');
    expect([cut.status, cut.stderr.match(/\n/g)?.length]).toEqual([65, 1]);
    expect(cut.stderr).toContain('cut.keras: ZIP archive: the file cannot be read');
    writeFileSync(space.at('weights.h5'), Uint8Array.of(0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a, 9));
    const odd = await run('import', 'weights.h5', '--out', 'x');
    expect([odd.status, odd.stderr.match(/\n/g)?.length]).toEqual([65, 1]);
    expect(odd.stderr).toContain('weights.h5: HDF5: the file cannot be read');
    const weights = await run('import', 'k/tagger.keras', '--weights', 'w', '--out', 'x');
    expect([weights.status, weights.stderr]).toEqual([2, 'bptt: --weights does not apply to Keras: leave it out\n']);
  });
});
