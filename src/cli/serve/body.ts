/** The body of a request: its bytes within a limit, and the sentences in it. */
import type { IncomingMessage } from 'node:http';
import { parseUniqueJson } from '../../serialize/unique-json.js';
import { DataError } from '../../tensor/errors.js';
import { shortToken } from '../../labeling/data/long-tokens.js';
import { HttpError } from './http-error.js';
import type { TagInput } from './jobs.js';

/** Accepted media types, as listed in `Accept-Post`. */
export const MEDIA_TYPES = ['text/plain', 'application/json', 'application/x-ndjson'] as const;

/** An accepted media type. */
export type MediaType = (typeof MEDIA_TYPES)[number];

/** Other media types for JSON Lines. */
const SAME: Readonly<Record<string, MediaType>> = {
  'application/jsonl': 'application/x-ndjson',
  'application/x-jsonlines': 'application/x-ndjson',
  'application/jsonlines': 'application/x-ndjson',
};

/** The media type of a request. @throws HttpError 415 on another type, another character encoding, or a compressed body */
export function mediaTypeOf({ headers }: IncomingMessage): MediaType {
  const [name = '', ...parameters] = (headers['content-type'] ?? '')
    .split(';')
    .map((part) => part.trim().toLowerCase());
  const type = Object.hasOwn(SAME, name) ? SAME[name] : MEDIA_TYPES.find((each) => each === name);
  const advice = `send ${MEDIA_TYPES.join(', ')}`;
  const refuse = (what: string): HttpError => new HttpError(415, 'unsupported_media_type', what, { 'Accept-Post': MEDIA_TYPES.join(', ') }); // prettier-ignore
  if (type === undefined) throw refuse(`${name === '' ? 'the request has no Content-Type' : `the Content-Type ${JSON.stringify(name.slice(0, 80))} is not supported`}: ${advice}`); // prettier-ignore
  const charset = parameters
    .find((each) => each.startsWith('charset='))
    ?.slice('charset='.length)
    .replaceAll('"', '');
  if (charset !== undefined && charset !== 'utf-8' && charset !== 'utf8') throw refuse(`the charset ${JSON.stringify(charset.slice(0, 40))} is not supported: send UTF-8`); // prettier-ignore
  const encoding = headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity') throw refuse(`the Content-Encoding ${JSON.stringify(encoding.slice(0, 40))} is not supported: send the body as it is`); // prettier-ignore
  return type;
}

/** A body that is too long is read up to this multiple of the limit and discarded, so that its sender receives the answer. */
const DROPPED = 8;

/**
 * The bytes of a body.
 *
 * @param most maximum number of bytes
 * @throws HttpError 413 if there are more; 408 if they have not arrived when `signal` is aborted; 400 if the client left
 */
export async function readBody(request: IncomingMessage, most: number, signal: AbortSignal): Promise<Uint8Array> {
  const tooLarge = new HttpError(413, 'too_large', `the body has more than ${most} bytes: send less at once, or raise --max-body`); // prettier-ignore
  const late = new HttpError(408, 'timeout', 'the body did not arrive in time: send it faster, or raise --timeout');
  if (Number(request.headers['content-length'] ?? 0) > DROPPED * most) throw tooLarge;
  let chunks: Buffer[] = [];
  let size = 0;
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(size > most ? tooLarge : late), { once: true });
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= most) chunks.push(chunk);
      else chunks = [];
      if (size > DROPPED * most) reject(tooLarge);
    });
    request.on('end', () => (size > most ? reject(tooLarge) : resolve(Buffer.concat(chunks))));
    request.on('error', () => reject(new HttpError(400, 'aborted', 'the request ended before its body was complete')));
  });
}

/**
 * The inputs to label, one per text or per line.
 *
 * @throws HttpError 400 on bytes that are not UTF-8, on invalid or unexpected JSON, and on a body without a sentence
 */
export function inputsOf(bytes: Uint8Array, type: MediaType): TagInput[] {
  const text = textOf(bytes);
  try {
    if (type === 'text/plain') return [{ text }];
    if (type === 'application/json') return [inputOf(parseUniqueJson(text, 'the body'), 'the body')];
    return linesOf(text);
  } catch (error) {
    if (error instanceof DataError) throw new HttpError(400, 'bad_request', error.message.replace(': the file is damaged or malicious', ': send flat JSON')); // prettier-ignore
    throw error;
  }
}

function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new HttpError(400, 'bad_request', 'the body is not UTF-8: encode it as UTF-8');
  }
}

function linesOf(text: string): TagInput[] {
  const inputs = text.split('\n').flatMap((line, i) => (line.trim() === '' ? [] : [inputOf(parseUniqueJson(line, `line ${i + 1}`), `line ${i + 1}`)])); // prettier-ignore
  if (inputs.length > 0) return inputs;
  throw new HttpError(400, 'bad_request', 'the body has no lines: send one JSON object a line');
}

const FIELDS = ['text', 'tokens', 'sentences'] as const;

/** `{"text": "…"}`, `{"tokens": […]}` or `{"sentences": [[…], …]}`. @throws HttpError 400 naming what is invalid */
function inputOf(value: unknown, where: string): TagInput {
  const fail = (message: string): HttpError => new HttpError(400, 'bad_request', `${where}: ${message}`);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw fail('expected an object with "text", "tokens" or "sentences"');
  const known: readonly string[] = FIELDS;
  const other = Object.keys(value).find((name) => !known.includes(name));
  if (other !== undefined)
    throw fail(`unknown field ${JSON.stringify(other.slice(0, 40))}: send "text", "tokens" or "sentences"`);
  const own = value as Partial<Record<(typeof FIELDS)[number], unknown>>;
  const [name, another] = FIELDS.filter((field) => own[field] !== undefined);
  if (name === undefined || another !== undefined)
    throw fail('expected exactly one of "text", "tokens" and "sentences"');
  if (name === 'text') {
    if (typeof own.text !== 'string') throw fail('"text" must be a string');
    return { text: own.text };
  }
  const sentences = name === 'tokens' ? [own.tokens] : own.sentences;
  if (!Array.isArray(sentences)) throw fail('"sentences" must be an array of arrays of strings');
  return { sentences: sentences.map((each, s) => tokensOf(each, name === 'tokens' ? '"tokens"' : `"sentences"[${s}]`, where, fail)) }; // prettier-ignore
}

function tokensOf(value: unknown, name: string, where: string, fail: (message: string) => HttpError): string[] {
  if (!Array.isArray(value)) throw fail(`${name} must be an array of strings`);
  const tokens: readonly unknown[] = value;
  tokens.forEach((token, t) => {
    if (typeof token !== 'string' || token === '') throw fail(`${name}[${t}] must be a string that is not empty`);
    shortToken(token, where, 1);
  });
  return tokens as string[];
}
