/**
 * Pieces of `bptt tag --shard`, handed out by GNU parallel, Slurm and BullMQ as docs/mass-tagging.md says. Each time workers are killed in
 * mid-job three times, and the union is what one process writes: nothing is missing, and nothing is there twice.
 */
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, watch, writeFileSync } from 'node:fs'; // prettier-ignore
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { generateCorpus } from '../../src/labeling/data/corpus';
import { codeBlocks } from '../support/markdown';
import { freePort, ROOT } from './engines';
import { startSlurm } from './slurm';

const linux = process.platform === 'linux' ? describe : describe.skip;
const CODE = codeBlocks(readFileSync(join(ROOT, 'docs/mass-tagging.md'), 'utf8')).map(({ code }) => code);
const PIECES = 8;

/** The code of the page that has `text`. */
function recipe(text: string): string {
  const [code, ...others] = CODE.filter((each) => each.includes(text));
  if (code === undefined || others.length > 0)
    throw new Error(`docs/mass-tagging.md: ${text} is not in one code block`);
  return `${code}\n`;
}

let folder: string;
let env: NodeJS.ProcessEnv;
let whole: Buffer;
const at = (name: string) => join(folder, name);
const run = (command: string, ...args: string[]) =>
  spawnSync(command, args, { cwd: folder, env, encoding: 'utf8', maxBuffer: 1 << 28 });
