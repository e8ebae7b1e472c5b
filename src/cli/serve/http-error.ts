/** Why a request is refused: a status, a name for programs, a line for people. */

/** An answer that says what is wrong with a request. */
export class HttpError extends Error {
  override name = 'HttpError';

  /**
   * @param status of HTTP
   * @param code name of the reason, for programs
   * @param headers that go with the status: Allow, Retry-After
   */
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
  }
}

/** The body of an answer that refuses. */
export function errorBody(code: string, message: string): string {
  return `${JSON.stringify({ error: { code, message } })}\n`;
}
