/** What views may not do: read anything but the trace, invent a number, scale a panel by itself, look different the second time. */
import { readFileSync, readdirSync } from 'node:fs';
import { join, posix } from 'node:path';
import ts from 'typescript';
import { views } from '../../../src/inspect/views/index.js';
import { paintOf } from '../../../src/inspect/views/paint.js';
import { reachScales } from '../../../src/inspect/views/reach-matrix.js';
import { styleOf } from '../../../src/inspect/views/theme.js';
import { sampleTrace } from '../../support/sample-trace.js';
import { elementsOf, marksOf } from './marks.js';
import { COMPARISON, drawnComparison, picturesOf } from './pictures.js';

const ROOT = join(__dirname, '../../../src/inspect/views');
const sources = readdirSync(ROOT, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => [name, readFileSync(join(ROOT, name), 'utf8')] as const);

/** What a view may import: other files of views, the types of the trace, its pointers, and pure helpers of tensor. */
const ALLOWED = /^src\/inspect\/(views\/.*|trace|refs)\.ts$|^src\/tensor\/(math|errors)\.ts$/;
/** Who may write a mark's number: the functions that take it from the trace. */
const WRITERS = ['mark.ts'];
/** What gives another answer each time, or looks outside. */
const BANNED = /\b(Math\.random|Date|performance|crypto|process|globalThis|window|document|fetch|require|setTimeout)\b/;

/** What is wrong in a source text, as lines. */
function faultsIn(name: string, text: string): string[] {
  const found: string[] = [];
  const file = ts.createSourceFile(name, text, ts.ScriptTarget.ES2022, true);
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) {
      const specifier = node.moduleSpecifier && (node.moduleSpecifier as ts.StringLiteral).text;
      if (specifier !== undefined) {
        const path = posix.join('src/inspect/views', posix.dirname(name), specifier).replace(/\.js$/, '.ts');
        if (!specifier.startsWith('.') || !ALLOWED.test(path)) found.push(`${name} imports ${specifier}`);
      }
    }
    if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword)
      found.push(`${name} imports later`);
    if (ts.isStringLiteral(node) && /^data-(v|f|from|ref|block|at)$/.test(node.text) && !WRITERS.includes(name)) {
      found.push(`${name} writes ${node.text}`);
    }
    if (
      ts.isAsExpression(node) &&
      /\bMark\b/.test(node.type.getText()) &&
      !/^(largest\(|mark\b)/.test(node.expression.getText())
    ) {
      if (!WRITERS.includes(name)) found.push(`${name} makes a mark: ${node.getText()}`);
    }
    if (
      (ts.isPropertyAccessExpression(node) || ts.isIdentifier(node)) &&
      BANNED.test(node.getText()) &&
      !ts.isPropertyAccessExpression(node.parent)
    ) {
      found.push(`${name} uses ${node.getText()}`);
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

describe('no_synthetic', () => {
  it('views read the trace and nothing else, and one file alone writes numbers of marks', () => {
    expect(sources.length).toBeGreaterThan(30);
    expect(sources.flatMap(([name, text]) => faultsIn(name, text))).toEqual([]);
  });

  it.each([
    ["import { inspect } from '../inspect.js';", 'imports ../inspect.js'],
    ["import { scaleLinear } from 'd3-scale';", 'imports d3-scale'],
    ["const fs = import('node:fs');", 'imports later'],
    ["el('rect', { 'data-v': '0.8' })", 'writes data-v'],
    ["const shown = { value: 0.8, ref: '/reach' } as Mark;", 'makes a mark'],
    ['const h = Math.random();', 'uses Math.random'],
    ['const width = window.innerWidth;', 'uses window'],
  ])('the check of it notices %s', (text, fault) => {
    expect(faultsIn('new.ts', text)[0]).toContain(fault);
  });

  it('the same trace gives the same picture, sentence and table', () => {
    const [a, b] = [sampleTrace(), sampleTrace()];
    expect(picturesOf(a)).toEqual(picturesOf(b));
    expect(views.reach.summary(a)).toBe(views.reach.summary(b));
    expect(views.reach.table(a)).toEqual(views.reach.table(b));
  });
});

describe('shared_scale', () => {
  it('equal numbers have equal colors in every panel of a comparison, whatever else a panel holds', () => {
    const style = styleOf({}, 'compare');
    const all = COMPARISON.cells.flatMap(({ traces }) => traces);
    const { color } = reachScales(all, {}, style);
    const svg = drawnComparison();
    const values = marksOf(svg).filter(({ ref }) => /\/reach\/retention\//.test(ref));
    const numbers = values.filter(({ element }) => element === 'g').map(({ v }) => Number(v));
    const cells = elementsOf(svg).filter(
      ({ attributes }) => attributes.role === 'cell' && !attributes.fill.startsWith('url'),
    );
    expect([cells.length, numbers.length]).toEqual([3 * 78, 3 * 78]);
    cells.forEach(({ attributes }, i) => expect(attributes.fill).toBe(paintOf(color, numbers[i])?.fill));
  });

  it('bars of a comparison have one scale: heights are in proportion to values across panels', () => {
    const bars = elementsOf(drawnComparison()).filter(
      ({ name, attributes }) => name === 'rect' && /\/reach\/total\//.test(attributes['data-ref'] ?? ''),
    );
    const ratios = bars.map(({ attributes }) => Number(attributes.height) / Number(attributes['data-v']));
    expect(Math.max(...ratios) / Math.min(...ratios)).toBeLessThan(1.02);
    expect(bars.length).toBe(36);
  });

  it('a weak panel looks weak: its scale is not that of its own largest number', () => {
    const weak = sampleTrace({ keeps: 0.01 });
    const style = styleOf({}, 'reach');
    expect(reachScales([weak], {}, style).color.scale.domain[1]).toBeGreaterThanOrEqual(1);
    expect(reachScales([weak], {}, style).color.scale.domain[0]).toBeLessThan(1e-15);
  });

  it('signed scales have zero in the middle, and every signed cell a sign that is not a color', () => {
    const svg = views.ledger.svg(sampleTrace());
    const texts = elementsOf(svg).filter(
      ({ name, attributes }) => name === 'text' && attributes['aria-hidden'] === 'true',
    );
    const cells = marksOf(svg).filter(({ ref }) => /\/shares\//.test(ref));
    expect(texts.filter(({ text }) => /^[+−]/.test(text)).length).toBeGreaterThanOrEqual(cells.length);
  });
});
