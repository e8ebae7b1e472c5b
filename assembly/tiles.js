/**
 * Generates the register tiles, which the compiler reads as `assembly/tile.ts`: `C += A·B` for a few rows and a few vectors of
 * columns (4 float32 or 2 float64 each), with the sums in registers.
 *
 * A sum starts from the element of C and adds its terms in the order of k, with one multiplication and one addition each (simd128
 * never fuses them). So an element has the same bits whatever tile it falls into, however k is split into blocks, and however
 * many rows there are. Eight sums, 2 vectors of B, 1 of A and 1 product are 12 of the 15 vector registers of x64; ten sums spill.
 * So 4 rows use one panel of two vectors; 2 rows use two panels and 1 row four, which gives enough independent sums.
 *
 * An engine that joins two adjacent vectors into one of 256 bits (V8 with `--experimental-wasm-revectorize`) needs half the
 * registers. There 4 rows and 3 rows use two panels (`packed4x2`), if `useWideTiles` of assembly/multiply.ts was called.
 *
 * The form of a loop decides how V8 compiles it: it unrolls short loops, moves the loads of all iterations to the front, and then
 * spills the loaded values. An exit after every term keeps the loads of two terms apart. As the first exit comes after the first
 * term, V8 also hoists the addresses that all terms share out of the loop. Such a chain has 3 terms per iteration, or 6 in the
 * tiles that take most of the time. A single row does best with two terms and no exit between them (`pairs`), or with one term
 * (`single`). The choice for each tile is empirical: `node bench/tile.js` times them all.
 *
 * Steps are in bytes: `ldc` and `lda` between rows of C and A, `ldb` between two k of B, `step` between panels. A is read along
 * its rows, unless there is a step `ka` between two k of it. K is at least 1.
 */

const SIZE = 'sizeof<T>()';

/** The first, `name`; the others, `name1`, `name2`, … */
const numbered = (name, i) => (i === 0 ? name : `${name}${i}`);
const range = (count) => Array.from({ length: count }, (_, i) => i);
const times = (count) => (count === 1 ? SIZE : `${count} * ${SIZE}`);
const address = (...parts) => parts.filter((part) => part !== 0).join(', ');

/**
 * One tile.
 *
 * @param doc description, in one sentence
 * @param shape `rows` and `panels`, a panel being `vectors` wide; `packed` if A is packed in groups of 4 rows and B in panels
 * without gaps; `ka` if A is not read along its rows
 * @param loop `pairs`, `single`, or how many terms a chain has
 */
