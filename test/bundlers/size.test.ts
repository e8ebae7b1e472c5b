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
async function bundled(names: string) {
  const { build } = createRequire(__filename)('esbuild') as Esbuild;
  const contents = `import { ${names} } from ${JSON.stringify(`${ROOT}/dist/esm/index.js`)}; globalThis.used = [${names}];`;
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
  it('bundles at most 106 kB, 39 kB compressed, and nothing that only a training needs', async () => {
    const { kB, gzipped, text, files } = await bundled('createTagger');
    expect(files.length).toBeGreaterThan(30);
    expect(files.filter((path) => OF_TRAINING.test(path))).toEqual([]);
    expect(text.match(BACKWARD)).toBeNull();
    expect(kB).toBeLessThanOrEqual(106);
    // the compressed size differs by 0.1 kB between engines: each brings its own zlib
    expect(gzipped).toBeLessThanOrEqual(39);
  });

  it('is told from one that trains: what must be absent above is there', async () => {
    const { kB, text, files } = await bundled('train, createTagger');
    expect(kB).toBeGreaterThan(100);
    expect(files.filter((path) => OF_TRAINING.test(path)).length).toBeGreaterThan(10);
    expect(text.match(BACKWARD)).not.toBeNull();
  });
});
