/**
 * Moves the vector constants of a module out of its loops. V8 from 12 on makes a `v128.const` anew at each use, in three instructions,
 * and the compiler of assembly/ writes one at each use. A function with a loop here makes each of its constants once, at its start, as a
 * splat of a scalar, which V8 keeps in a register or on the stack. No value changes, and a splat takes 11 bytes less than a constant.
 */
import binaryen from 'assemblyscript/binaryen';

const CONSTANT = /\(v128\.const i32x4 (0x\w{8}) (0x\w{8}) (0x\w{8}) (0x\w{8})\)/g;

/** Constants that are one instruction wherever they stand. */
const CHEAP = ['0x00000000', '0xffffffff'];

/**
 * @param {Uint8Array} bytes a module
 * @returns {Uint8Array} the same module with its constants hoisted
 * @throws Error where the result is no longer a valid module
 */
export function hoistConstants(bytes) {
  const parts = textOf(bytes).split(/(?=\n \(func )/);
  const module = binaryen.parseText(parts.map(hoisted).join(''));
  module.setFeatures(binaryen.Features.All);
  try {
    if (!module.validate()) throw new Error('hoisting the constants of assembly/ gives an invalid module');
    return module.emitBinary();
  } finally {
    module.dispose();
  }
}

/** The text of a module, a line for each expression. */
function textOf(bytes) {
  const module = binaryen.readBinary(bytes);
  try {
    return module.emitText();
  } finally {
    module.dispose();
  }
}

/** The text of a function, its constants in locals where it has a loop. */
function hoisted(text) {
  if (!text.includes('(loop ')) return text;
  const locals = new Map();
  const body = text.replace(CONSTANT, (constant, ...words) => {
    const splat = splatOf(words.slice(0, 4));
    if (splat === undefined) return constant;
    if (!locals.has(splat)) locals.set(splat, `$constant${locals.size}`);
    return `(local.get ${locals.get(splat)})`;
  });
  const lines = body.split('\n');
  const first = lines.findIndex((line, i) => i > 1 && !line.startsWith('  (local $')); // behind the line break, the head, the locals
  const declared = [...locals.values()].map((name) => `  (local ${name} v128)`);
  const set = [...locals].map(([splat, name]) => `  (local.set ${name} ${splat})`);
  return [...lines.slice(0, first), ...declared, ...set, ...lines.slice(first)].join('\n');
}

/** A constant as the splat of one or of two of its four words; nothing where it is none, or where that gains nothing. */
function splatOf([a, b, c, d]) {
  if (a !== c || b !== d || (a === b && CHEAP.includes(a))) return undefined;
  return a === b ? `(i32x4.splat (i32.const ${a}))` : `(i64x2.splat (i64.const ${b}${a.slice(2)}))`;
}
