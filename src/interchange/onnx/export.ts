/** A model as the bytes of an ONNX file. */
import { decodeSafetensors, saveModel } from '../../labeling/index.js';
import type { Model } from '../../labeling/index.js';
import { expectModel } from '../../labeling/model/checks.js';
import { UnsupportedError } from '../../tensor/errors.js';
import { graphOf } from './graph.js';
import { encodeOnnx } from './proto.js';

/** What is written: a version of the file format and of the operators that ONNX 1.12 and all since then read. */
export const IR_VERSION = 8;
export const OPSET = 14;

/**
 * The bytes of an ONNX model that gives the scores of every head for padded batches of sentences. The same model gives the same bytes.
 *
 * Tensors that are not the model's own (`model.foreign`) are left out. Its metadata holds what a model file of this package holds beside its tensors, so that `importOnnx` gives the same model back.
 *
 * @throws UnsupportedError where a part has no counterpart in ONNX: an ensemble, an encoder or head of your own, a cell of your own
 *   without equations
 */
export function exportOnnx(model: Model): Uint8Array {
  expectModel('exportOnnx', model);
  if (model.members !== undefined) {
    throw new UnsupportedError(
      `onnx: an ensemble of ${model.members.length} models averages probabilities of labels, which a graph does not hold: export one model, trained without members`,
    );
  }
  const { metadata } = decodeSafetensors(saveModel({ ...model, foreign: undefined }));
  const order = Object.keys(metadata).sort();
  return encodeOnnx({
    irVersion: IR_VERSION,
    opset: OPSET,
    producer: 'bptt',
    graph: graphOf(model),
    metadata: Object.fromEntries(order.map((key) => [`bptt.${key}`, metadata[key]])),
  });
}
