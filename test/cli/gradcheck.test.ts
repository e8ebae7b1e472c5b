import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { cells } from '../../src/cells';
import type { Cell } from '../../src/cells';
import { addGradcheck } from '../../src/cli/gradcheck';
import { inspectGradients } from '../../src/cli/gradient';
import { run } from '../../src/cli/program';
import { Command } from 'commander';
import { createCpuKernels } from '../../src/kernels';
import { ArgumentError } from '../../src/tensor';
import { bptt } from '../support/cli';

const { lstm, rnn } = cells;

interface Report {
  cell: string;
  agrees: boolean;
  hidden: number;
  steps: number;
  seed: number;
  elements: {
    param: string;
    at: number[];
    analytic: number;
    forwardMode: number | null;
    forwardModeGap?: string;
    numeric: number;
    relativeError: number;
    terms: number[];
    termSum: number;
    agrees: boolean;
    verdict: string;
    kink?: { left: number; right: number };
  }[];
}

test('one element: every flag, as JSON, one object', () => {
  const args = [
    '--cell',
    'lstm',
    '--param',
    'Wh',
    '--at',
    '3,7',
    '--hidden',
    '4',
    '--steps',
    '5',
    '--seed',
    '9',
    '--json',
  ];
  const { status, stdout, stderr } = bptt(['gradcheck', ...args]);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout.endsWith('}\n')).toBe(true);
  const report = JSON.parse(stdout) as Report;
  expect(report).toMatchObject({ cell: 'lstm', agrees: true, hidden: 4, steps: 5, seed: 9 });
  const [element, ...others] = report.elements;
  expect(others).toEqual([]);
  expect(element).toMatchObject({ param: 'Wh', at: [3, 7], agrees: true });
  expect(element.relativeError).toBeLessThan(1e-7);
  expect(Math.abs(element.forwardMode! / element.analytic - 1)).toBeLessThan(1e-12);
  expect(element.terms).toHaveLength(5);
  expect(element.terms.every((term) => term !== 0)).toBe(true);
  expect(Math.abs(element.terms.reduce((sum, term) => sum + term) - element.analytic)).toBeLessThan(1e-14);
});

test('the text shows all sides of every parameter', () => {
  const { status, stdout, stderr } = bptt(['gradcheck', '--cell', 'gru', '--steps', '3']);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  for (const param of ['Wx', 'Wh', 'b', 'bn', 'h0'])
    expect(stdout).toMatch(new RegExp(`^${param}\\[[\\d, ]+\\]$`, 'm'));
  for (const line of ['analytic', 'forward mode', 'numeric', 'relative error', 'step 0', 'step 2', 'sum of steps']) {
    expect(stdout.split(`  ${line} `)).toHaveLength(6);
  }
  expect(stdout).toContain('agrees');
  expect(stdout).not.toContain('step 3');
  expect(stdout).not.toContain('\u001b');
});

test.each(Object.keys(cells))('%s: every parameter agrees', (name) => {
  const elements = inspectGradients(createCpuKernels(), cells[name], { hidden: 3, steps: 4, seed: 2 });
  expect(elements.filter((element) => !element.agrees)).toEqual([]);
  for (const { relativeError, analytic, forwardMode } of elements) {
    expect(relativeError).toBeLessThan(1e-8);
    expect(Math.abs(analytic - forwardMode!)).toBeLessThan(1e-13);
  }
});

test('a learned initial state has its whole gradient at step 0', () => {
  const [h0] = inspectGradients(createCpuKernels(), lstm, { hidden: 3, steps: 4, seed: 2, param: 'h0', at: [1] });
  expect(h0.terms).toEqual([h0.analytic, 0, 0, 0]);
});

test.each<[string[], RegExp]>([
  [['--cell', 'lstm', '--param', 'W'], /--param must be one of Wx, Wh, b, h0, c0 for cell lstm; got 'W'/],
  [['--cell', 'lstm', '--param', 'toString'], /--param must be one of/],
  [['--cell', 'rnn', '--at', '1,2'], /add --param/],
  [['--cell', 'rnn', '--param', 'Wh', '--at', '8,0'], /--at must lie in Wh \[8, 8\], counted from 0; got 8,0/],
  [['--cell', 'rnn', '--param', 'Wh', '--at', '1'], /--at must lie in Wh/],
  [['--cell', 'rnn', '--param', 'b', '--at', '1,1'], /--at must lie in b \[8\]/],
  [['--cell', 'rnn', '--param', 'Wh', '--at', '1,-1'], /argument '1,-1' is invalid. It must be i or i,j/],
  [['--cell', 'elman'], /It must be one of rnn, rnn-relu, lstm/],
  [['--cell', 'toString'], /It must be one of rnn/],
  [[], /required option '--cell <cell>' not specified/],
  [['--cell', 'rnn', '--hidden', '0'], /argument '0' is invalid. It must be an integer of at least 1/],
  [['--cell', 'rnn', '--steps', '2.5'], /argument '2.5' is invalid/],
])('%j is a usage error', (args, message) => {
  const { status, stdout, stderr } = bptt(['gradcheck', ...args]);
  expect(stderr).toMatch(message);
  expect(stderr).toMatch(/^bptt: [^\n]+\n$/);
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
});

