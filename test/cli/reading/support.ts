/** Readings for the tests of their commands: what was printed, and the trace that the same command prints with --json. */
import stringWidth from 'string-width';
import type { Trace } from '../../../src/inspect/index.js';
import { bpttHere } from '../../support/cli-here';
import type { Surroundings } from '../../support/cli-here';

export const SENTENCE = 'the cat near the dogs by the trees sat';

/** Runs a command that must succeed in silence. */
export async function printed(args: readonly string[], surroundings?: Surroundings): Promise<string> {
  const { status, stdout, stderr } = await bpttHere(args, undefined, surroundings);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout;
}

/** The object that a command prints with --json. */
export async function jsonOf<T = Trace>(args: readonly string[]): Promise<T> {
  const text = await printed([...args, '--json']);
  expect(text.endsWith('}\n')).toBe(true);
  return JSON.parse(text) as T;
}

/** Text without colors. */

export const plain = (text: string): string => text.replace(/\u001b\[[\d;]*m/g, '');

/** Text with its lines joined. */
export const flow = (text: string): string => plain(text).replace(/\s+/g, ' ');

/** Widest line, in columns of a terminal. */
export const widest = (text: string): number =>
  Math.max(...text.split('\n').map((line) => stringWidth(plain(line).replace(/[\u2068\u2069]/g, ''))));

/** A printed number read back, and half a unit of its last digit: how far rounding may have moved it. */
export function readBack(text: string): { value: number; by: number } {
  const [digits, exponent = '0'] = text.replace(/[−–]/g, '-').split('e');
  const decimals = digits.includes('.') ? digits.split('.')[1].length : 0;
  return { value: Number(text.replace(/[−–]/g, '-')), by: 0.5000001 * 10 ** (Number(exponent) - decimals) };
}

/** Whether a printed number is this one, rounded. */
export function shows(text: string, value: number): boolean {
  const { value: read, by } = readBack(text);
  return Math.abs(read - value) <= by;
}
