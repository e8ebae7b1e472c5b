/** The kernels of a layer outside its steps: uploads, joins over all steps, and the products over all rows. */
import type { DeviceCell } from './pass.js';
import { X, Y, sumOf } from './pass.js';

/** How many matrices one kernel joins: WebGPU binds eight, including the places, one more matrix and the result. */
export const FAN = 5;

const PARTS = Array.from({ length: FAN }, (_, i) => `p${i}`);

/** Uploads an array to a matrix that stays on the device. */
export const UPLOAD = `function (values) { return values[${Y}][${X}]; }`;

/** `a = x·Wx + b` for N rows, and nothing below them. */
export function projectSource(D: number, N: number): string {
  return `function (x, W) {
if (${Y} >= ${N}) { return 0.0; }
${sumOf(D, `x[${Y}][k] * W[k][${X}]`)}
return sum + W[${D}][${X}];
}`;
}

/** FAN matrices of `rows` rows, one below the other. */
export function joinSource(rows: number): string {
  const parts = PARTS.slice(0, -1).map((part, i) => `if (${Y} < ${(i + 1) * rows}) { return ${at(part, i * rows)}; }`);
  return `function (${PARTS.join(', ')}) {
${parts.join('\n')}
return ${at(PARTS[FAN - 1], (FAN - 1) * rows)};
}`;
}

const at = (part: string, start: number): string => `${part}[${Y} - ${start}][${X}]`;

/** Where rows of the states after the last step begin, B for each of `count`, H columns wide. */
export interface Tail {
  readonly N: number;
  readonly B: number;
  readonly H: number;
  readonly count: number;
}

function lastRows({ N, B, H }: Tail, s: number): string {
  return `if (${Y} >= ${N + s * B}) { return last[${Y} - ${N + s * B}][${X} + ${s * H}]; }`;
}

/**
 * Packed rows out of FAN parts of `rows` rows: row n is row `places[n] + shift` of all parts, or zeros if it has no place.
 *
 * @param tail further rows from the N-th on: the states in `last`, B rows for each
 */
export function gatherSource(rows: number, tail?: Tail): string {
  const parts = PARTS.map((part, i) => `if (row < ${(i + 1) * rows}) { return ${part}[row - ${i * rows}][${X}]; }`);
  const last = tail ? Array.from({ length: tail.count }, (_, i) => lastRows(tail, tail.count - 1 - i)) : [];
  return `function (${[...PARTS, 'places', ...(tail ? ['last'] : [])].join(', ')}, shift) {
${last.join('\n')}
if (places[${Y}][0] < 0.0) { return 0.0; }
const row = places[${Y}][0] + shift;
${parts.join('\n')}
return 0.0;
}`;
}

/** Rows of the stacked parameters: Wx, b, Wh, and bn if there is one. */
export function stackedRows({ resetBias }: DeviceCell, D: number, H: number): number {
  return D + 1 + H + (resetBias ? 1 : 0);
}

/** The gradients of the stacked parameters, and below them those of the initial states. */
export function gradientSource(cell: DeviceCell, D: number, H: number, N: number): string {
  const rows = stackedRows(cell, D, H);
  const bn = `if (${X} < ${2 * H}) { return 0.0; }
  ${sumOf(N, `left[k][${X} + ${H}]`)}
  return sum;`;
  return `function (x, h, left, carry) {
if (${Y} < ${D}) {
  ${sumOf(N, `x[k][${Y}] * left[k][${X}]`)}
  return sum;
}
if (${Y} == ${D}) {
  ${sumOf(N, `left[k][${X}]`)}
  return sum;
}
if (${Y} < ${D + 1 + H}) {
  const row = ${Y} - ${D + 1};
  ${cell.dWh(N)}
}
${cell.resetBias ? `if (${Y} == ${D + 1 + H}) {\n  ${bn}\n}` : ''}
if (${X} >= ${cell.states.length * H}) { return 0.0; }
return carry[${Y} - ${rows}][${X}];
}`;
}

/** ∂L/∂x for all rows. */
export function inputGradientSource(columns: number): string {
  return `function (left, W) {
${sumOf(columns, `left[${Y}][k] * W[${X}][k]`)}
return sum;
}`;
}