describe('a wrong cell', () => {
  /** An LSTM whose backward forgets what the forget gate passes on. */
  const forgetful: Cell = {
    ...lstm,
    stepBackward(kernels, params, prev, saved, next, dNext, dPrev) {
      const before = dPrev.c.data.slice();
      lstm.stepBackward(kernels, params, prev, saved, next, dNext, dPrev);
      dPrev.c.data.set(before);
    },
  };

  /** An LSTM whose recurrent gradient leaves out one step, so that the terms and their sum are wrong in the same way. */
  const missing: Cell = {
    ...lstm,
    weightGradients: (kernels, hPrev, saved, grads) => {
      lstm.weightGradients(kernels, hPrev, saved, grads);
      grads.Wh.data[grads.Wh.offset] *= 0.5;
    },
  };

  /** An RNN that adds max(0, Wx[0, 0]) to one pre-activation, with Wx[0, 0] = 0; its backward takes `slope` there. */
  const kinked = (slope: number): Cell => ({
    ...rnn,
    initialize: (...args) => {
      const params = rnn.initialize(...args);
      params.Wx.data[params.Wx.offset] = 0;
      return params;
    },
    stepForward(kernels, params, prev, saved, next) {
      saved.a.data[saved.a.offset + 1] += 3 * Math.max(0, params.Wx.data[params.Wx.offset]);
      rnn.stepForward(kernels, params, prev, saved, next);
    },
    weightGradients(kernels, hPrev, saved, grads) {
      rnn.weightGradients(kernels, hPrev, saved, grads);
      const { da } = saved;
      for (let n = 0; n < da.shape[0]; n++) {
        grads.Wx.data[grads.Wx.offset] += slope * da.data[da.offset + n * da.stride[0] + 1];
      }
    },
  });

  async function check(cell: Cell, ...more: string[]): Promise<{ status: number; stdout: string; stderr: string }> {
    const [stdout, stderr] = [new PassThrough(), new PassThrough()];
    const terminal = { stdout, stderr, env: {} };
    const status = await run(['gradcheck', '--cell', 'wrong', ...more], terminal, async () => {
      const program = new Command().exitOverride().configureOutput({ outputError: () => undefined });
      addGradcheck(program, terminal, { wrong: cell });
      return program;
    });
    stdout.end();
    stderr.end();
    return { status, stdout: await text(stdout), stderr: await text(stderr) };
  }

  test('is found out: exit status 1, and the parameters named', async () => {
    const { status, stdout, stderr } = await check(forgetful, '--json');
    expect(status).toBe(1);
    expect((JSON.parse(stdout) as Report).agrees).toBe(false);
    expect(stderr).toMatch(/^bptt: gradcheck: the gradient of Wx, Wh, b, h0, c0 is not confirmed\n$/);
  });

  test('is found out in the text, for the parameter that is wrong alone', async () => {
    const { status, stdout, stderr } = await check(missing);
    expect(status).toBe(1);
    expect(stdout.match(/DISAGREES/g)).toHaveLength(1);
    expect(stderr).toContain('gradient of Wh is not');
  });

  test('is found out by forward mode alone, where finite differences are content', async () => {
    const { status, stdout } = await check({ ...cells.gru, equations: cells['gru-reset-before'].equations }, '--json');
    const { elements } = JSON.parse(stdout) as Report;
    expect([status, elements.every(({ relativeError }) => relativeError < 1e-7)]).toEqual([1, true]);
    expect(elements.filter(({ verdict }) => verdict === 'disagrees').length).toBeGreaterThan(3);
  });

  test('says that forward mode is not available where a step of its own has no equations', async () => {
    const changed: Cell = { ...rnn, stepForward: (...step) => rnn.stepForward(...step) };
    const { status, stdout } = await check(changed, '--param', 'Wh');
    expect([status, stdout]).toEqual([0, expect.stringMatching(/^ {2}forward mode {5}not available$/m)]);
    const [element] = (JSON.parse((await check(changed, '--param', 'Wh', '--json')).stdout) as Report).elements;
    expect(element).toMatchObject({ verdict: 'agrees', forwardMode: null });
    expect(element.forwardModeGap).toMatch(
      /still those of 'rnn', but its stepForward is not\. Give the cell its own 'equations'/,
    );
  });

  test('a value between the slopes at a kink agrees, and both slopes are shown', async () => {
    const place = ['--param', 'Wx', '--at', '0,0'];
    const { status, stdout, stderr } = await check(kinked(0), ...place);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(
      /^ {2}at a kink +-?\d\.\d{14}e[+-]\d+ from the left, +-?\d\.\d{14}e[+-]\d+ from the right$/m,
    );
    expect(stdout).toContain('agrees');
    const [element] = (JSON.parse((await check(kinked(0), ...place, '--json')).stdout) as Report).elements;
    expect(element).toMatchObject({ agrees: true, verdict: 'agrees' });
    expect(Math.abs((element.kink?.right ?? 0) - (element.kink?.left ?? 0))).toBeGreaterThan(1e-3);
  });

  test('a value outside of both slopes is inconclusive: status 1, and not called wrong', async () => {
    const place = ['--param', 'Wx', '--at', '0,0'];
    const { status, stdout, stderr } = await check(kinked(5), ...place);
    expect(status).toBe(1);
    expect(stdout).toContain('INCONCLUSIVE');
    expect(stdout).not.toContain('DISAGREES');
    expect(stderr).toMatch(/^bptt: gradcheck: the gradient of Wx is inconclusive: [^\n]+ Try another --seed\.\n$/);
    const report = JSON.parse((await check(kinked(5), ...place, '--json')).stdout) as Report;
    expect([report.agrees, report.elements[0].agrees, report.elements[0].verdict]).toEqual([
      false,
      false,
      'inconclusive',
    ]);
  });
});

test('an element of a parameter in another shape is refused', () => {
  const query = { hidden: 2, steps: 1, seed: 1, param: 'Wx', at: [0, 8] };
  expect(() => inspectGradients(createCpuKernels(), lstm, query)).toThrow(ArgumentError);
});
