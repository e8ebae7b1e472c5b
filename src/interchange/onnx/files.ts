/** An ONNX file and its companion files: the decoders and their data. */
import type { Model } from '../../labeling/index.js';
import { encodeUtf8 } from '../../serialize/utf8.js';
import { expectString } from '../../tensor/arguments.js';
import { ArgumentError } from '../../tensor/errors.js';
import { quoted } from '../../tensor/visible.js';
import { decoderData } from './decoder-data.js';
import { decoderInJavaScript, spellingInJavaScript } from './decoder-js.js';
import { decoderInPython, spellingInPython } from './decoder-python.js';
import { exportOnnx } from './export.js';

/** Encoders that use more of a word than its row in a vocabulary. */
const SPELLED = ['characters', 'affixes', 'vectors'];

/**
 * Returns everything needed to run a model in another engine, as bytes by file name: `STEM.onnx`; `STEM.decode.json`, with words
 * and labels; and `STEM.decode.mjs` and `STEM.decode.py`, which turn words into inputs and outputs into labels. For a model that
 * reads the spelling of words, the decoders also load `STEM.spelling.mjs` and `STEM.spelling.py`. The same model gives the same
 * bytes.
 *
 * @param stem base name of the files, without a folder
 * @throws ArgumentError if the stem is empty or contains a folder; otherwise as `exportOnnx` does
 */
export function onnxFiles(model: Model, stem: string): Record<string, Uint8Array> {
  expectString('onnxFiles', 'stem', stem);
  if (stem === '' || /[/\\\n\r'"]/.test(stem)) {
    throw new ArgumentError(
      `onnxFiles: stem must be the name of a file, without folder, quotes or extension; got ${quoted(stem)}`,
    );
  }
  const onnx = exportOnnx(model);
  const spelled = model.config.encoders.map(({ kind }) => kind).filter((kind) => SPELLED.includes(kind));
  const files: Record<string, string> = {
    'decode.json': `${JSON.stringify(decoderData(model))}\n`,
    'decode.mjs': decoderInJavaScript(stem, spelled),
    'decode.py': decoderInPython(stem, spelled),
    ...(spelled.length > 0 && { 'spelling.mjs': spellingInJavaScript(stem), 'spelling.py': spellingInPython(stem) }),
  };
  const beside = Object.entries(files).map(([end, text]) => [`${stem}.${end}`, encodeUtf8(text)]);
  return { [`${stem}.onnx`]: onnx, ...Object.fromEntries(beside) };
}
