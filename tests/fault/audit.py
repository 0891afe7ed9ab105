"""Compares what people were told with what the database holds."""

from collections import defaultdict

from texts import code_of


class Audit:
    """lost, double and wrong: lines that each name one finding; unsure: last answers that were
    counted although their sender was only told "unavailable" and then wrote again."""

    def __init__(self, crowd, records):
        self.lost, self.double, self.wrong = [], [], list(crowd.wrong)
        self.told = self.unsure = 0
        rows = {code: (phone, count) for code, phone, count in records}
        finals = defaultdict(list)
        for final in crowd.finals:
            finals[final.identity].append(final)
        self.expected_rows = set()
        for identity, sent in finals.items():
            self._audit_identity(identity, sent, rows)
        for code in rows.keys() - self.expected_rows:
            self.double.append(f"{code} is in the database and nobody was told it")

    def _audit_identity(self, identity, sent, rows):
        told = [final for final in sent if final.code is not None]
        self.told += len(told)
        codes = {final.code for final in told} or {code_of(identity)}
        code = min(codes)
        self.expected_rows.add(code)
        if len(codes) > 1:
            self.wrong.append(f"the same answers got {sorted(codes)}")
        if not code.startswith(code_of(identity)):
            self.wrong.append(f"{code} was told, right is {code_of(identity)}")
        if code not in rows:
            if told:
                self.lost.append(f"{code} was told to {told[0].number} and is not in the database")
            return
        phone, count = rows[code]
        if count < len(told):
            self.lost.append(f"{code}: told {len(told)} times, counted {count}")
        if count > len(sent):
            self.double.append(f"{code}: {len(sent)} messages, counted {count}")
        self.unsure += max(0, count - len(told))
        if phone not in {final.number for final in sent}:
            self.wrong.append(f"{code} belongs to {phone}, which never asked for it")
        numbers = [final.number for final in sent]
        for final in told:
            if final.kind == "existing_code" and numbers.count(final.number) < 2:
                self.wrong.append(f"{final.number} learned that {code} exists, and never asked before")

    @property
    def good(self):
        return not (self.lost or self.double or self.wrong)

    def lines(self):
        for kind in ("lost", "double", "wrong"):
            for line in getattr(self, kind)[:20]:
                yield f"{kind}: {line}"
