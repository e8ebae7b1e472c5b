/**
 * Writes YAML, as far as the front matter of a model card needs it: block mappings and lists of texts, numbers and switches.
 *
 * A text is written plain where it cannot be taken for anything else, in lower-case words joined by hyphens, and otherwise as JSON
 * writes it: YAML's double-quoted scalars read every escape of JSON. Characters that YAML does not print (§5.1 of YAML 1.2.2), and
 * those that some readers take for line breaks, are escaped besides. So readers of YAML 1.1 and 1.2 read the same.
 */

/** What is written. */
export type YamlValue =
  | string
  | number
  | boolean
  | readonly YamlValue[]
  | {
      readonly [key: string]: YamlValue;
    };

/** Words that readers of YAML 1.1 take for switches or for nothing: `no` is a language, too. */
const RESERVED = new Set(['y', 'n', 'yes', 'no', 'on', 'off', 'true', 'false', 'null']);

const PLAIN = /^[a-z][a-z0-9]*([-_][a-z0-9]+)*$/;

/** Not printable in YAML, or a line break to some readers: DEL and C1 controls, U+2028, U+2029, U+FEFF, surrogates alone, U+FFFE, U+FFFF. */
const ESCAPED = /[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]|\p{Cs}/gu;

/** A document as text that ends with a line break. */
export function toYaml(value: YamlValue): string {
  return `${linesOf(value).join('\n')}\n`;
}

/** A value as lines without indentation; of a scalar, and of what is empty, one. */
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

/** Whether a value takes lines of its own below its key. */
function isBlock(value: YamlValue): boolean {
  return typeof value === 'object' && Object.keys(value).length > 0;
}

function textOf(text: string): string {
  if (PLAIN.test(text) && !RESERVED.has(text)) return text;
  const escape = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return JSON.stringify(text).replace(ESCAPED, escape);
}

/** A number with a point before its exponent, which YAML 1.1 demands. */
function numberOf(x: number): string {
  if (Number.isNaN(x)) return '.nan';
  if (!Number.isFinite(x)) return x > 0 ? '.inf' : '-.inf';
  if (Object.is(x, -0)) return '-0.0';
  return String(x).replace(/^(-?\d+)e/, '$1.0e');
}
