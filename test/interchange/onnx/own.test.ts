/** Models to ONNX and back: the same bytes of a model file, whatever the model has; what was changed is refused. */
import { exportOnnx, importOnnx, onnxFiles } from '../../../src/interchange/onnx/index';
import { decodeOnnx, encodeOnnx } from '../../../src/interchange/onnx/proto';
import type { OnnxModel } from '../../../src/interchange/onnx/proto';
import { cellNamed } from '../../../src/cells/index';
import { ensembleOf, saveModel } from '../../../src/labeling/index';
import { DataError, UnsupportedError } from '../../../src/tensor/index';
import { CASES } from '../../support/onnx-cases';
import { wholeModel } from '../../support/whole-models';

test.each(Object.entries(CASES))('%s comes back equal', (_, options) => {
  const model = wholeModel(options);
  const bytes = exportOnnx(model);
  const same = (x: Uint8Array, y: Uint8Array): boolean => Buffer.compare(x, y) === 0; // toEqual takes a second for each
  expect(same(exportOnnx(wholeModel(options)), bytes)).toBe(true);
  expect(same(saveModel(importOnnx(bytes)), saveModel(model))).toBe(true);
  expect(same(encodeOnnx(decodeOnnx(bytes)), bytes)).toBe(true);
});

test('a cell of your own goes by its equations, and comes back with the call that brings it', () => {
  const cell = { ...cellNamed('gru')!, name: 'mine', original: undefined };
  const model = wholeModel({ cell: 'mine', ownCell: true, own: { cell } });
  const bytes = exportOnnx(model);
  expect(decodeOnnx(bytes).graph.nodes.map(({ operator }) => operator)).toContain('Scan');
  expect(saveModel(importOnnx(bytes, { cell }))).toEqual(saveModel(model));
  expect(() => importOnnx(bytes)).toThrow("custom cell 'mine'");
  expect(() => exportOnnx({ ...model, own: { cell: { ...cell, equations: undefined } } })).toThrow(
    new UnsupportedError(
      'onnx: the cell "mine" is not an ONNX operator, and has no equations to write its steps from: declare them, see Cell.equations',
    ),
  );
});

test('what a graph cannot hold is refused by name', () => {
  const [one, two] = [1, 2].map((seed) => wholeModel({ seed }));
  expect(() => exportOnnx(ensembleOf([one, two]))).toThrow('an ensemble of 2 models');
});

test('tensors of other programs are left out', () => {
  const model = wholeModel();
  const foreign = { tensors: {}, metadata: { note: 'kept' } };
  expect(exportOnnx({ ...model, foreign })).toEqual(exportOnnx(model));
});

describe('a file that was changed after the export', () => {
  const file = decodeOnnx(exportOnnx(wholeModel()));
  const { graph, metadata } = file;
  const changed =
    (change: Partial<OnnxModel['graph']>, words = metadata) =>
    (): unknown =>
      importOnnx(encodeOnnx({ ...file, metadata: words, graph: { ...graph, ...change } }));

  test.each<[string, () => unknown, RegExp]>([
    ['another operator', changed({ nodes: graph.nodes.map((each) => ({ ...each, operator: each.operator.replace('Transpose', 'Identity') })) }), /from node Transpose_0, operator Identity: the file was changed/], // prettier-ignore
    ['a node fewer', changed({ nodes: graph.nodes.slice(0, -1) }), /of \d+ nodes/],
    ['another input', changed({ inputs: graph.inputs.slice(1) }), /of other inputs/],
    ['another constant', changed({ initializers: graph.initializers.map((each) => (each.name === 'int32_1' ? { ...each, data: Int32Array.of(2) } : each)) }), /another tensor int32_1/], // prettier-ignore
    ['a tensor more', changed({ initializers: [...graph.initializers, { ...graph.initializers[0], name: 'more' }] }), /another tensor more/], // prettier-ignore
    ['weights of another shape', changed({ initializers: graph.initializers.map((each) => (each.name === 'layers.0.R' ? { ...each, shape: [1, 16, 8] } : each)) }), /weights of one operator under layers.0/], // prettier-ignore
    ['weights that are gone', changed({ initializers: graph.initializers.filter(({ name }) => name !== 'heads.labels.b') }), /heads.labels.b/], // prettier-ignore
    ['another cell', changed({}, { ...metadata, 'bptt.config': metadata['bptt.config'].replace('lstm', 'gru') }), /weights of one operator/], // prettier-ignore
    ['no words', changed({}, { ...metadata, 'bptt.readers': '{}' }), /vocabulary/],
  ])('%s', (_, read, message) => {
    expect(read).toThrow(DataError);
    expect(read).toThrow(message);
  });

  test('weights that another program trained on are read', () => {
    const W = graph.initializers.find(({ name }) => name === 'layers.0.W')!;
    const data = (W.data as Float32Array).map((x) => x / 2);
    const bytes = encodeOnnx({ ...file, graph: { ...graph, initializers: graph.initializers.map((each) => (each === W ? { ...W, data } : each)) } }); // prettier-ignore
    const { Wx } = importOnnx(bytes).params.layers[0].forward;
    expect(Wx.data[0]).toBe(wholeModel().params.layers[0].forward.Wx.data[0] / 2);
  });
});

describe('the files beside', () => {
  const files = onnxFiles(wholeModel(CASES['every encoder']), 'my model');
  const lines = (name: string): number => Buffer.from(files[name]).toString().trimEnd().split('\n').length;

  test('have the names that they load each other by, and fit a screen', () => {
    expect(Object.keys(files)).toEqual(
      ['onnx', 'decode.json', 'decode.mjs', 'decode.py', 'spelling.mjs', 'spelling.py'].map((end) => `my model.${end}`),
    );
    for (const end of ['decode.mjs', 'decode.py', 'spelling.mjs', 'spelling.py']) {
      expect([end, lines(`my model.${end}`) <= 60]).toEqual([end, true]);
      expect(Buffer.from(files[`my model.${end}`]).toString()).not.toMatch(/STEM|KINDS'|SETUP|IMPORT\b/);
    }
    expect(Object.keys(onnxFiles(wholeModel(), 'm'))).toEqual([
      'm.onnx',
      'm.decode.json',
      'm.decode.mjs',
      'm.decode.py',
    ]);
  });

  test.each(['', 'a/b', 'a\\b', "it's", 'a\nb'])('refuse the stem %j', (stem) => {
    expect(() => onnxFiles(wholeModel(), stem)).toThrow('stem must be the name of a file');
  });
});

test('options of files of other programs are refused where a file has all of it', () => {
  const bytes = exportOnnx(wholeModel());
  expect(() => importOnnx(bytes, { words: ['a'] })).toThrow('words is for files of other programs');
  expect(() => importOnnx(bytes, { layers: 2 } as never)).toThrow('layers');
  expect(() => importOnnx('x' as never)).toThrow('bytes must be a Uint8Array');
});
