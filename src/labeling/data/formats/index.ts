/** Reading and writing labeled sentences, without opening files: for Node, browsers and workers alike. */
export { detectFormat, detectLayout } from './detect.js';
export type { ColumnLayout } from './detect.js';
export { CONLLU_COLUMNS } from './conllu.js';
export { lineBlocks } from './lines.js';
export type { ByteChunks, LineBlock } from './lines.js';
export { FORMATS, formatOf } from './options.js';
export type { BadLinePolicy, CommentRule, Format, LabelPolicy, ReadOptions } from './options.js';
export { describeReading, doubtfulLabels, inputSpecFromJson, inputSpecOf } from './reading.js';
export type { InputSpec, Reading } from './reading.js';
export { readSentences } from './read.js';
export { readSlots } from './slots.js';
export type { SlotChunks } from './slots.js';
export { formatSentence, needsSpelling, OUTPUTS, outputOf } from './write.js';
export type { Output } from './write.js';
export { readClassified } from './classified.js';
export { CLASSIFIED_FORMATS, tokenCutter } from './classified-options.js';
export type { ClassifiedFormat, ClassifiedOptions } from './classified-options.js';
