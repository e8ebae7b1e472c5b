/** `bptt train` on a device that is given up on the way. */
import { selectOnMachine } from '../../src/kernels/select.node';
import { selectBackend } from '../../src/kernels/index';
import { DeviceError } from '../../src/tensor/errors';
import { bpttHere } from '../support/cli-here';
import { createWorkspace, TINY } from '../support/workspace';

jest.mock('../../src/kernels/select.node', () => ({
  ...jest.requireActual<object>('../../src/kernels/select.node'),
  selectOnMachine: jest.fn(),
}));

test.each([['--quiet'], []])('says so in one line: %s', async (...flags: string[]) => {
  jest.mocked(selectOnMachine).mockImplementation(async (_name, onLost) => {
    onLost?.(new DeviceError('the context is lost'));
    return selectBackend({ backend: 'cpu' });
  });
  const space = createWorkspace();
  const args = ['--train', 'train.tsv', ...TINY, '--epochs', '1', '--out', 'm.safetensors', ...flags];
  const { status, stderr } = await bpttHere(['train', ...args], space.folder);
  space.remove();
  const lines = stderr.split('\n').filter((line) => line.includes('GPU disabled'));
  expect(lines).toEqual([expect.stringMatching(/GPU disabled, continuing on the CPU: the context is lost$/)]);
  if (flags.includes('--quiet')) expect(stderr.startsWith('bptt: ')).toBe(true);
  expect(status).toBe(0);
});
