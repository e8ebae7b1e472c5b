/**
 * Writes YAML, as far as the front matter of a model card needs it: block mappings and lists of strings, numbers and booleans.
 *
 * A string is written plain if it is unambiguous (lowercase words joined by hyphens), and otherwise as in JSON: YAML's
 * double-quoted scalars support every JSON escape. Characters that are not printable in YAML (§5.1 of YAML 1.2.2), and those that
 * some readers treat as line breaks, are also escaped. Readers of YAML 1.1 and 1.2 therefore read the same.
 */

/** A value to write. */
export type YamlValue =
  | string
  | number
  | boolean
  | readonly YamlValue[]
  | {
      readonly [key: string]: YamlValue;
    };

/** Words that YAML 1.1 readers parse as booleans or null: `no` is also a language code. */
const RESERVED = new Set(['y', 'n', 'yes', 'no', 'on', 'off', 'true', 'false', 'null']);

const PLAIN = /^[a-z][a-z0-9]*([-_][a-z0-9]+)*$/;

/**
 * Not printable in YAML, or a line break to some readers: DEL and C1 controls, U+2028, U+2029, U+FEFF, lone surrogates, U+FFFE,
 * U+FFFF.
 */
const ESCAPED = /[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]|\p{Cs}/gu;

/** A document as text that ends with a line break. */
export function toYaml(value: YamlValue): string {
  return `${linesOf(value).join('\n')}\n`;
}

/** A value as lines without indentation; a single line for a scalar or an empty value. */
function linesOf(value: YamlValue): string[] {
  if (typeof value === 'string') return [textOf(value)];
  if (typeof value === 'number') return [numberOf(value)];
  if (typeof value === 'boolean') return [String(value)];
  if (isList(value)) {
    if (value.length === 0) return ['[]'];
    return value.flatMap((item) => linesOf(item).map((line, i) => `${i === 0 ? '- ' : '  '}${line}`));
  }
  const entries = Object.entries(value);
  if (entries.length === 0) return ['{}'];
  return entries.flatMap(([key, own]) => {
    const lines = linesOf(own);
    return isBlock(own) ? [`${textOf(key)}:`, ...lines.map((line) => `  ${line}`)] : [`${textOf(key)}: ${lines[0]}`];
  });
}

const isList = (value: YamlValue): value is readonly YamlValue[] => Array.isArray(value);

/** Whether a value is written on separate lines below its key. */
function isBlock(value: YamlValue): boolean {
  return typeof value === 'object' && Object.keys(value).length > 0;
}

function textOf(text: string): string {
  if (PLAIN.test(text) && !RESERVED.has(text)) return text;
  const escape = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return JSON.stringify(text).replace(ESCAPED, escape);
}

/** A number with a decimal point before its exponent, as YAML 1.1 requires. */
function numberOf(x: number): string {
  if (Number.isNaN(x)) return '.nan';
  if (!Number.isFinite(x)) return x > 0 ? '.inf' : '-.inf';
  if (Object.is(x, -0)) return '-0.0';
  return String(x).replace(/^(-?\d+)e/, '$1.0e');
}
