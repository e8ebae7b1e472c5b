/** Progress of a reading: silent for two seconds, then with a rate and the time left, or not at all. */
import { Writable } from 'node:stream';
import { waitingOn } from '../../../src/cli/reading/waiting';

function sheet() {
  let text = '';
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      text += chunk.toString();
      done();
    },
  });
  return { stream, text: () => text };
}

function run(options: { quiet?: boolean }): string[] {
  const { stream, text } = sheet();
  let now = 0;
  const waiting = waitingOn({ stderr: stream, now: () => now }, options);
  const seen: string[] = [];
  const told = (at: number, done: number) => {
    now = at;
    waiting.onProgress({ part: 'losses', done, total: 500 });
    seen.push(text());
  };
  told(100, 0);
  told(1900, 40);
  told(2100, 50);
  told(2200, 60);
  waiting.stop();
  return seen;
}

test('a line after two seconds, and no more for half a minute', () => {
  const line = 'backward passes   10 %  25 losses/s, 18 s left\n';
  expect(run({})).toEqual(['', '', line, line]);
});

test('--quiet: none', () => {
  expect(run({ quiet: true })).toEqual(['', '', '', '']);
});
