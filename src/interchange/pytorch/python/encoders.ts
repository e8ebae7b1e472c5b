/** Python code of the encoders: from tokens to vectors. One piece per kind. */

/** Words, and signatures for words not seen in training. */
export const WORDS = String.raw`

def shape_class(word):
    """0 with a digit, A capitals only, C capitalized, a other letters, . without letters; then - with a hyphen inside."""
    letters = [c for c in word if category(c)[0] == "L"]
    hyphen = "-" if re.search(".-.", word) else ""
    if any(category(c) == "Nd" for c in word):
        return "0" + hyphen
    if not letters:
        return "." + hyphen
    if len(letters) > 1 and all(category(c) == "Lu" for c in letters):
        return "A" + hyphen
    return ("C" if category(word[0]) == "Lu" else "a") + hyphen


def signatures(word):
    """The shape with the last three, two, one letters, then the shape alone."""
    shape, letters = shape_class(word), word.lower()
    return ["%s~%s" % (shape, letters[-n:]) for n in range(min(3, len(letters) - 1), 0, -1)] + [shape]


class Words(nn.Embedding):
    """One vector per word. Row 0 is the unknown word, then come the words, then the signatures."""

    def __init__(self, config, vocabulary):
        super().__init__(config["size"], config["width"])
        self.lower_case = vocabulary["lowerCase"]
        words = ["<unk>"] + vocabulary["words"]
        self.ids = {word: i for i, word in enumerate(words)}
        classes = vocabulary["signatures"]
        self.classes = None if classes is None else {s: len(words) + i for i, s in enumerate(classes)}

    def read(self, token):
        fold = (lambda text: normal_form(text.lower())) if self.lower_case else normal_form
        own = self.ids.get(fold(token))
        if self.classes is None:
            return own or 0
        if own is None:
            own = self.ids.get(fold(token.lower()))
        if own is not None or token == "<unk>":
            return own or 0
        return next((self.classes[s] for s in signatures(normal_form(token)) if s in self.classes), 0)

    def forward(self, rows):
        return super().forward(pad(rows).to(self.weight.device))
`;

/** Prefixes, suffixes, shape and lower case, hashed. */
export const AFFIXES = String.raw`

def word_shape(token):
    """X capital, x other letter, d number, the rest as it is, at most four alike in a row; marks count for nothing."""
    out, last, run = "", "", 0
    for c in spelling(token):
        kind = category(c)
        form = "X" if kind in ("Lu", "Lt") else {"L": "x", "N": "d", "M": ""}.get(kind[0], c)
        if form == "":
            continue
        run = run + 1 if form == last else 1
        last = form
        if run <= 4:
            out += form
    return out


def hashed(text, state):
    """FNV-1a over UTF-16 code units."""
    units = text.encode("utf-16-le", "surrogatepass")
    for (unit,) in struct.iter_unpack("<H", units):
        state = ((state ^ unit) * 0x01000193) & 0xFFFFFFFF
    return state


def mixed(h):
    """The finalizer of MurmurHash3."""
    h ^= h >> 16
    h = (h * 0x85EBCA6B) & 0xFFFFFFFF
    h ^= h >> 13
    h = (h * 0xC2B2AE35) & 0xFFFFFFFF
    return h ^ (h >> 16)


class Affixes(nn.Embedding):
    """The sum of the rows of prefixes, suffixes, the shape and the lower-case form of a word, hashed or exact."""

    def __init__(self, config, reader):
        super().__init__(config["rows"], config["width"])
        self.prefixes, self.suffixes = config["prefixes"], config["suffixes"]
        names = ["prefix %d" % (n + 1) for n in range(self.prefixes)]
        names += ["suffix %d" % (n + 1) for n in range(self.suffixes)] + ["shape", "lower case"]
        self.starts = [hashed(name + "\0", 0x811C9DC5) for name in names]
        self.rows = None
        if "known" in reader:
            known, rows, k = reader["known"], config["rows"], len(names)
            self.exact = config.get("exact", False)
            self.rows = {h: k + i if self.exact else h % rows for i, h in enumerate(known)}

    def read(self, token):
        lower = spelling(token).lower()
        parts = [lower[: n + 1] for n in range(self.prefixes)]
        parts += [lower[-(n + 1) :] for n in range(self.suffixes)]
        parts += [word_shape(token), lower]
        return [self.row(part, j) for j, part in enumerate(parts)]

    def row(self, part, j):
        h = mixed(hashed(part, self.starts[j]))
        if self.rows is None:
            return h % self.num_embeddings
        if h in self.rows:
            return self.rows[h]
        return j if self.exact else mixed(hashed("\0", self.starts[j])) % self.num_embeddings

    def forward(self, rows):
        return super().forward(pad(rows).to(self.weight.device)).sum(-2)
`;

