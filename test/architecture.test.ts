/** The rooms of src import one way only, and each outside package has its place. */
import { circles, importsOf, loadedBy, pathTo, sourcesOf, violations } from './support/imports';

const sources = sourcesOf('src');
const TAGGER = 'src/labeling/model/tagger.ts';

describe('the architecture', () => {
  it('is followed by every import', () => {
    expect(sources.size).toBeGreaterThan(40);
    expect(violations(sources)).toEqual([]);
  });

  it('has no circles', () => {
    expect(circles(sources)).toEqual([]);
  });

  it('keeps `new Function` out of the tagger: ndarray-ops calls it when it is loaded', () => {
    expect(sources.has(TAGGER)).toBe(true);
    expect(pathTo(sources, TAGGER, 'src/tensor/ops.ts')).toBeUndefined();
    expect(pathTo(sources, TAGGER, 'ndarray-ops')).toBeUndefined();
  });

  it('keeps Node out of every module a browser loads', () => {
    for (const entry of ['src/index.ts', TAGGER]) {
      expect(sources.has(entry)).toBe(true);
      expect([...loadedBy(sources, entry).keys()].filter((each) => each.startsWith('node:'))).toEqual([]);
    }
  });

  it('calls `eval` and `new Function` nowhere in src', () => {
    const calls = [...sources].filter(([, text]) => /^[^*/]*\b(new Function|eval)\(/m.test(text));
    expect(calls.map(([path]) => path)).toEqual([]);
  });
});

describe('the checks of the architecture', () => {
  /** What is wrong once `path` holds `text` as well. */
  const added = (path: string, text: string) =>
    violations(new Map([...sources, [path, text]])).map((each) => each.replace(/^.*?:\d+: /, ''));

  it.each([
    ['src/tensor/new.ts', "import { selectBackend } from '../kernels/select.js';", 'tensor must not import kernels'],
    ['src/cells/new.ts', "import type { Packing } from '../autograd/packing.js';", 'cells must not import autograd'],
    ['src/optim/new.ts', "export * from '../layers/index.js';", 'optim must not import layers'],
    ['src/layers/new.ts', "import { createSgd } from '../optim/index.js';", 'layers must not import optim'],
    ['src/labeling/new.ts', "await import('../cli/program.js');", 'labeling must not import cli'],
    ['src/other/new.ts', "import '../tensor/view.js';", 'other is not a room'],
    ['src/cells/new.ts', "import '../kernels/cpu/index.js';", 'cells may use only types of kernels'],
    ['src/autograd/new.ts', "import { lstm } from '../cells/lstm.js';", 'autograd may use only cell, check of cells'],
    ['src/kernels/new.ts', "import { createRng } from '../tensor/random.js';", 'kernels may use only types, view'],
    ['src/labeling/new.ts', "import ndarray from 'ndarray';", 'ndarray may only be imported where'],
    ['src/tensor/new.ts', "import ops from 'ndarray-ops';", 'ndarray-ops may only be imported where'],
    ['src/layers/new.ts', "import { GPU } from 'gpu.js';", 'gpu.js may only be imported where'],
    ['src/kernels/gpu/new.ts', "import { GPU } from 'gpu.js';", 'gpu.js must be imported dynamically'],
    ['src/labeling/new.ts', "import { readFileSync } from 'node:fs';", 'node:fs belongs in'],
    ['src/labeling/new.ts', "const fs = require('fs');", 'fs belongs in'],
    [
      'src/labeling/new.ts',
      "import { save } from '../serialize/save.node.js';",
      '../serialize/save.node.js needs Node',
    ],
    ['src/tensor/new.ts', "import lodash from 'lodash/fp';", 'lodash is not a package of this project'],
    ['src/tensor/new.ts', "import { rows } from './view';", './view must end in .js'],
    ['src/tensor/new.ts', "import { rows } from './gone.js';", './gone.js is not a file of src'],
  ])('catch %s with %s', (path, text, message) => {
    expect(added(path, text)).toEqual([expect.stringContaining(message)]);
  });

  it.each([
    ['src/kernels/gpu/new.ts', "const { GPU } = await import('gpu.js');"],
    ['src/labeling/new.node.ts', "import { readFileSync } from 'node:fs';"],
    ['src/labeling/new.ts', "import { lstm } from '../cells/lstm.js';"],
    ['src/labeling/new.ts', "import type { Any } from '../serialize/save.node.js';"],
    ['src/tensor/new.ts', '// import x from "lodash"\nconst text = "import x from \'lodash\'";'],
  ])('allow %s with %s', (path, text) => {
    expect(added(path, text)).toEqual([]);
  });

  it('find the way from the tagger to ndarray-ops, and circles', () => {
    const detour = new Map([...sources, ['src/labeling/model/new.ts', "import '../../tensor/ops.js';"]]);
    detour.set(TAGGER, `import './new.js';\n${sources.get(TAGGER)}`);
    expect(pathTo(detour, TAGGER, 'ndarray-ops')).toEqual([
      TAGGER,
      'src/labeling/model/new.ts',
      'src/tensor/ops.ts',
      'ndarray-ops',
    ]);
    const circle = new Map([
      ['src/a.ts', "import './b.js';"],
      ['src/b.ts', "export { a } from './a.js'; import type { C } from './c.js';"],
      ['src/c.ts', "import './b.js';"],
    ]);
    expect(circles(circle)).toEqual([['src/a.ts', 'src/b.ts', 'src/a.ts']]);
  });

  it('tell what is loaded from what is erased', () => {
    const text = "import type A from './a.js'; import { type B } from './b.js'; import C, { type D } from './c.js';";
    expect(importsOf(text).map((each) => each.typeOnly)).toEqual([true, true, false]);
    const out = "export type { A } from './a.js'; export { type B, c } from './b.js'; type D = import('./d.js').D;";
    expect(importsOf(out).map((each) => each.typeOnly)).toEqual([true, false, true]);
  });
});
