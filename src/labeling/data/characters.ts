/**
 * Maps characters to ids. Ids are assigned by descending count in the training tokens, ties in code-point order. A character that occurs
 * only once in training is unknown, so that the unknown character gets trained.
 */
import { expectOneOf } from '../../tensor/checks.js';
import { expectIterable, expectWords } from '../checks.js';
import { byCount } from './lists.js';
import { checkDistinct, malformed, objectOf, stringList } from './read-back.js';
import { remembering } from './remembering.js';
import type { Sentence } from './sentence.js';
import type { CharacterUnit } from './spelling.js';
import { CHARACTER_UNITS, characterSplitter, isCharacter } from './spelling.js';

/** The id of the unknown character, which is also the only character of an empty token. */
export const UNKNOWN_CHARACTER = 0;

/** Characters by id. */
export interface CharacterVocabulary {
  readonly unit: CharacterUnit;
  /** Number of ids, including that of the unknown character. */
  readonly size: number;
  /** The characters that have an id, from id 1. */
  readonly characters: readonly string[];
  /** Ids of a token's characters, at least one, at most 64: see `spelling.ts`. Do not modify them. */
  encode(token: string): Int32Array;
  /** Plain JSON, from which {@link charactersFromJson} makes an equal vocabulary. */
  toJSON(): { unit: CharacterUnit; characters: string[] };
}

/** Builds the vocabulary of the characters in training sentences. @throws ArgumentError on an unknown unit */
export function buildCharacters(
  sentences: Iterable<Pick<Sentence, 'tokens'>>,
  unit: CharacterUnit = 'code-point',
): CharacterVocabulary {
  expectOneOf('characters', 'unit', unit, CHARACTER_UNITS);
  expectIterable('characters', 'sentences', sentences, 'sentences');
  const charactersOf = remembering(characterSplitter(unit));
  const counts = new Map<string, number>();
  let place = 0;
  for (const sentence of sentences) {
    const tokens: readonly string[] | undefined = (sentence as Partial<Sentence> | null)?.tokens;
    expectWords('characters', `sentences[${place++}].tokens`, tokens);
    for (const token of tokens!) for (const c of charactersOf(token)) counts.set(c, (counts.get(c) ?? 0) + 1);
  }
  // A token too irregular for a normal form may contain what no other token is spelled with.
  const kept = byCount(counts).filter((character) => counts.get(character)! > 1 && isCharacter(character, unit));
  return createCharacters(unit, kept);
}

/**
 * Extends a vocabulary with the characters of further sentences: those that occur more than once in them and have no id get one after all
 * others. Every id keeps its character.
 *
 * @returns the vocabulary itself if nothing is new, and the characters that were given an id
 */
export function growCharacters(
  vocabulary: CharacterVocabulary,
  sentences: Iterable<Pick<Sentence, 'tokens'>>,
): { readonly vocabulary: CharacterVocabulary; readonly added: readonly string[] } {
  const { unit, characters } = vocabulary;
  const known = new Set(characters);
  const added = buildCharacters(sentences, unit).characters.filter((character) => !known.has(character));
  if (added.length === 0) return { vocabulary, added };
  return { vocabulary: createCharacters(unit, [...characters, ...added]), added };
}

/** Restores a vocabulary. @throws DataError if the value is invalid, saying what is wrong with it */
export function charactersFromJson(value: unknown): CharacterVocabulary {
  const { unit, characters } = objectOf(value, 'characters');
  if (!(CHARACTER_UNITS as readonly unknown[]).includes(unit)) {
    throw malformed('characters', 'unit', `one of ${CHARACTER_UNITS.join(', ')}`, unit);
  }
  const list = stringList(characters, 'characters', 'characters');
  checkDistinct(list, 'characters');
  const odd = list.find((character) => !isCharacter(character, unit as CharacterUnit));
  if (odd !== undefined) throw malformed('characters', 'characters', `single characters in Unicode NFC, by ${unit as CharacterUnit}`, odd); // prettier-ignore
  return createCharacters(unit as CharacterUnit, list);
}

function createCharacters(unit: CharacterUnit, characters: readonly string[]): CharacterVocabulary {
  const ids = new Map(characters.map((character, i) => [character, i + 1]));
  const charactersOf = characterSplitter(unit);
  const encode = remembering((token: string): Int32Array => {
    const own = Int32Array.from(charactersOf(token), (character) => ids.get(character) ?? UNKNOWN_CHARACTER);
    return own.length > 0 ? own : Int32Array.of(UNKNOWN_CHARACTER);
  });
  return {
    unit,
    size: characters.length + 1,
    characters,
    encode,
    toJSON: () => ({ unit, characters: [...characters] }),
  };
}
