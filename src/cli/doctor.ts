/** `bptt doctor`: which backends run here, and why the others do not. */
import { availableParallelism, cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { calibrationPath } from '../kernels/gpu/calibration.node.js';
import { missingForGpu } from '../kernels/gpu/device/machine.node.js';
import { candidates, describeCalibration } from '../kernels/index.js';
import type { WideLanes } from '../kernels/wide-lanes.node.js';
import { lanesFor, machineCalibration, nodeOptions } from '../kernels/select.node.js';
import { readPackageInfo } from '../bench/package-info.js';
import type { Terminal } from './terminal.js';
import { colorsFor, print } from './terminal.js';

const HERE = fileURLToPath(import.meta.url);

const HELP = `
With --calibrate, products and LSTM layers are timed on the graphics device and on the CPU, and the sizes from which the device
is faster are saved in the user's cache folder, where --backend auto finds them. This applies to the synchronous modes:
headlessgl here, and WebGL in a browser, where the function calibrate does the same. WebGPU, which is asynchronous, must be
selected by name.

Example:
  bptt doctor`;

/** Adds the command. */
export function addDoctor(program: Command, terminal: Terminal): void {
  program
    .command('doctor')
    .description('show versions, available backends, and why the others are unavailable')
    .option('--calibrate', 'measure again where the graphics device pays')
    .addHelpText('after', HELP)
    .action(async ({ calibrate }: { readonly calibrate?: boolean }) => {
      const colors = colorsFor(terminal.stdout, terminal.env);
      const lines: [string, string][] = [
        ['bptt', readPackageInfo().version],
        ['node', `${process.versions.node}, V8 ${process.versions.v8}`],
        ['machine', `${process.platform} ${process.arch}, ${describeCpu()}`],
        ['segmenter', segmenter()],
        ['lanes', await describeLanes()],
        ...(await surveyBackends()),
        ...(await describeDevice(calibrate ?? false)),
      ];
      for (const [name, text] of lines) await print(terminal, `${colors.bold(name.padEnd(10))} ${text}`);
    });
}

/** Describes the SIMD width of WebAssembly, and why. */
async function describeLanes(): Promise<string> {
  const { on, reason, gflops, ms } = await lanesFor('wasm');
  const tiles = gflops === undefined ? '' : `; ${describeTiles(gflops)}`;
  const took = ms === undefined ? '' : `, checked in ${ms.toFixed(0)} ms`;
  return `${on ? 256 : 128} bits: ${reason}${took}${tiles}`;
}

/** The tiles in use, and the speed of both kinds. */
function describeTiles({ narrow, wide }: NonNullable<WideLanes['gflops']>): string {
  const [own, other] = wide > narrow ? [`4 × 16, ${wide.toFixed(0)}`, `4 × 8: ${narrow.toFixed(0)}`] : [`4 × 8, ${narrow.toFixed(0)}`, `4 × 16: ${wide.toFixed(0)}`]; // prettier-ignore
  return `tiles of ${own} GFLOP/s (${other})`;
}

/** Every known backend, in order of preference: `--backend auto` selects the first available one that it may use. */
async function surveyBackends(): Promise<[string, string][]> {
  const lines: [string, string][] = [];
  let taken = false;
  for (const candidate of candidates) {
    const opened = await candidate.open('float32', nodeOptions);
    if ('declined' in opened) {
      lines.push(['declined', `${candidate.name}: ${opened.declined}`]);
      if (candidate.name === 'gpu')
        lines.push(...missingForGpu(HERE).map((what): [string, string] => ['missing', what]));
      continue;
    }
    const { name, onlyByName } = candidate;
    const note = onlyByName !== undefined ? `; ${onlyByName}` : taken ? '' : ', chosen by auto';
    const detail = opened.detail === undefined ? '' : ` on ${opened.detail}`;
    lines.push(['found', `${name}: runs as ${opened.kernels.backend}${detail}${note}`]);
    opened.kernels.dispose();
    taken ||= onlyByName === undefined;
  }
  return lines;
}

/** Where the GPU pays off, as measured; undefined if there is none. */
async function describeDevice(redo: boolean): Promise<[string, string][]> {
  const calibration = await machineCalibration({ redo });
  if (calibration === undefined) return redo ? [['calibrated', 'nothing: there is no device; see above']] : [];
  const times = calibration.samples.map(({ product, size, device, host }): [string, string] => [
    'measured',
    `${product} ${size}: ${milliseconds(device)} on the device, ${milliseconds(host)} on ${calibration.host}`,
  ]);
  const layers = calibration.layers.map(({ B, H, device, host }): [string, string] => [
    'measured',
    `lstm of ${B} sequences, ${H} units, ten steps and back: ${milliseconds(device)} on the device, ${milliseconds(host)} on ${calibration.host}`,
  ]);
  return [
    ...(redo ? [...times, ...layers] : []),
    ['calibrated', `${describeCalibration(calibration)} (${calibrationPath()})`],
  ];
}

const milliseconds = (seconds: number): string => `${(seconds * 1000).toPrecision(3)} ms`;

function describeCpu(): string {
  const model = cpus().at(0)?.model.trim();
  const threads = availableParallelism();
  return `${model || 'unknown processor'}, ${threads} ${threads === 1 ? 'thread' : 'threads'}`;
}

/** Raw text is tokenized by Intl.Segmenter, which a Node built without ICU data lacks. */
function segmenter(): string {
  if (typeof Intl.Segmenter !== 'function') return 'missing: this Node has no ICU; `bptt tag` needs --format';
  return `Intl.Segmenter, ICU ${process.versions.icu ?? 'unknown'}`;
}
