/** What an application bundles in order to label text: the forward half of every part, within a budget. */
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { gzipSync } from 'node:zlib';

const ROOT = resolve(__dirname, '../..');

/** Of esbuild, what is used here. */
interface Esbuild {
  build(options: object): Promise<{
    readonly outputFiles: readonly { readonly contents: Uint8Array; readonly text: string }[];
    readonly metafile: {
      readonly outputs: Readonly<Record<string, { inputs: Record<string, { bytesInOutput: number }> }>>;
    };
  }>;
}

/** Minified bytes, raw and compressed, the text, and which files of the package are in it. */
async function bundled(names: string, line = '') {
  const { build } = createRequire(__filename)('esbuild') as Esbuild;
  const from = (path: string) => JSON.stringify(`${ROOT}/dist/esm/${path}.js`);
  const own = names.replace(/, cellNamed$/, '');
  const cells = own === names ? '' : `import { cellNamed } from ${from('cells/index')}; `;
  const contents = `import { ${own} } from ${from('index')}; ${cells}globalThis.used = [${names}]; ${line}`;
  const { outputFiles, metafile } = await build({
    ...{ stdin: { contents, resolveDir: ROOT }, bundle: true, minify: true, format: 'esm', platform: 'browser' },
    ...{ write: false, metafile: true, logLevel: 'error' },
  });
  const [{ contents: bytes, text }] = outputFiles;
  const [{ inputs }] = Object.values(metafile.outputs);
  const files = Object.entries(inputs).filter(([, { bytesInOutput }]) => bytesInOutput > 0).map(([path]) => path.replace(/^.*(dist\/esm|node_modules)\//, '')); // prettier-ignore
  return { kB: bytes.length / 1000, gzipped: gzipSync(bytes, { level: 9 }).length / 1000, text, files };
}

/** What only a training needs, and what stands for it in a bundle. */
const OF_TRAINING =
  /^(labeling\/training|optim)\/|^(ndarray\/|labeling\/data\/corpus|tensor\/(random|create|random-key)\.js)/;
const BACKWARD = /lossBackward|unrollBackward|wordDropout|initLinear/;

describe('an application that labels text', () => {
  it('bundles at most 119.6 kB, 45 kB compressed, and nothing that only a training needs', async () => {
    const { kB, gzipped, text, files } = await bundled('createTagger');
    expect(files.length).toBeGreaterThan(30);
    expect(files.filter((path) => OF_TRAINING.test(path))).toEqual([]);
    expect(text.match(BACKWARD)).toBeNull();
    expect(kB).toBeLessThanOrEqual(119.6);
    // the compressed size differs by 0.1 kB between engines: each brings its own zlib
    expect(gzipped).toBeLessThanOrEqual(45);
  });

  it('is told from one that trains: what must be absent above is there', async () => {
    const { kB, text, files } = await bundled('train, createTagger');
    expect(kB).toBeGreaterThan(100);
    expect(files.filter((path) => OF_TRAINING.test(path)).length).toBeGreaterThan(10);
    expect(text.match(BACKWARD)).not.toBeNull();
  });

  it('leaves variants of cells out, says how to bring one along, and runs it then', async () => {
    const { train, generateCorpus, saveModel } = await import('../../src/labeling/index');
    const { createCpuKernels } = await import('../../src/kernels/index');
    const corpus = { train: generateCorpus({ sentences: 12, seed: 1 }) };
    const options = { cell: 'lstm:peepholes', embedding: 3, hidden: 2, epochs: 1 };
    const { model } = await train(createCpuKernels(), corpus, options);
    const bytes = saveModel(model);
    const ran = async (line: string, names = 'createTagger') => {
      const { text } = await bundled(names, `globalThis.ran = (bytes) => ${line};`);
      const scope: { ran?: (bytes: Uint8Array) => unknown } = {};
      new Function('globalThis', text)(scope);
      return scope.ran!(bytes);
    };
    const tagged = `.tag([["the", "cats", "sat"]])[0].labels.length`;
    await expect(ran(`createTagger(bytes)${tagged}`)).rejects.toThrow(
      "its cell 'lstm:peepholes' is a variant, which this bundle leaves out to be small: pass { cell: cellNamed('lstm:peepholes') }, from bptt/cells",
    );
    const given = `createTagger(bytes, undefined, { cell: cellNamed('lstm:peepholes') })${tagged}`;
    expect(await ran(given, 'createTagger, cellNamed')).toBe(3);
    expect(await ran(`createTagger(bytes)${tagged}`, 'createTagger, train')).toBe(3);
  });
});
