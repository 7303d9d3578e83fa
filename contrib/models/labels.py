"""The tags for ImageNet's 1000 classes and COCO's 80 objects. Usage: labels.py TIMM_INFO WORDNET > labels.tsv

timm's package has the order of the classes as WordNet synsets and their names, WordNet the hypernyms, and words.tsv
says which hypernyms are worth a tag and which names people don't use.
"""

import pathlib
import sys

WORDS = pathlib.Path(__file__).with_name("words.tsv")
COLUMNS = ["model", "index", "tag", "parents"]


def read_words():
    """words.tsv as {kind: {key: (word, [more])}}."""
    words = {"parent": {}, "class": {}, "object": {}}
    for line in WORDS.read_text().splitlines():
        if line.startswith("#"):
            continue
        kind, key, word, *more = line.split("\t")
        words[kind][key] = word, more[0].split(",") if more else []
    return words


def read_hypernyms(wordnet):
    """The synsets directly above each noun synset: see wndb(5)."""
    hypernyms = {}
    for line in (wordnet / "data.noun").read_text(encoding="latin-1").splitlines():
        if line.startswith(" "):
            continue
        fields = line.split("|")[0].split()
        pointers = fields[4 + 2 * int(fields[3], 16) :]
        triples = zip(pointers[1::4], pointers[2::4])
        hypernyms["n" + fields[0]] = ["n" + synset for symbol, synset in triples if symbol in ("@", "@i")]
    return hypernyms


def ancestors(synset, hypernyms):
    """Everything above a synset, the nearest first."""
    above = [synset]
    for lower in above:
        above += [upper for upper in hypernyms[lower] if upper not in above]
    return above[1:]


def tags(name, word, more, above):
    """A class's own word (None when it has none worth saying) and its parents."""
    own = {"": name, "-": None}.get(word, word)
    dropped = {parent[1:] for parent in more if parent.startswith("-")}
    candidates = [parent for parent in more if not parent.startswith("-")] + above
    unique = dict.fromkeys(parent for parent in candidates if parent != own and parent not in dropped)
    return own, list(unique)


def class_rows(timm, wordnet, words):
    hypernyms = read_hypernyms(wordnet)
    lines = (timm / "imagenet_synset_to_lemma.txt").read_text().splitlines()
    lemmas = dict(line.split("\t") for line in lines)
    for index, synset in enumerate((timm / "imagenet_synsets.txt").read_text().split()):
        name = lemmas[synset].split(",")[0].lower()
        word, more = words["class"].get(str(index), ("", []))
        above = [words["parent"][up][0] for up in ancestors(synset, hypernyms) if up in words["parent"]]
        own, parents = tags(name, word, more, above)
        if own is None:
            own, *parents = parents
        yield "class", index, own, parents


def object_rows(words):
    for index, (word, parents) in words["object"].items():
        yield "object", index, word, parents


def completed(rows):
    """The same rows; a parent that is itself a tag somewhere brings its own parents."""
    above = {}
    for _, _, tag, parents in rows:
        above.setdefault(tag, {}).update(dict.fromkeys(parents))
    for model, index, tag, parents in rows:
        reached = list(above[tag])
        for word in reached:
            reached += [upper for upper in above.get(word, []) if upper not in reached]
        depth = {word: sum(word in above.get(other, ()) for other in reached) for word in reached}
        yield model, index, tag, ",".join(sorted(reached, key=depth.get))


def main(timm, wordnet):
    words = read_words()
    print(*COLUMNS, sep="\t")
    for row in completed([*class_rows(timm, wordnet, words), *object_rows(words)]):
        print(*row, sep="\t")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
