/** `bptt serve` as a process, for tests that talk to it. */
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { startBptt } from './cli';
import { readPrometheus } from './prometheus';

/** A server under way. */
export interface Served {
  readonly url: string;
  readonly port: number;
  readonly child: ChildProcessWithoutNullStreams;
  /** POST /v1/tag. */
  post(
    body: string | Uint8Array,
    type: string,
    query?: string,
  ): Promise<{ status: number; headers: Headers; body: string }>;
  /** The value of a metric, of all its series together. */
  metric(name: string): Promise<number>;
  /** Writes bytes to a socket, and waits for its end. */
  raw(bytes: string): Promise<string>;
  /** Sends a signal, and waits for the end. */
  stop(signal?: NodeJS.Signals): Promise<{ code: number | null; stderr: string }>;
  /** Waits for the end. */
  readonly ended: Promise<{ code: number | null; stderr: string }>;
}

/** Starts `bptt serve` on a free port of 127.0.0.1, and waits until it listens. */
export async function serve(
  cwd: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Served> {
  const child = startBptt(['serve', ...args, '--port', '0'], { cwd, env });
  const said = text(child.stderr);
  const ended = once(child, 'exit').then(async ([code]) => ({ code: code as number | null, stderr: await said }));
  const first = await Promise.race([once(createInterface(child.stdout), 'line'), ended]);
  if (!Array.isArray(first)) throw new Error(`bptt serve ended with ${first.code}: ${first.stderr}`);
  const url = String(first[0]).replace('listening on ', '');
  const port = Number(new URL(url).port);
  return {
    ...{ url, port, child, ended },
    async post(body, type, query = '') {
      const answer = await fetch(`${url}/v1/tag${query}`, { method: 'POST', body, headers: { 'Content-Type': type } });
      return { status: answer.status, headers: answer.headers, body: await answer.text() };
    },
    async metric(name) {
      const families = readPrometheus(await (await fetch(`${url}/metrics`)).text());
      return families.get(name)!.samples.reduce((sum, { value }) => sum + value, 0);
    },
    async raw(bytes) {
      const socket = connect(port, '127.0.0.1');
      socket.on('error', () => undefined); // its end is what is waited for
      const answer = text(socket).catch(() => '');
      socket.write(bytes);
      return answer;
    },
    stop(signal = 'SIGTERM') {
      child.kill(signal);
      return ended;
    },
  };
}
