/** Optional peers: one that is there, one that is not, one that cannot be loaded. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UnsupportedError } from '../../src/tensor/errors.js';
import { loadPeer } from '../../src/tensor/peer.js';

it('loads a package that is installed', async () => {
  expect(await loadPeer('ndarray')).toMatchObject({ default: expect.any(Function) as unknown });
});

it('says how to install one that is not', async () => {
  const loading = loadPeer('bptt-has-no-such-peer', 'Files of that kind need it: ');
  await expect(loading).rejects.toThrow(UnsupportedError);
  await expect(loading).rejects.toThrow(
    /^Files of that kind need it: bptt-has-no-such-peer is not installed; install it: npm i bptt-has-no-such-peer$/,
  );
});

it('gives the first line of why one cannot be loaded', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'peer-'));
  const file = join(folder, 'broken.cjs');
  writeFileSync(file, "throw new Error('no device here\\nand more');\n");
  await expect(loadPeer(file)).rejects.toThrow(
    `${file} cannot be loaded (no device here); in a bundle or a page, import it and pass it as the option library`,
  );
  rmSync(folder, { recursive: true });
});
