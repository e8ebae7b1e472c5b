/** Answers of d3, from the process that `d3-process.mjs` is. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

/** One question about a scale. */
export interface ScaleCase {
  readonly kind: 'linear' | 'log10' | 'symlog';
  readonly domain: readonly [number, number];
  readonly range: readonly [number, number];
  readonly c?: number;
  readonly at: number;
  readonly ticks?: number;
}

function ask<T>(cases: readonly unknown[]): T[] {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(__dirname, 'd3-process.mjs')], {
    input: JSON.stringify(cases),
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as T[];
}

/** What d3-scale says of each case. */
export const d3Scales = (cases: readonly ScaleCase[]): { readonly at: number; readonly ticks: readonly number[] }[] =>
  ask(cases);

/** The 256 colors of a map of d3-scale-chromatic. */
export const d3Map = (map: 'viridis' | 'puor'): string[] => ask<string[]>([{ map }])[0];
