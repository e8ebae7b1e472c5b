"""Taggers of PyTorch as torch.onnx.export writes them: onnx-torch.py FOLDER. Prints, as JSON, ids and the scores that PyTorch gives."""
import json, sys, warnings
import torch

warnings.simplefilter('ignore')
folder = sys.argv[1]


class Tagger(torch.nn.Module):
    def __init__(self, cell, layers, both, dense, batch_first, seed):
        super().__init__()
        torch.manual_seed(seed)
        self.table = torch.nn.Embedding(7, 4)
        self.rnn = cell(4, 3, layers, bidirectional=both, batch_first=batch_first)
        width = 6 if both else 3
        self.dense = torch.nn.Linear(width, 5) if dense else None
        self.out = torch.nn.Linear(5 if dense else width, 3)

    def forward(self, ids):
        y, _ = self.rnn(self.table(ids))
        if self.dense is not None: y = torch.tanh(self.dense(y))
        return torch.log_softmax(self.out(y), -1)


KINDS = {
    'lstm, both directions, two layers': (torch.nn.LSTM, 2, True, False, True),
    'lstm, one direction, dense': (torch.nn.LSTM, 1, False, True, True),
    'gru, time first': (torch.nn.GRU, 2, True, False, False),
    'rnn': (torch.nn.RNN, 1, True, True, True),
}
ids = torch.tensor([[1, 2, 3, 4, 5, 6, 0, 1], [6, 5, 4, 3, 2, 1, 0, 0]])
out = []
for i, (name, kind) in enumerate(KINDS.items()):
    for dynamic in (True, False):
        model = Tagger(*kind, seed=i).eval()
        given = ids if kind[4] else ids.T.contiguous()
        path = '%s/torch%d%d.onnx' % (folder, i, dynamic)
        axes = {'ids': {0: 'first', 1: 'second'}} if dynamic else None
        torch.onnx.export(model, (given,), path, input_names=['ids'], output_names=['scores'], dynamic_axes=axes, opset_version=14)
        with torch.no_grad(): scores = model(given)
        if not kind[4]: scores = scores.transpose(0, 1)
        out.append({'name': '%s%s' % (name, '' if dynamic else ', fixed sizes'), 'file': path, 'ids': ids.tolist(), 'scores': scores.tolist()})
json.dump(out, sys.stdout)
