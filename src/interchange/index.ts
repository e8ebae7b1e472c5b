/**
 * Converts models to and from the formats of other engines: Keras, ONNX and PyTorch.
 *
 * @module bptt/interchange
 */
export { exportKeras } from './keras/export.js';
export { importKeras } from './keras/import.js';
export type { KerasImport, KerasImportOptions } from './keras/import.js';
export type { Hdf5Library } from './keras/hdf5-read.js';
export { exportOnnx, importOnnx, onnxFiles } from './onnx/index.js';
export type { OnnxImportOptions } from './onnx/index.js';
export { exportPyTorch } from './pytorch/export.js';
export type { PyTorchExportOptions } from './pytorch/export.js';
export { importPyTorch } from './pytorch/import.js';
export type { FolderFiles } from './pytorch/import.js';
export { fromPlainStateDict } from './pytorch/plain.js';
export type { StateDictNames } from './pytorch/plain.js';
export { decodePt, encodePt } from './pytorch/pt.js';
export type { PtOptions } from './pytorch/pt.js';
export { readStateDict } from './pytorch/read.js';
export { trainingShards } from './pytorch/shards.js';
export type { TrainingShards } from './pytorch/shards.js';
export { toStateDict } from './pytorch/state-dict.js';
export type { StateDict } from './pytorch/state-dict.js';
