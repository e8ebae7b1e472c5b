/** A strict reader of the text format of Prometheus 0.0.4, by its specification; shares nothing with what writes it. */

/** A metric with its samples. */
export interface Family {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly samples: readonly {
    readonly name: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly value: number;
  }[];
}

/** Reads a whole text. Throws an Error that names the line which breaks a rule. */
export function readPrometheus(text: string): Map<string, Family> {
  if (!text.endsWith('\n')) throw new Error('the last line has no end');
  const families = new Map<
    string,
    { name: string; type: string; help: string; samples: Family['samples'][number][] }
  >();
  let current: { name: string; type: string; help: string; samples: Family['samples'][number][] } | undefined;
  const seen = new Set<string>();
  text
    .slice(0, -1)
    .split('\n')
    .forEach((line, i) => {
      const fail = (why: string): Error => new Error(`line ${i + 1}: ${why}: ${line}`);
      const help = /^# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) (.*)$/.exec(line);
      const type = /^# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge|histogram|summary|untyped)$/.exec(line);
      if (help) {
        if (families.has(help[1])) throw fail('a second HELP');
        current = { name: help[1], type: '', help: help[2], samples: [] };
        families.set(help[1], current);
      } else if (type) {
        if (current?.name !== type[1] || current.type !== '' || current.samples.length > 0)
          throw fail('TYPE out of its place');
        current.type = type[2];
      } else {
        const sample = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/.exec(line);
        if (!sample) throw fail('neither a comment nor a sample');
        const [, name, inner = '', number] = sample;
        const own = current?.type === 'histogram' ? name.replace(/_(bucket|sum|count)$/, '') : name;
        if (own !== current?.name || current.type === '') throw fail('a sample of another family');
        const labels: Record<string, string> = {};
        const rest = inner.replace(
          /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(,|$)/g,
          (_, key: string, value: string) => {
            if (key in labels) throw fail('a label twice');
            labels[key] = value.replace(/\\(.)/g, (_all, c: string) => (c === 'n' ? '\n' : c));
            return '';
          },
        );
        if (rest !== '') throw fail('labels that are none');
        const value = number === '+Inf' ? Infinity : Number(number);
        if (Number.isNaN(value) && number !== 'NaN') throw fail('a value that is not a number');
        if (seen.has(`${name}{${inner}}`)) throw fail('a series twice');
        seen.add(`${name}{${inner}}`);
        if (current.type === 'counter' && (!name.endsWith('_total') || value < 0))
          throw fail('a counter is at least 0 and ends in _total');
        current.samples.push({ name, labels, value });
      }
    });
  for (const family of families.values()) if (family.type === 'histogram') checkHistogram(family);
  return families;
}

function checkHistogram({ name, samples }: Family): void {
  const keyOf = ({ le: _, ...labels }: Readonly<Record<string, string>>) => JSON.stringify(labels);
  for (const key of new Set(samples.map(({ labels }) => keyOf(labels)))) {
    const own = samples.filter(({ labels }) => keyOf(labels) === key);
    const buckets = own.filter((each) => each.name === `${name}_bucket`);
    const bounds = buckets.map(({ labels }) => (labels.le === '+Inf' ? Infinity : Number(labels.le)));
    const rises = (values: readonly number[], strictly: boolean) => values.every((value, i) => i === 0 || (strictly ? value > values[i - 1] : value >= values[i - 1])); // prettier-ignore
    if (bounds.at(-1) !== Infinity || !rises(bounds, true)) throw new Error(`${name}: buckets do not rise to +Inf`);
    if (!rises(buckets.map(({ value }) => value), false)) throw new Error(`${name}: buckets are not cumulative`); // prettier-ignore
    const count = own.find((each) => each.name === `${name}_count`)?.value;
    if (count !== buckets.at(-1)?.value) throw new Error(`${name}: the bucket +Inf is not the count`);
    if (!own.some((each) => each.name === `${name}_sum`)) throw new Error(`${name}: no sum`);
  }
}
