/** The OpenAPI description of `bptt serve`; `schema/serve-openapi-1.json` is its text. */

const json = (schema: object): object => ({ 'application/json': { schema } });
const ref = (name: string): { $ref: string } => ({ $ref: `#/components/schemas/${name}` });
const list = (items: object): object => ({ type: 'array', items });
const probability = { type: 'number', minimum: 0, maximum: 1 };
const byHead = (one: object): object => ({ oneOf: [one, { type: 'object', additionalProperties: one }] });

const refusal = (description: string, headers?: object): object => ({
  description,
  ...(headers && { headers }),
  content: json(ref('Error')),
});

const switched = (name: string, description: string): object => ({
  ...{ name, in: 'query', description, schema: { type: 'boolean', default: false } },
});

const closed = (properties: Readonly<Record<string, object>>, required: readonly string[]): object => {
  return { type: 'object', properties, required, additionalProperties: false };
};

const schemas = {
  Input: {
    oneOf: [
      closed({ text: { type: 'string', description: 'Text, split into sentences and tokens like the training data.' } }, ['text']), // prettier-ignore
      closed({ tokens: { ...list({ type: 'string', minLength: 1 }), description: 'One sentence.' } }, ['tokens']),
      closed({ sentences: { ...list(list({ type: 'string', minLength: 1 })), description: 'Several.' } }, [
        'sentences',
      ]),
    ],
  },
  Answer: closed({ sentences: list(ref('Sentence')) }, ['sentences']),
  Sentence: {
    ...closed(
      {
        tokens: list({ type: 'string' }),
        labels: {
          ...byHead(list({ type: 'string' })),
          description: 'One per token; of several heads, by the name of the head.',
        },
        probabilities: { ...byHead(list(probability)), description: 'One per label, with ?probabilities=true.' },
        spans: { ...byHead(list(ref('Span'))), description: 'Of labels such as B-PER, with ?spans=true.' },
        label: { type: ['string', 'null'], description: 'Of the whole sentence, if the model gives it one.' },
        probability: { ...probability, description: 'Of that label.' },
      },
      ['tokens'],
    ),
  },
  Span: closed(
    {
      type: { type: 'string' },
      start: { type: 'integer', minimum: 0, description: 'Its first token, from 0.' },
      end: { type: 'integer', minimum: 1, description: 'The token after its last one.' },
      probability,
    },
    ['type', 'start', 'end', 'probability'],
  ),
  State: closed({ status: { enum: ['ok', 'ready', 'not ready'] } }, ['status']),
  Error: closed({ error: closed({ code: { enum: ['aborted', 'bad_request', 'busy', 'foreign_host', 'internal', 'method_not_allowed', 'not_found', 'timeout', 'too_large', 'unsupported_media_type', 'worker_lost'] }, message: { type: 'string', minLength: 1 } }, ['code', 'message']) }, ['error']), // prettier-ignore
};

const retry = { 'Retry-After': { description: 'Seconds after which to try again.', schema: { type: 'integer' } } };
const state = (description: string): object => ({ description, content: json(ref('State')) });

const foreign = refusal('The header Host names another machine.');

/** The description, in OpenAPI 3.1. */
export const openapi = {
  openapi: '3.1.0',
  info: { title: 'bptt serve', version: '1', license: { name: 'MIT', identifier: 'MIT' }, description: 'Labels for text, by a model of bptt.' }, // prettier-ignore
  servers: [{ url: 'http://127.0.0.1:8080' }],
  paths: {
    '/v1/tag': {
      post: {
        operationId: 'tag',
        summary: 'Label text, or sentences that are tokenized already.',
        parameters: [
          switched('probabilities', 'Whether to return the probability of each label too.'),
          switched('spans', 'Whether to return the spans of the labels too, each with its probability.'),
        ],
        requestBody: {
          required: true,
          content: {
            'text/plain': { schema: { type: 'string' } },
            ...json(ref('Input')),
            'application/x-ndjson': { schema: ref('Input') },
          },
        },
        responses: {
          200: {
            description: 'The sentences with their labels; for JSON lines, one such object a line.',
            content: { ...json(ref('Answer')), 'application/x-ndjson': { schema: ref('Answer') } },
          },
          400: refusal('The body or a parameter is invalid.'),
          403: foreign,
          405: refusal('A method other than POST.'),
          408: refusal('The body did not arrive in time.'),
          413: refusal('The body is longer than --max-body.'),
          415: refusal('An unsupported Content-Type, charset or Content-Encoding.'),
          500: refusal('The server failed.'),
          503: refusal('No room, or no time: try again.', retry),
        },
      },
    },
    '/health': { get: { operationId: 'health', summary: 'Whether the process lives.', responses: { 200: state('It does.'), 403: foreign } } }, // prettier-ignore
    '/ready': {
      get: {
        ...{ operationId: 'ready', summary: 'Whether the server takes work.' },
        responses: { 200: state('It does.'), 403: foreign, 503: state('It is about to stop.') },
      },
    },
    '/metrics': {
      get: {
        ...{ operationId: 'metrics', summary: 'Counters in the text format of Prometheus 0.0.4.' },
        responses: {
          200: { description: 'The counters.', content: { 'text/plain': { schema: { type: 'string' } } } },
          403: foreign,
        },
      },
    },
    '/openapi.json': {
      get: {
        ...{ operationId: 'openapi', summary: 'This description.' },
        responses: { 200: { description: 'OpenAPI 3.1.', content: json({ type: 'object' }) }, 403: foreign },
      },
    },
  },
  components: { schemas },
};