export function tile(name, doc, { rows, panels = 1, vectors = 2, packed = false, ka = false }, loop) {
  const sum = (r, p, v) => `s${r}${panels * vectors > 1 ? p * vectors + v : ''}`;
  const sums = range(rows).flatMap((r) => range(panels).flatMap((p) => range(vectors).map((v) => [r, p, v])));
  const pointersOfA = packed ? 1 : rows;
  const given = {
    K: 'i32',
    c: 'usize',
    ldc: rows > 1 && 'usize',
    a: 'usize',
    lda: rows > 1 && !packed && 'usize',
    ka: ka && 'usize',
    b: 'usize',
    ldb: !packed && 'usize',
    step: panels > 1 && 'usize',
  };
  const parameters = Object.entries(given).filter(([, type]) => type);
  const ldb = packed ? 'PANEL' : 'ldb';
  const stepOfA = packed ? 4 : 1;

  const x = (r, term) => {
    const offset = packed ? r + 4 * term : term;
    return `v128.load_splat<T>(${address(numbered('a', packed ? 0 : r), offset && times(offset))})`;
  };
  const y = (p, v, term) => `v128.load(${address(numbered('b', p), 16 * v + (packed ? 32 * term : 0))})`;
  const term = (t, first = t === 0) => {
    const shared = rows > 1; // a vector of B serves several rows
    const declare = first ? 'let ' : '';
    const of = (p, v) => (shared ? `y${p * vectors + v}` : y(p, v, t));
    return [
      ...(shared
        ? range(panels).flatMap((p) => range(vectors).map((v) => `${declare}${of(p, v)} = ${y(p, v, t)};`))
        : []),
      ...range(rows).flatMap((r) => [
        `${r === 0 ? declare : ''}x = ${x(r, t)};`,
        ...range(panels).flatMap((p) =>
          range(vectors).map((v) => `${sum(r, p, v)} = madd<T>(${sum(r, p, v)}, x, ${of(p, v)});`),
        ),
      ]),
      ...(packed ? [] : range(panels).map((p) => `${numbered('b', p)} += ${ldb};`)),
    ];
  };
  const advance = (terms) => [
    ...(packed ? range(panels).map((p) => `${numbered('b', p)} += ${terms} * PANEL;`) : []),
    ...range(pointersOfA).map((r) => `${numbered('a', r)} += ${ka ? 'ka' : times(terms * stepOfA)};`),
  ];
  const loops = {
    single: () => ['for (; K > 0; K--) {', ...term(0), ...advance(1), '}'],
    pairs: () => [
      `const end = a + <usize>(K & ~1) * ${ka ? 'ka' : times(stepOfA)};`,
      'while (a < end) {',
      ...term(0),
      ...term(1),
      ...advance(2),
      '}',
    ],
  };
  const chain = (terms) => [
    `const end = a + <usize>K * ${ka ? 'ka' : times(stepOfA)};`,
    'do {',
    ...range(terms).flatMap((i) => [...(i > 0 ? ['if (a >= end) break;'] : []), ...term(0, i === 0), ...advance(1)]),
    '} while (a < end);',
  ];
  /** Element of C where a sum belongs: `x` is what to store there. */
  const ofC = ([r, p, v], ...x) => address(numbered('c', r), ...x, 16 * (p * vectors + v));
  /** The last term of an odd K, a panel at a time. Packed tiles have none: their K must be even. */
  const rest = range(panels).map((p) => {
    const rowsOf = (pointer, ld) => (rows > 1 ? [pointer, ld] : [pointer]);
    const operands = ['1', ...rowsOf(`c + ${p} * PANEL`, 'ldc'), ...rowsOf('a', 'lda'), numbered('b', p), 'ldb'];
    return `tile${rows}<T>(${operands.join(', ')});`;
  });
  return [
    `/** ${doc} */`,
    `export function ${name}<T>(${parameters.map(([key, type]) => `${key}: ${type}`).join(', ')}): void {`,
    ...range(rows - 1).map((r) => `const c${r + 1} = ${numbered('c', r)} + ldc;`),
    ...range(pointersOfA - 1).map((r) => `let a${r + 1} = ${numbered('a', r)} + lda;`),
    ...range(panels - 1).map((p) => `let b${p + 1} = ${numbered('b', p)} + step;`),
    ...sums.map((place) => `let ${sum(...place)} = v128.load(${ofC(place)});`),
    ...(loops[loop]?.() ?? chain(loop)),
    ...sums.map((place) => `v128.store(${ofC(place, sum(...place))});`),
    ...(loop === 'pairs' && !packed ? ['if (K & 1) {', ...rest, '}'] : []),
    '}',
  ];
}

/** What every tile needs. */
export const PREAMBLE = [
  '/** Bytes of one row of a panel: two vectors. */',
  'export const PANEL: usize = 32;',
  '/** `sum + x·y`: in two roundings, or in one where the build allows relaxed SIMD and the machine can fuse. */',
  '// @ts-ignore: decorator',
  '@inline',
  'export function madd<T>(sum: v128, x: v128, y: v128): v128 {',
  'if (ASC_FEATURE_RELAXED_SIMD) return v128.relaxed_madd<T>(x, y, sum);',
  'return v128.add<T>(sum, v128.mul<T>(x, y));',
  '}',
];

/** The text of `assembly/tile.ts`. */
export function tiles() {
  return [
    ...PREAMBLE,
    ...tile(
      'packed4',
      '4 rows, their elements of one k side by side, by one packed panel.',
      { rows: 4, packed: true },
      6,
    ),
    ...tile(
      'packed4x2',
      '4 rows, their elements of one k side by side, by two packed panels: for engines that join adjacent vectors.',
      { rows: 4, panels: 2, packed: true },
      6,
    ),
    ...tile('half4', '4 rows by the first vector of a panel.', { rows: 4, vectors: 1, ka: true }, 3),
    ...tile('tile4', '4 rows by one panel.', { rows: 4 }, 3),
    ...tile('tile3', '3 rows by one panel.', { rows: 3 }, 3),
    ...tile('tile2', '2 rows by one panel.', { rows: 2 }, 3),
    ...tile('tile1', '1 row by one panel.', { rows: 1 }, 'single'),
    ...tile('row4', '1 row by four panels; their sums follow each other in C.', { rows: 1, panels: 4 }, 'pairs'),
    ...tile('row2', '1 row by two panels.', { rows: 1, panels: 2 }, 'pairs'),
    ...tile('rows2', '2 rows by two panels; their sums follow each other in C.', { rows: 2, panels: 2 }, 3),
    ...tile('rows3', '3 rows by two panels, for the same engines.', { rows: 3, panels: 2 }, 3),
    '',
  ].join('\n');
}
