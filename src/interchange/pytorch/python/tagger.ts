/** Python code of the module that holds the parts: body, output, and its command line. */

/** @param cell arguments of the recurrent module after its sizes */
export const TAGGER = String.raw`

def one_bias(module):
    """
    Lets a recurrent module learn one bias per gate, as the model was trained with: of two that are added up, both would move at every
    step. The second one of a GRU's n stays, for it stands inside the product with the reset gate.
    """
    for name, bias in module.named_parameters():
        if "bias_hh" not in name:
            continue
        if isinstance(module, nn.GRU):
            mask = torch.zeros_like(bias)
            mask[2 * len(bias) // 3 :] = 1.0
            bias.register_hook(lambda grad, mask=mask: grad * mask.to(grad.device))
        else:
            bias.requires_grad = False


class Tagger(nn.Module):
    """Encoders, recurrent layers, heads."""

    def __init__(self, config, vocabulary, heads):
        super().__init__()
        body = config["body"]
        encoders = config["encoders"]
        self.encoders = nn.ModuleDict({e["kind"]: ENCODERS[e["kind"]](e, vocabulary[e["kind"]]) for e in encoders})
        self.dropout = nn.Dropout(body["dropout"])
        self.residual = body.get("residual", False)
        ways = 2 if body["bidirectional"] else 1
        widths = [sum(e["width"] for e in encoders)] + [ways * size for size in body["hidden"]]
        self.rnn = self.layers(widths, body)
        for module in [m for m in self.modules() if isinstance(m, nn.RNNBase)]:
            one_bias(module)
        width = widths[-1]
        self.dense = nn.Linear(width, body["dense"]) if "dense" in body else None
        width = body.get("dense", width)
        kinds = [HEADS[h["kind"]](width, h, facts, body["bidirectional"]) for h, facts in zip(config["heads"], heads)]
        self.names, self.heads = [h["name"] for h in config["heads"]], nn.ModuleList(kinds)
        self.known = {}

    def layers(self, widths, body):
        """@LAYERS_DOC@"""
@LAYERS@

    def read(self, token):
        """What every encoder reads of a token; kept for the next time."""
        if token not in self.known:
            self.known[token] = [encoder.read(token) for encoder in self.encoders.values()]
        return self.known[token]

    def forward(self, sentences):
        """Lists of tokens to vectors [B, T, H], those behind the end of a sentence without a meaning."""
        read = [[self.read(token) for token in tokens] for tokens in sentences]
        encoders = self.encoders.values()
        columns = [encoder([[token[e] for token in row] for row in read]) for e, encoder in enumerate(encoders)]
        x = self.dropout(torch.cat(columns, dim=-1))
        lengths = torch.tensor([len(tokens) for tokens in sentences])
        y = self.run(x, lengths)
        y = self.dropout(y)
        return y if self.dense is None else torch.tanh(self.dense(y))

    def run(self, x, lengths):
@RUN@

    @staticmethod
    def recur(module, x, lengths):
        packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        return pad_packed_sequence(module(packed)[0], batch_first=True)[0]

    @torch.no_grad()
    def tag(self, sentences, batch=64):
        """The labels of lists of tokens; by the name of the head where there are several."""
        self.train(False)
        labels = [{name: [] for name in self.names} for _ in sentences]
        order = sorted((i for i in range(len(sentences)) if len(sentences[i])), key=lambda i: len(sentences[i]))
        for begin in range(0, len(order), batch):
            places = order[begin : begin + batch]
            own = [sentences[i] for i in places]
            y, lengths = self(own), [len(tokens) for tokens in own]
            for name, head in zip(self.names, self.heads):
                for i, found in zip(places, head.decode(y, lengths)):
                    labels[i][name] = found
        return labels if len(self.names) > 1 else [each[self.names[0]] for each in labels]


def load(weights=None, folder=FOLDER):
    """The tagger of this folder, with its weights or those of another file, .safetensors or .pt."""
    config = read_json("config.json", folder)
    tagger = Tagger(config["config"], read_json("vocabulary.json", folder), read_json("labels.json", folder))
    path = weights or os.path.join(folder, config["weights"])
    state = torch.load(path, map_location="cpu", weights_only=True) if path.endswith(".pt") else read_weights(path)
    tagger.load_state_dict(state)
    return tagger.train(False)


def main():
    """Reads a sentence a line, words separated by spaces, or a JSON list of words with --json; writes labels likewise."""
    as_json = "--json" in sys.argv[1:]
    others = [a for a in sys.argv[1:] if a != "--json"]
    if len(others) > 1 or any(a.startswith("-") for a in others):
        sys.exit("usage: python3 model.py [--json] [WEIGHTS] < sentences")
    tagger = load(*others)
    lines = [line.rstrip("\n") for line in sys.stdin]
    sentences = [json.loads(line) if as_json else line.split() for line in lines]
    for labels in tagger.tag(sentences):
        print(json.dumps(labels, ensure_ascii=False) if as_json or isinstance(labels, dict) else " ".join(labels))


if __name__ == "__main__":
    main()
`;

/** All layers as one module. */
export const ONE_MODULE = {
  doc: 'All recurrent layers, with dropout between them.',
  layers: `        depth, p = len(body["hidden"]), body["dropout"]
        between = p if depth > 1 else 0.0
        return nn.@MODULE@(widths[0], @HIDDEN@, depth, bidirectional=body["bidirectional"], dropout=between, batch_first=True@EXTRA@)`,
  run: '        return self.recur(self.rnn, x, lengths)',
} as const;

/** A module per layer. */
export const MODULE_PER_LAYER = {
  doc: 'A module per recurrent layer.',
  layers: `        sizes = zip(widths, body["hidden"])
        return nn.ModuleList(nn.@MODULE@(width, @HIDDEN@, bidirectional=body["bidirectional"], batch_first=True@EXTRA@) for width, size in sizes)`,
  run: `        for place, module in enumerate(self.rnn):
            x = self.dropout(x) if place else x
            y = self.recur(module, x, lengths)
            x = x + y if self.residual and place else y
        return x`,
} as const;
