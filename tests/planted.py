"""A study full of planted identifiers, and a searcher that shares no code with attendlib's scan.

Every pupil has an identifier shaped like a unique pupil number, a name in a column that intake drops, a household and a
class of an unlikely name. The searcher takes all but letters and digits out of a text, so that neither marks nor spaces
nor hyphens hide what is looked for.
"""

import base64
import html
import json
import random
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pandas as pd
from trust import make_trust

from attendlib.intake.pseudonyms import HOUSEHOLD, PUPIL, pseudonym, read_key

SCHOOLS = ("999001", "999002", "999003", "999004", "999005", "999006")
CLASS_SIZE = 25
WINDOW = 8  # no planted identifier is shorter, once squeezed
_LETTERS = "ABCDEFGHJKLMNPQRTUVWXYZ"


@dataclass(frozen=True)
class Planted:
    """A study file, and everything about its pupils that no output may hold, pseudonyms included."""

    study: Path
    identifiers: frozenset[str]
    pseudonyms: frozenset[str]


def plant(folder: Path, more: int, **settings: Any) -> Planted:
    """The synthetic trust with identifiers of its own in every table, and so many `more` pupils on its rolls.

    `settings` are those of `write_trust`.
    """
    study, draw = make_trust(folder, **settings).study, random.Random(8)
    data = folder / "data"
    pupils = pd.read_csv(data / "pupils.csv", dtype=str, keep_default_na=False)
    old = sorted(set(pupils["pupil"]))
    numbers = draw.sample(range(10**10, 10**11), len(old) + more)
    ids = [f"{draw.choice(_LETTERS)}{number}{draw.choice(_LETTERS)}" for number in numbers]
    people = pd.DataFrame({
        "pupil": ids, "name": _names(len(ids), draw),
        "household": [f"HH-{number}" for number in draw.sample(range(10**8, 10**9), len(ids))],
    })  # fmt: skip
    renamed = dict(zip(old, ids, strict=False))
    _rename(data, renamed)
    pupils["pupil"] = pupils["pupil"].map(renamed)
    pupils = pd.concat([pupils, _on_roll(ids[len(old) :], draw)])
    places = pupils["school"] + pupils["academic_year"] + pupils["class"]
    labels = draw.sample(range(10**5, 10**6), places.nunique())
    pupils["class"] = places.map({place: f"Kestrel {n}" for place, n in zip(places.unique(), labels, strict=True)})
    pupils.merge(people, on="pupil").to_csv(data / "pupils.csv", index=False)
    key = read_key(folder / "pseudonym.key")
    hidden = [pseudonym(each, key, PUPIL) for each in ids]
    hidden += [pseudonym(each, key, HOUSEHOLD) for each in people["household"]]
    known = {*ids, *people["name"], *people["household"], *pupils["class"]}
    return Planted(study, frozenset(known), frozenset(hidden))


def _names(many: int, draw: random.Random) -> list[str]:
    """Different surnames that no dictionary holds: a forename alone is nobody's."""
    syllables = [a + b for a in "bdfgklmnprstvz" for b in "aeiou"]
    found: dict[str, None] = {}
    while len(found) < many:
        found["".join(draw.choices(syllables, k=5)).capitalize() + "x"] = None
    return [f"{draw.choice(['Ada', 'Omar', 'Mei'])} {surname}" for surname in found]


def _rename(data: Path, renamed: dict[str, str]) -> None:
    for name in ("attainment.csv", "interventions.csv"):
        table = pd.read_csv(data / name, dtype=str, keep_default_na=False)
        table["pupil"] = table["pupil"].map(renamed)
        table.to_csv(data / name, index=False)
    marks = pd.read_parquet(data / "marks.parquet")
    marks["pupil"] = marks["pupil"].map(renamed)
    marks.to_parquet(data / "marks.parquet")


def _on_roll(ids: list[str], draw: random.Random) -> pd.DataFrame:
    """Pupils of this year with no attendance: counted among those left out, and looked for like any other."""
    years = {school: range(7, 12) if school in SCHOOLS[4:] else range(1, 7) for school in SCHOOLS}
    schools = [SCHOOLS[place % len(SCHOOLS)] for place in range(len(ids))]
    return pd.DataFrame({
        "pupil": ids, "school": schools, "academic_year": "2024/25",
        "year_group": [str(draw.choice(years[school])) for school in schools],
        "sex": [draw.choice("FM") for _ in ids], "fsm6": [draw.choice("01") for _ in ids],
        "sen": [draw.choice("NKE") for _ in ids], "eal": [draw.choice("01") for _ in ids],
        "class": [str(place // CLASS_SIZE) for place in range(len(ids))],
    })  # fmt: skip


def squeezed(text: str) -> str:
    """Letters and digits alone, without regard to case."""
    return re.sub(r"[\W_]+", "", text).casefold()


def found_in(folder: Path, wanted: Iterable[str]) -> list[tuple[str, str]]:
    """Each file under `folder` with each thing wanted that stands in it, whatever way it is written there."""
    by_start: dict[str, list[str]] = {}
    for each in {squeezed(one) for one in wanted}:
        assert len(each) >= WINDOW, f"too short to be told from chance: {each}"
        by_start.setdefault(each[:WINDOW], []).append(each)
    found = []
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        for text in readings(path):
            line = squeezed(text)
            starts = {line[at : at + WINDOW] for at in range(len(line))}
            found += [
                (path.name, each) for start in starts & by_start.keys() for each in by_start[start] if each in line
            ]
    return found


def readings(path: Path) -> Iterator[str]:
    """A file as text in every way it may be read."""
    data = path.read_bytes()
    yield path.name
    yield data.decode("utf-8", errors="replace")
    if path.suffix == ".pdf":
        if shutil.which("pdftotext"):
            yield subprocess.run(["pdftotext", path, "-"], capture_output=True, check=True).stdout.decode()
        return
    texts = [data.decode("utf-8", errors="replace")]
    if path.suffix in (".json", ".ipynb"):
        texts = list(_strings(json.loads(data)))
    for text in texts:
        yield html.unescape(text)
        yield html.unescape(unquote(text))
        yield html.unescape(re.sub(r"<[^>]*>", "", text))
        for packed in re.findall(r";base64,([A-Za-z0-9+/=]+)", text):
            yield base64.b64decode(packed).decode("utf-8", errors="replace")


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from value
        value = value.values()
    if isinstance(value, str | int | float):
        yield str(value)
    else:
        for inner in value or ():
            yield from _strings(inner)
