/**
 * Markdown as a program: finds the code blocks and links of a document and runs its TypeScript, so that a page cannot
 * show what does not happen.
 *
 * A `ts` block runs by itself, in a scope of its own; `ts continued` goes on where the `ts` block before it ended. A `text`
 * block right after it is what it prints.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { format } from 'node:util';
import { transformSync } from '@swc/core';

const ROOT = resolve(__dirname, '../..');

/** A fenced code block. */
export interface Block {
  readonly language: string;
  /** What follows the language on the opening line. */
  readonly mark: string;
  readonly code: string;
  /** Line of the opening fence, counted from 1. */
  readonly line: number;
  /** Contents of the `text` block that follows without prose in between; what the block is said to print. */
  readonly shown?: string;
}

/** Code blocks that belong together: a `ts` block and its continuations. */
export type Chain = readonly Block[];

/** The fenced code blocks of a document, in order. @throws Error on a fence that is never closed */
export function codeBlocks(markdown: string): Block[] {
  const found: { language: string; mark: string; code: string; line: number; end: number }[] = [];
  const lines = markdown.split('\n');
  for (let i = 0; i < lines.length; i++) {
    const open = /^```(\w*) *(.*)$/.exec(lines[i]);
    if (!open) continue;
    const end = lines.indexOf('```', i + 1);
    if (end < 0) throw new Error(`line ${i + 1}: the code block is never closed`);
    const code = lines.slice(i + 1, end).join('\n');
    found.push({ language: open[1], mark: open[2].trim(), code, line: i + 1, end });
    i = end;
  }
  return found.map(({ language, mark, code, line, end }, n) => {
    const next = found[n + 1];
    const adjacent = next?.language === 'text' && lines.slice(end + 1, next.line - 1).every((text) => text === '');
    return { language, mark, code, line, ...(adjacent && { shown: next.code }) };
  });
}

/** The `ts` blocks of a document, each with its continuations. @throws Error on an unknown mark or nothing to continue */
export function chainsOf(markdown: string): Chain[] {
  const chains: Block[][] = [];
  for (const block of codeBlocks(markdown)) {
    if (block.language !== 'ts') continue;
    if (block.mark === '') chains.push([block]);
    else if (block.mark === 'continued' && chains.length > 0) chains[chains.length - 1].push(block);
    else throw new Error(`line ${block.line}: 'ts ${block.mark}' is neither 'ts' nor a 'ts continued' after a 'ts'`);
  }
  return chains;
}

/** How blocks are read: as TypeScript, or as JavaScript, in which a type is a syntax error. */
export type Syntax = 'typescript' | 'ecmascript';

/** Runs a chain and returns what each of its blocks printed with `console.log`. Imports of `bptt/…` are the sources. */
export async function runChain(chain: Chain, syntax: Syntax = 'typescript'): Promise<string[]> {
  const printed: string[][] = [];
  const begin = () => void printed.push([]);
  const log = (...values: unknown[]) => void printed[printed.length - 1].push(format(...values));
  const source = chain.map(({ code }) => `__begin();\n${code}`).join('\n');
  const { code } = transformSync(source, {
    jsc: { parser: { syntax }, target: 'es2022' },
    module: { type: 'commonjs', ignoreDynamic: true },
  });
  const modules = await loadModules(source);
  const load = (name: string): unknown => modules[name];
  const AsyncFunction = Object.getPrototypeOf(async () => undefined).constructor as FunctionConstructor;
  await AsyncFunction('require', 'exports', 'console', '__begin', code)(load, {}, { log }, begin);
  return printed.map((lines) => lines.join('\n'));
}

async function loadModules(source: string): Promise<Record<string, unknown>> {
  const modules: Record<string, unknown> = {};
  for (const [, name] of source.matchAll(/^\s*(?:import|\}) [^;]*?from '([^']+)';$/gm)) {
    modules[name] = await import(name.startsWith('node:') ? name : sourceOf(name));
  }
  return modules;
}

/** Source file behind a public import path, found through the `exports` of package.json. */
export function sourceOf(name: string): string {
  const { exports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    exports: Record<string, { import: { default: string } }>;
  };
  const entry = /^bptt(\/.+)?$/.test(name) ? exports[name.replace(/^bptt/, '.')] : undefined;
  if (!entry) throw new Error(`'${name}' is not an import path of this package`);
  return join(ROOT, entry.import.default.replace(/^\.\/dist\/esm/, 'src').replace(/\.js$/, '.ts'));
}

/** What is wrong with the output of a document's TypeScript, one line per block; empty where it is as shown. */
export async function faultsOf(markdown: string, syntax?: Syntax): Promise<string[]> {
  const faults: string[] = [];
  for (const chain of chainsOf(markdown)) {
    const printed = await runChain(chain, syntax).catch((error: unknown) => String(error));
    if (typeof printed === 'string') faults.push(`line ${chain[0].line}: ${printed}`);
    else {
      chain.forEach(({ line, shown = '' }, i) => {
        if (printed[i] !== shown) faults.push(`line ${line}: shown\n${shown}\nprinted\n${printed[i]}`);
      });
    }
  }
  return faults;
}

/** What the type checker says of the TypeScript of documents, one line per error, which begins with the document's name. */
export function typeErrors(documents: Readonly<Record<string, string>>): string[] {
  const cache = join(ROOT, 'node_modules/.cache');
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, 'bptt-docs-'));
  try {
    for (const [name, markdown] of Object.entries(documents)) {
      chainsOf(markdown).forEach((chain, i) => {
        const code = chain.map((block) => block.code).join('\n');
        writeFileSync(join(folder, `${name.replaceAll('/', '.')}.${i}.ts`), `${code}\nexport {};\n`);
      });
    }
    const paths = { bptt: [join(ROOT, 'src/index.ts')], 'bptt/tagger': [join(ROOT, 'src/labeling/model/tagger.ts')] };
    const compilerOptions = {
      paths: { ...paths, 'bptt/*': [join(ROOT, 'src/*/index.ts')] },
      noUnusedLocals: false,
      noUnusedParameters: false,
      types: ['node'],
    };
    const config = { extends: join(ROOT, 'tsconfig.json'), compilerOptions, include: ['*.ts'] };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
    const { stdout } = spawnSync(process.execPath, [tsc, '-p', '.'], { cwd: folder, encoding: 'utf8' });
    return stdout.split('\n').filter((line) => line.includes('error TS'));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Relative links of a document. */
export function linksOf(markdown: string): string[] {
  const prose = markdown.replace(/^```[^]*?^```$/gm, '').replace(/`[^`\n]*`/g, '');
  const targets = [...prose.matchAll(/\]\(([^)\s]+)\)|\b(?:src|srcset|href)="([^"\s]+)/g)].map(([, a, b]) => a ?? b);
  return targets.filter((target) => !/^https?:/.test(target));
}

/** Relative links of a document that lead nowhere: a missing file, or a heading the target does not have. */
export function brokenLinks(file: string, markdown = readFileSync(file, 'utf8')): string[] {
  return linksOf(markdown).filter((target) => {
    const [path, anchor] = target.split('#');
    if (path === '') return !anchorsOf(markdown).includes(anchor);
    const full = resolve(dirname(file), path);
    return !existsSync(full) || (anchor !== undefined && !anchorsOf(readFileSync(full, 'utf8')).includes(anchor));
  });
}

/** The anchors of the headings, by GitHub's rule: lower case, punctuation removed, spaces to hyphens. */
function anchorsOf(markdown: string): string[] {
  return [...markdown.matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}
