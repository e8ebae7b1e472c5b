/** The reason for rejecting a request: a status, a code for programs, a line for people. */

/** An answer that reports what is wrong with a request. */
export class HttpError extends Error {
  override name = 'HttpError';

  /**
   * @param status HTTP status
   * @param code machine-readable reason
   * @param headers headers for the status: Allow, Retry-After
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

/** The body of an error response. */
export function errorBody(code: string, message: string): string {
  return `${JSON.stringify({ error: { code, message } })}\n`;
}
