"""The answers of a run beside the frozen ones."""

from collections.abc import Sequence
from datetime import datetime

import numpy as np

from detectors.golden import Compared, compare_answers, embedding_distances, string_distances
from monitor.golden.facts import Facts, written
from monitor.golden.prompts import Prompt
from monitor.house import House
from monitor.store import golden
from monitor.store.texts import StoredCache

SHOWN = 5  # prompts that are named in an alert


def compare(house: House, run_id: int, prompts: Sequence[Prompt], now: datetime) -> Facts:
    """What a run found, as it is kept: whether it is a change, of which size, and where.

    Of a prompt that nothing stands for yet the answers are to be frozen: `first` names those.

    Raises:
        EmbeddingError: the answers could not be embedded.
    """
    with house.database.reading() as session:
        answers = golden.answers(session, run_id)
        frozen = golden.frozen(session, [each.hash for each in prompts])
    new: dict[str, list[str]] = {}
    for (prompt, _), text in sorted(answers.items()):
        new.setdefault(prompt, []).append(text)
    old = {each.hash: frozen.get(each.hash) or list(each.answers) for each in prompts}
    pairs = [(each, old[each.hash], new.get(each.hash, [])) for each in prompts if old[each.hash]]
    texts = [text for _, before, now_said in pairs for text in (*before, *now_said)]
    vectors = house.desk.embedder.embed(texts, StoredCache(house.database, now)).mean if texts else np.empty((0, 1))
    compared, place = [], 0
    for each, before, now_said in pairs:
        said = [*before, *now_said]
        distances = {
            "embedding": embedding_distances(vectors[place : place + len(said)]),
            "string": string_distances(said),
        }
        compared.append(Compared(each.id, distances, len(before)))
        place += len(said)
    found = compare_answers(compared)
    return {
        "first": [each.hash for each in prompts if not old[each.hash]],
        "prompts": len(prompts),
        "answers": len(answers),
        "compared": len(compared),
        "accepted": False,
        "certain": found.is_certain,
        "lead": found.lead,
        "moved": list(found.moved[:SHOWN]),
        "values": written(found),
    }
