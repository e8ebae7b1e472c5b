"""Runs the decoders in Python: onnx-decode.py FOLDER. Reads cases.json and node.json (onnx-run.mjs), prints inputs and labels as JSON."""
import json, runpy, sys
import numpy as np

folder = sys.argv[1]
cases = json.load(open(folder + '/cases.json', encoding='utf-8'))
ran = json.load(open(folder + '/node.json', encoding='utf-8'))
answers = []
for case, answer in zip(cases, ran):
    stem = folder + '/' + case['stem']
    codec = runpy.run_path(stem + '.decode.py')['Decoder'](stem + '.decode.json')
    out = []
    for sentences, batch in zip(case['batches'], answer['batches']):
        feeds = codec.encode(sentences)
        outputs = [np.array(batch['outputs'][name]['data'], np.float32).reshape(batch['outputs'][name]['dims']) for name in codec.outputs]
        plain = {k: {'type': str(v.dtype), 'dims': list(v.shape), 'data': v.flatten().tolist()} for k, v in feeds.items()}
        out.append({'tags': codec.decode(outputs, sentences), 'feeds': plain})
    answers.append({'name': case['name'], 'batches': out})
json.dump(answers, sys.stdout)
