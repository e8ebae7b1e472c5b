/** Runs measurements that need a fresh process: nothing loaded, nothing compiled, no memory used before. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { BpttError } from '../tensor/index.js';

/**
 * Ctrl-C on a terminal reaches every process of the foreground group; the processes that a run starts ignore it and are ended by
 * the run instead.
 */
export const OWN_GROUP = { detached: process.platform !== 'win32' } as const;

/**
 * Runs a file from this folder in a fresh Node process.
 *
 * @param file `cold-child.js`
 * @param onLine called with each JSON object that it prints, one per line
 * @param signal ends it
 * @throws BpttError if it fails, with its error output
 */
export async function runChild(
  file: string,
  args: readonly string[],
  onLine: (value: unknown) => void,
  signal?: AbortSignal,
): Promise<void> {
  const path = fileURLToPath(new URL(file, import.meta.url));
  const child = spawn(process.execPath, [path, ...args], { stdio: ['ignore', 'pipe', 'pipe'], signal, ...OWN_GROUP });
  let complaint = '';
  child.stderr.on('data', (text: Buffer) => (complaint = `${complaint}${text.toString()}`.slice(-2000)));
  const ended = new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve));
  ended.catch(() => undefined); // it is awaited below; until then its failure is not reported
  for await (const line of createInterface({ input: child.stdout })) onLine(JSON.parse(line));
  const status = await ended;
  if (status !== 0) throw new BpttError(`${file} ended with status ${status}: ${complaint.trim().split('\n').at(-1)}`);
}
