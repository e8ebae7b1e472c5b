import { segmentText } from '../../../src/labeling/data/segment.js';

const tokens = (text: string, options = {}) => segmentText(text, options).map((s) => s.tokens.join(' '));

describe('what stays whole', () => {
  test.each([
    ['See https://e.org/a?b=c! Then #MH17 fell.', ['See https://e.org/a?b=c !', 'Then #MH17 fell .']],
    ['Mail (a.b+c@mail.example.org), www.e.org/x. Or @some_one: ok', ['Mail ( a.b+c@mail.example.org ) , www.e.org/x .', 'Or @some_one : ok']], // prettier-ignore
    ['C# a#b x@ @ # 3@4', ['C # a # b x @ @ # 3 @ 4']],
    ['It fell. #Crash was big.', ['It fell .', '#Crash was big .']],
  ])('%s', (text, wanted) => {
    expect(tokens(text)).toEqual(wanted);
    for (const s of segmentText(text)) expect(s.offsets.map(([a, b]) => text.slice(a, b))).toEqual(s.tokens);
  });

  test('tokenizer whitespace cuts at white space alone', () => {
    expect(tokens('It costs 3.50, (she) said.  Go!', { tokenizer: 'whitespace' })).toEqual(['It costs 3.50, (she) said.', 'Go!']); // prettier-ignore
    expect(() => segmentText('a', { tokenizer: 'words' as never })).toThrow(/tokenizer must be one of 'unicode'/);
    expect(() => segmentText('a', { lokale: 'en' } as never)).toThrow(/did you mean locale\?/);
  });
});

describe('work grows with the text, not with its square', () => {
  const real = Intl.Segmenter;
  let work = 0;
  // V8 takes time in proportion to the string for every segment: the product is what is counted.
  beforeAll(() => {
    const counted = class extends real {
      override segment(text: string) {
        const found = super.segment(text);
        work += Array.from(found).length * text.length;
        return found;
      }
    };
    Object.assign(Intl, { Segmenter: counted });
  });
  afterAll(() => void Object.assign(Intl, { Segmenter: real }));

  const units = [
    'a,',
    '. ',
    '...',
    '?)"',
    '漢字',
    'ภาษา',
    'e\u0301\u0323',
    'a b ',
    'A. b ',
    '#a ',
    'a@b.c ',
    'http://a.b ',
    '\u0301',
  ];
  test.each(units)('of %p', (unit) => {
    const cost = (n: number) => {
      work = 0;
      const text = unit.repeat(Math.ceil(n / unit.length));
      const found = segmentText(text);
      expect(found.flatMap((s) => s.tokens).join('')).toBe(text.replace(/ /g, ''));
      return work;
    };
    const [one, two, four] = [16384, 32768, 65536].map(cost);
    expect(two / one).toBeLessThan(2.6);
    expect(four / two).toBeLessThan(2.6);
  });
});