/** Code that both character encoders share. */
const SPELLED = String.raw`

class Characters(nn.Module):
    """The vector of a word is made of its characters. Every distinct word of a batch is spelled once."""

    def __init__(self, config, vocabulary):
        super().__init__()
        self.ids = {c: i + 1 for i, c in enumerate(vocabulary["characters"])}
        self.embedding = nn.Embedding(config["size"], config["embedding"])
        self.build(config)

    def read(self, token):
        return tuple(self.ids.get(c, 0) for c in spelling(token)) or (0,)

    def forward(self, rows):
        words = list(OrderedDict.fromkeys(word for row in rows for word in row))
        place = {word: i for i, word in enumerate(words)}
        lengths = torch.tensor([len(word) for word in words])
        vectors = self.spell(self.embedding(pad(words).to(self.embedding.weight.device)), lengths)
        return F.embedding(pad([[place[word] for word in row] for row in rows]).to(vectors.device), vectors)
`;

/** Characters through a bidirectional LSTM. */
export const CHARACTERS_LSTM = String.raw`${SPELLED}
    def build(self, config):
        self.lstm = nn.LSTM(config["embedding"], config["width"] // 2, bidirectional=True, batch_first=True)

    def spell(self, x, lengths):
        packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        _, (h, _) = self.lstm(packed)
        return torch.cat([h[0], h[1]], dim=-1)
`;

/** Characters through a convolution and a maximum over the word. */
export const CHARACTERS_CNN = String.raw`${SPELLED}
    def build(self, config):
        self.window = config["window"]
        self.convolution = nn.Conv1d(config["embedding"], config["width"], self.window)

    def spell(self, x, lengths):
        inside = torch.arange(x.shape[1])[None, :] < lengths[:, None]
        inside = inside.to(x.device)
        left = (self.window - 1) // 2
        x = (x * inside[:, :, None]).transpose(1, 2)
        z = self.convolution(F.pad(x, (left, self.window - 1 - left)))
        return torch.tanh(z.masked_fill(~inside[:, None, :], float("-inf")).max(dim=-1).values)
`;

/** Pretrained vectors, followed by a linear map. */
export const VECTORS = String.raw`

class Vectors(nn.Module):
    """Pretrained vectors of words, scaled, through a linear map. Row 0 is that of words without a vector."""

    def __init__(self, config, vocabulary):
        super().__init__()
        self.scale, self.digits = config["scale"], vocabulary["digits"]
        self.rows = {word: i + 1 for i, word in enumerate(vocabulary["words"])}
        self.rows.pop("<unk>", None)
        self.table = nn.Embedding(config["size"], config["dimensions"])
        self.table.weight.requires_grad = config["mode"] == "tuned"
        self.map = nn.Linear(config["dimensions"], config["width"])

    @staticmethod
    def key(word):
        ascii_only = all("!" <= c <= "~" for c in word)
        return word if ascii_only else normal_form(word).replace(" ", "_")

    def read(self, token):
        spellings = [self.key(token), self.key(token.lower())]
        if self.digits != "keep":
            spellings += ["".join(self.digits if category(c) == "Nd" else c for c in word) for word in spellings]
        return next((self.rows[word] for word in spellings if word in self.rows), 0)

    def forward(self, rows):
        return self.map(self.table(pad(rows).to(self.map.weight.device)) * self.scale)
`;
