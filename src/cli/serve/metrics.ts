/**
 * Metrics of a server, in the Prometheus text format 0.0.4. Unknown routes and methods are counted as `other`, so that clients
 * cannot create new series.
 */

/** Upper bounds, in seconds, of the histogram of durations. */
export const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Gauges, read together with the metrics. */
export interface Gauges {
  /** Number of waiting and running jobs. */
  readonly jobs: number;
  /** Maximum number of jobs. */
  readonly limit: number;
  readonly workers: number;
  /** Number of requests in progress. */
  readonly open: number;
}

/** Counters of a server. */
export interface Metrics {
  /** Counts an answered request. @param seconds its duration */
  request(labels: { readonly route: string; readonly method: string; readonly status: number }, seconds: number): void;
  /** Counts labeled sentences and tokens. */
  labeled(sentences: number, tokens: number): void;
  /** Counts a worker that ended before finishing its job. */
  workerLost(): void;
  /** The text of all metrics. */
  text(gauges: Gauges): string;
}

interface Histogram {
  /** Per bound, the number of durations up to it and above the previous bound. */
  readonly counts: number[];
  sum: number;
  count: number;
}

/**
 * Creates counters at zero.
 *
 * @param info labels of `bptt_build_info`
 * @param startedAt start time of the process in seconds since 1970
 */
export function createMetrics(info: Readonly<Record<string, string>>, startedAt: number): Metrics {
  const requests = new Map<string, number>();
  const durations = new Map<string, Histogram>();
  let [sentences, tokens, lost] = [0, 0, 0];
  return {
    request({ route, method, status }, seconds) {
      const labels = labelsText({ route, method, status: String(status) });
      requests.set(labels, (requests.get(labels) ?? 0) + 1);
      const own = durations.get(route) ?? { counts: BUCKETS.map(() => 0), sum: 0, count: 0 };
      durations.set(route, own);
      const bucket = BUCKETS.findIndex((bound) => seconds <= bound);
      if (bucket >= 0) own.counts[bucket]++;
      own.sum += seconds;
      own.count++;
    },
    labeled(moreSentences, moreTokens) {
      sentences += moreSentences;
      tokens += moreTokens;
    },
    workerLost: () => void lost++,
    text: ({ jobs, limit, workers, open }) =>
      [
        family('bptt_build_info', 'gauge', 'Version of bptt and backend.', [[labelsText(info), 1]]),
        family('bptt_http_requests_total', 'counter', 'Requests answered.', [...requests]),
        histogram(
          'bptt_http_request_duration_seconds',
          'Seconds from the request line to the end of the answer.',
          durations,
        ),
        single('bptt_http_open_requests', 'gauge', 'Requests being answered.', open),
        single('bptt_jobs', 'gauge', 'Jobs that wait or run.', jobs),
        single('bptt_jobs_limit', 'gauge', 'Jobs that may wait or run; one more is answered with 503.', limit),
        single('bptt_workers', 'gauge', 'Worker threads.', workers),
        single(
          'bptt_worker_restarts_total',
          'counter',
          'Worker threads that ended before their job, and were replaced.',
          lost,
        ),
        single('bptt_sentences_total', 'counter', 'Sentences labeled.', sentences),
        single('bptt_tokens_total', 'counter', 'Tokens labeled.', tokens),
        single('process_start_time_seconds', 'gauge', 'Start of the process, in seconds since 1970.', startedAt),
      ].join(''),
  };
}

function family(
  name: string,
  type: string,
  help: string,
  samples: readonly (readonly [labels: string, value: number])[],
): string {
  const lines = samples.map(([labels, value]) => `${name}${labels} ${value}\n`);
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('')}`;
}

const single = (name: string, type: string, help: string, value: number): string =>
  family(name, type, help, [['', value]]);

function histogram(name: string, help: string, all: ReadonlyMap<string, Histogram>): string {
  const lines = [...all].flatMap(([route, { counts, sum, count }]) => {
    let upTo = 0;
    const buckets = BUCKETS.map(
      (bound, i) => `${name}_bucket${labelsText({ route, le: String(bound) })} ${(upTo += counts[i])}\n`,
    );
    const own = labelsText({ route });
    return [...buckets, `${name}_bucket${labelsText({ route, le: '+Inf' })} ${count}\n`, `${name}_sum${own} ${sum}\n`, `${name}_count${own} ${count}\n`]; // prettier-ignore
  });
  return `# HELP ${name} ${help}\n# TYPE ${name} histogram\n${lines.join('')}`;
}

function labelsText(labels: Readonly<Record<string, string>>): string {
  const escaped = (value: string): string => value.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n');
  return `{${Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`).join(',')}}`; // prettier-ignore
}
