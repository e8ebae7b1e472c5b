/** Output about the bias of the label O. */
import type { OutsideBias } from '../../labeling/training/outside-bias.js';
import { percent } from '../report.js';

/** `O −0.75, chosen on dev: F1 25.49 → 30.12 %`. */
export function outsideText({ head, bias, chosen, before, after }: OutsideBias): string {
  const number = bias < 0 ? `−${-bias}` : String(bias);
  const named = `${head === undefined ? '' : `${head}: `}O ${number}${chosen ? ', chosen on dev' : ''}`;
  if (before === null || after === null) return named;
  return `${named}: F1 ${percent(before).replace(' %', '')} → ${percent(after)}`;
}

/** The output lines of training, one for each head. */
export function outsideLines(all: readonly OutsideBias[] | null): string[] {
  return (all ?? []).map((each, i) => `${(i === 0 ? 'bias' : '').padEnd(8)}${outsideText(each)}`);
}
