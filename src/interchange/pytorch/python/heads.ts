/** Python code of the heads: from vectors to labels, and their losses. One piece per kind. */

/** The best-path search, for heads that choose labels jointly. */
const BEST_PATH = String.raw`

FORBIDDEN = -1e30


def best_path(scores, start, transitions, end):
    """The labels of the best path through scores [T, K]: Viterbi. Equal scores: the first label."""
    best, back = start + scores[0], []
    for row in scores[1:]:
        value, where = (best[:, None] + transitions).max(dim=0)
        back.append(where)
        best = value + row
    path = [int((best + end).argmax())]
    for where in reversed(back):
        path.append(int(where[path[-1]]))
    return path[::-1]
`;

/** The output of a word head that learned a different label scheme from that of the data. */
const CONVERTED = String.raw`
    def named(self, ids):
        """Labels in the scheme of the data: that of a label depends on its neighbors."""
        if self.scheme is None:
            return [self.labels[i] for i in ids]
        before = [len(self.labels)] + ids[:-1]
        behind = ids[1:] + [len(self.labels)]
        kinds = [(self.scheme[i], p, n) for i, p, n in zip(ids, before, behind)]
        return [own["given"][own["before"][p]][own["behind"][n]] for own, p, n in kinds]
`;

/** A label per word: each the most probable one, or the best path along permitted transitions. */
export const SOFTMAX = String.raw`${BEST_PATH}

class SoftmaxHead(nn.Module):
    """A label per word: a linear layer and a softmax; with permitted transitions the best permitted path."""

    unit = "token"

    def __init__(self, width, config, facts, _):
        super().__init__()
        self.labels, self.scheme = facts["labels"], facts.get("scheme")
        self.linear = nn.Linear(width, len(self.labels))
        self.permitted = None
        if "permitted" in facts:
            names = ("start", "transitions", "end")
            bits = [torch.tensor(facts["permitted"][name]) for name in names]
            self.permitted = [(1.0 - each.float()) * FORBIDDEN for each in bits]
${CONVERTED}
    def decode(self, y, lengths):
        logits = self.linear(y).cpu()
        if self.permitted is None:
            best = logits.argmax(dim=-1).tolist()
            return [self.named(row[:n]) for row, n in zip(best, lengths)]
        return [self.named(best_path(rows[:n], *self.permitted)) for rows, n in zip(logits, lengths)]

    def loss(self, y, lengths, gold):
        """The sum of the losses, and how many they are. A gold label of -1 counts for nothing."""
        targets = pad(gold, -1).to(y.device)
        logits = self.linear(y)
        total = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=-1, reduction="sum")
        return total, int((targets >= 0).sum())
`;

/** A label per word, from the best path of a CRF. */
export const CRF = String.raw`${BEST_PATH}

class CrfHead(nn.Module):
    """A label per word, all together: a linear-chain conditional random field."""

    unit = "token"

    def __init__(self, width, config, facts, _):
        super().__init__()
        self.labels, self.scheme = facts["labels"], facts.get("scheme")
        K = len(self.labels)
        self.linear = nn.Linear(width, K)
        self.transitions = nn.Parameter(torch.zeros(K, K))
        self.start, self.end = nn.Parameter(torch.zeros(K)), nn.Parameter(torch.zeros(K))
        for name, size in (("start", (K,)), ("transitions", (K, K)), ("end", (K,))):
            bits = facts.get("permitted", {}).get(name)
            allowed = torch.ones(size) if bits is None else torch.tensor(bits).float()
            self.register_buffer("no_" + name, (1.0 - allowed) * FORBIDDEN, persistent=False)
${CONVERTED}
    def scores(self):
        return self.start + self.no_start, self.transitions + self.no_transitions, self.end + self.no_end

    def decode(self, y, lengths):
        emissions, chain = self.linear(y).cpu(), [each.cpu() for each in self.scores()]
        return [self.named(best_path(rows[:n], *chain)) for rows, n in zip(emissions, lengths)]

    def partition(self, emissions, lengths):
        """The log of the sum over all paths, of every sentence."""
        start, transitions, end = self.scores()
        alpha = start + emissions[:, 0]
        for t in range(1, emissions.shape[1]):
            next_alpha = torch.logsumexp(alpha[:, :, None] + transitions, dim=1) + emissions[:, t]
            alpha = torch.where((t < lengths)[:, None], next_alpha, alpha)
        return torch.logsumexp(alpha + end, dim=1)

    def loss(self, y, lengths, gold):
        """The sum of -log p(gold), and how many gold labels there are. One of -1 may be any label."""
        emissions = self.linear(y)
        lengths = torch.tensor(lengths, device=y.device)
        targets = pad(gold, -1).to(y.device)
        known = targets >= 0
        others = F.one_hot(targets.clamp(min=0), len(self.labels)) == 0
        agreeing = emissions.masked_fill(known[:, :, None] & others, FORBIDDEN)
        total = self.partition(emissions, lengths) - self.partition(agreeing, lengths)
        return total.sum(), int(known.sum())
`;

/** A label per sentence. */
export const SENTENCE = String.raw`

class SentenceHead(nn.Module):
    """A label per sentence, from its pooled words."""

    unit = "sentence"

    def __init__(self, width, config, facts, bidirectional):
        super().__init__()
        self.labels, self.pooling, self.bidirectional = facts["labels"], config["pooling"], bidirectional
        self.linear = nn.Linear(width, len(self.labels))
        if self.pooling == "attention":
            size = facts["attention"]
            self.attention = nn.Linear(width, size)
            self.query = nn.Parameter(torch.zeros(size))

    def pool(self, y, lengths):
        lengths = torch.tensor(lengths, device=y.device)
        inside = (torch.arange(y.shape[1], device=y.device)[None, :] < lengths[:, None])[:, :, None]
        if self.pooling == "mean":
            return (y * inside).sum(1) / lengths[:, None]
        if self.pooling == "max":
            return y.masked_fill(~inside, float("-inf")).max(dim=1).values
        if self.pooling == "attention":
            score = torch.tanh(self.attention(y)) @ self.query
            weights = score[:, :, None].masked_fill(~inside, float("-inf")).softmax(dim=1)
            return (weights * y.masked_fill(~inside, 0.0)).sum(1)
        last = y[torch.arange(len(lengths), device=y.device), lengths - 1]
        if not self.bidirectional:
            return last
        half = y.shape[-1] // 2  # the reverse direction ends at the first word
        return torch.cat([last[:, :half], y[:, 0, half:]], dim=-1)

    def decode(self, y, lengths):
        best = self.linear(self.pool(y, lengths)).argmax(dim=-1).tolist()
        return [[self.labels[i]] for i in best]

    def loss(self, y, lengths, gold):
        """The sum of the losses, and how many they are. A gold label of -1 counts for nothing."""
        targets = torch.tensor([row[0] for row in gold], device=y.device)
        logits = self.linear(self.pool(y, lengths))
        return F.cross_entropy(logits, targets, ignore_index=-1, reduction="sum"), int((targets >= 0).sum())
`;

/** The piece that two word heads share; it is left out the second time. */
export const SHARED = BEST_PATH;
