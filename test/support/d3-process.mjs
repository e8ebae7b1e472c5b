/**
 * What d3-scale and d3-scale-chromatic say, for the tests of our scales: they are ES modules, which jest does not load, so they run in
 * a process of their own. Reads a list of cases as JSON from the standard input, and writes the list of answers.
 *
 *     { kind: 'linear' | 'log10' | 'symlog', domain, range, c?, at, ticks? }  →  { at, ticks }
 *     { map: 'viridis' | 'puor' }                                             →  256 colors as CSS writes them
 */
import { readFileSync } from 'node:fs';
import { scaleLinear, scaleLog, scaleSymlog } from 'd3-scale';
import { interpolatePuOr, interpolateViridis } from 'd3-scale-chromatic';

const SCALES = { linear: scaleLinear, log10: scaleLog, symlog: scaleSymlog };
const MAPS = { viridis: interpolateViridis, puor: interpolatePuOr };

const answers = JSON.parse(readFileSync(0, 'utf8')).map(({ map, kind, domain, range, c, at, ticks }) => {
  if (map !== undefined) return Array.from({ length: 256 }, (_, i) => MAPS[map](i / 255));
  const scale = SCALES[kind](domain, range);
  if (c !== undefined) scale.constant(c);
  return { at: scale(at), ticks: ticks === undefined ? [] : scale.ticks(ticks) };
});
process.stdout.write(JSON.stringify(answers));