const bptt = (...args: string[]) => run('bptt', ...args);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'bptt-mass-'));
  mkdirSync(at('bin'));
  writeFileSync(at('bin/bptt'), `#!/bin/sh\nexec '${process.execPath}' '${ROOT}/dist/esm/cli/main.js' "$@"\n`);
  chmodSync(at('bin/bptt'), 0o755);
  env = { ...process.env, PATH: `${at('bin')}${delimiter}${process.env.PATH}` };
  const block = ({ tokens, labels }: { tokens: readonly string[]; labels?: readonly string[] }) =>
    `${tokens.map((token, t) => [t + 1, token, '_', labels?.[t] ?? '_', '_', '_', '_', '_', '_', '_'].join('\t')).join('\n')}\n\n`;
  const corpus = generateCorpus({ sentences: 15_000, seed: 3 });
  writeFileSync(at('train.conllu'), corpus.slice(0, 80).map(block).join(''));
  writeFileSync(at('corpus.conllu'), corpus.map(block).join(''));
  const sizes = ['--embedding', '8', '--hidden', '48', '--epochs', '1', '--quiet'];
  expect(bptt('train', '--train', 'train.conllu', ...sizes, '--out', 'tagger.safetensors').stderr).toBe('');
  expect(bptt('tag', 'tagger.safetensors', 'corpus.conllu', '--output', 'conllu', '--out', 'whole.conllu').stderr).toBe(
    '',
  );
  whole = readFileSync(at('whole.conllu'));
});
beforeEach(() => {
  rmSync(at('pieces'), { recursive: true, force: true });
  mkdirSync(at('pieces'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Looks whenever something changes among the pieces, until `done`. */
function untilPieces(done: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const watcher = watch(at('pieces'), look);
    function look(): void {
      if (!done()) return;
      watcher.close();
      resolve();
    }
    look();
  });
}

/** Kills processes that write a piece, in the middle of it, each another piece; their numbers are in the names of drafts. */
function killWorkers(count: number, before: () => void = () => undefined): Promise<void> {
  const killed = new Set<string>();
  return untilPieces(() => {
    for (const name of readdirSync(at('pieces'))) {
      const [, piece, pid] = /^\.bptt-(\w+)-(\d+)-\d+$/.exec(name) ?? [];
      if (pid === undefined || killed.has(piece) || killed.size === count || !isRunning(Number(pid))) continue;
      before();
      process.kill(Number(pid), 'SIGKILL');
      killed.add(piece);
    }
    return killed.size === count;
  });
}

/** Whether a process is there: the draft of one that was killed stays until its piece is made. */
function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** Names of finished pieces. */
const finished = () => readdirSync(at('pieces')).filter((name) => name.endsWith('.manifest.json'));

function expectUnion(): void {
  const pieces = Array.from({ length: PIECES }, (_, i) => `pieces/${i + 1}.conllu`);
  expect(bptt('join', ...pieces, '--out', 'labeled.conllu')).toMatchObject({ status: 0, stderr: '' });
  expect(readFileSync(at('labeled.conllu')).equals(whole)).toBe(true);
  expect(readdirSync(at('pieces')).filter((name) => name.startsWith('.bptt'))).toEqual([]); // what was killed left nothing
}

linux('on Linux (elsewhere skipped: Debian has the engines)', () => {
  test('GNU parallel: what failed runs again by the same command', async () => {
    writeFileSync(at('parallel.sh'), recipe('--resume-failed --joblog').replace(/^bptt join.*/m, ''));
    const first = spawn('sh', ['parallel.sh'], { cwd: folder, env, stdio: 'ignore' });
    const end = once(first, 'exit');
    await killWorkers(3);
    expect((await end)[0]).toBe(3); // as many jobs failed
    const log = readFileSync(at('pieces.log'), 'utf8');
    expect(log.match(/\t137\t0\tbptt|\t0\t9\tbptt/g)).toHaveLength(3);
    expect(finished()).toHaveLength(PIECES - 3);
    expect(run('sh', 'parallel.sh').status).toBe(0);
    expect(run('sh', 'parallel.sh').status).toBe(0); // nothing is left to do
    expectUnion();
  });

  test('Slurm: an array, and some of it again', async () => {
    mkdirSync(at('slurm'));
    const cluster = await startSlurm(at('slurm'));
    try {
      const options = { cwd: folder, env: { ...env, ...cluster.env, PATH: `${env.PATH}${delimiter}/usr/sbin` } };
      writeFileSync(at('pieces.sh'), recipe('#SBATCH --array'));
      const submit = (...more: string[]) => spawn('sbatch', ['--wait', '--output=slurm/%a.log', ...more, 'pieces.sh'], { ...options, stdio: 'ignore' }); // prettier-ignore
      const first = submit();
      const end = once(first, 'exit');
      await killWorkers(3);
      expect((await end)[0]).not.toBe(0);
      const { stderr } = bptt('join', ...finished().map((name) => `pieces/${name.replace('.manifest.json', '')}`), '--check'); // prettier-ignore
      const missing = /pieces ([\d, ]+) of 8 missing/.exec(stderr)![1].split(', ');
      expect(missing).toHaveLength(3);
      expect((await once(submit(`--array=${missing.join(',')}`), 'exit'))[0]).toBe(0);
      expectUnion();
    } finally {
      await cluster.stop();
    }
  });

  test('BullMQ on Redis: the job of a killed worker goes to another one', async () => {
    const port = await freePort();
    const redis = spawn('redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', folder], { stdio: 'ignore' }); // prettier-ignore
    const queue = { ...env, REDIS_URL: `redis://127.0.0.1:${port}` };
    if (!existsSync(at('node_modules'))) symlinkSync(join(ROOT, 'test/ecosystem/node_modules'), at('node_modules'));
    for (const name of ['fill.mjs', 'work.mjs']) writeFileSync(at(name), recipe(`// ${name}`));
    const workers: ChildProcess[] = [];
    const start = () => workers.push(spawn(process.execPath, ['work.mjs'], { cwd: folder, env: queue, stdio: 'ignore' })); // prettier-ignore
    try {
      await answers(port);
      for (let twice = 0; twice < 2; twice++) {
        const { status, stderr } = spawnSync(process.execPath, ['fill.mjs'], { cwd: folder, env: queue, encoding: 'utf8' }); // prettier-ignore
        expect([status, stderr]).toEqual([0, '']);
      }
      start();
      for (let k = 0; k < 3; k++) {
        await killWorkers(1, () => workers.at(-1)!.kill('SIGKILL'));
        start();
      }
      await untilPieces(() => finished().length === PIECES);
      expectUnion();
    } finally {
      for (const child of [...workers, redis]) if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL'); // prettier-ignore
    }
  });
});

/** Resolves once something listens at a port. */
async function answers(port: number): Promise<void> {
  for (;;) {
    const socket = createConnection(port, '127.0.0.1');
    const open = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true));
      socket.once('error', () => resolve(false));
    });
    socket.destroy();
    if (open) return;
  }
}
