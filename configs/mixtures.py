"""Tanuki's corpora, 38 synthetic sets with published sizes, the web, books and code, and their mixtures by stage.

Files are expected below the working directory, in data/sources/NAME. Sizes of single web sources were never published,
only two sums: 89.94 billion Japanese tokens of 195.54 in phase 1. Shares within those sums, and all weights without a
published figure, are ours.
"""

from collections.abc import Mapping

from tanuki_jax.config.mixture import Mixture, Source, Stage, by_tokens
from tanuki_jax.config.registry import mixture

CALM, PHI, WIZARD_7B, WIZARD = "Calm3-22B", "Phi-3-medium-128k", "WizardLM-2-7B", "WizardLM-2-8x22B"
MIXTRAL, NEMOTRON, SEVERAL = "Mixtral-8x22B", "Nemotron-4-340B", "several"
COMMONS, CRAWL = "rewritten Creative Commons text", "rewritten Common Crawl text"
INSTRUCTIONS, HALF_FIXED = "instructions", "instructions with half-fixed tasks"
LOGIC, TRANSLATION = "instructions in logic, code and mathematics", "Japanese translation of logic data"

# Name, teacher, kind, language, billion tokens. The language of some is known by their names only. Three sets that are
# named after Mixtral have another teacher in the published table, and so here.
SYNTHETIC_TABLE = (
    ("SyntheticText", PHI, COMMONS, "ja+en", 52),
    ("logical-wizardlm-7b", WIZARD_7B, LOGIC, "en", 29),
    ("CommonCrawl-RAG-QA-Calm3-22b-chat", CALM, CRAWL, "ja", 29),
    ("phase2-calm-generated-texts-commoncrawl", CALM, CRAWL, "ja", 25),
    ("SyntheticTextCC", PHI, COMMONS, "ja+en", 22),
    ("SyntheticTextWikiTranslate", PHI, COMMONS, "ja+en", 16),
    ("SyntheticTextCCUncleaned", PHI, COMMONS, "ja+en", 10),
    ("0723-calm3-22b-random-genre-inst-sft-multiturn-clean-tsub", CALM, INSTRUCTIONS, "ja", 7.9),
    ("0719-calm3-22b-random-genre-inst-sft-multiturn-tsub", CALM, INSTRUCTIONS, "ja", 7.5),
    ("0804calm3-logical-multiturn-pretrain", CALM, LOGIC, "ja", 7.1),
    ("logical-wizardlm-7b-ja-0805", CALM, TRANSLATION, "ja", 5.6),
    ("logical-wizardlm-7b-ja", CALM, TRANSLATION, "ja", 4.2),
    ("0717-calm3-22b-random-genre-inst-sft-tsub", CALM, INSTRUCTIONS, "ja", 2.8),
    ("logical-wizardlm-7b-ja-0730", CALM, TRANSLATION, "ja", 2.8),
    ("0722-calm3-22b-random-genre-inst-sft-multiturn-tsub", CALM, INSTRUCTIONS, "ja", 2.4),
    ("SyntheticTextOpenMathInstruct", PHI, "rewritten OpenMathInstruct", "ja+en", 2.0),
    ("logical-wizardlm-7b-ja-0731", CALM, TRANSLATION, "ja", 1.5),
    ("0804ramdom-to-fixed-multiturn-Calm3-pretrain-tsub", CALM, INSTRUCTIONS, "ja", 0.91),
    ("logicaltext-wizardlm8x22b-Ja", WIZARD, LOGIC, "ja", 0.69),
    ("CreativeCommons-RAG-QA-Mixtral8x22b", MIXTRAL, COMMONS, "ja", 0.56),
    ("wizardlm8x22b-logical-math-coding-sft", WIZARD, LOGIC, "en", 0.51),
    ("Synthetic-JP-EN-Coding-Dataset-453k", SEVERAL, "code", "ja+en", 0.42),
    ("wizardlm8x22b-logical-math-coding-sft_additional", WIZARD, LOGIC, "en", 0.39),
    ("logicaltext-wizardlm8x22b", WIZARD, "text on logic, code and mathematics", "en", 0.32),
    ("OrcaJaMixtral8x22b", MIXTRAL, "rewritten Orca", "ja", 0.27),
    ("wizardlm8x22b-logical-math-coding-sft-ja", WIZARD, LOGIC, "ja", 0.19),
    ("multiturn-Calm3-manual", CALM, HALF_FIXED, "ja", 0.19),
    ("LogicalDatasetsByMixtral8x22b", WIZARD, LOGIC, "en", 0.064),
    ("wizardlm8x22b-logical-math-coding-sft_additional-ja", WIZARD, LOGIC, "ja", 0.060),
    ("OpenMathInstruct-ja-phi3", PHI, "rewritten OpenMathInstruct", "ja", 0.055),
    ("AutoMultiTurnByCalm3-22B", CALM, INSTRUCTIONS, "ja", 0.050),
    ("AutoMultiTurnByMixtral8x22b", WIZARD, INSTRUCTIONS, "ja", 0.049),
    ("AutoWikiQA", MIXTRAL, "instructions from Creative Commons text", "ja", 0.031),
    ("ramdom-to-fixed-multiturn-Calm3", CALM, HALF_FIXED, "ja", 0.026),
    ("logicaltext-wizardlm8x22b-api", WIZARD, LOGIC, "en", 0.019),
    ("0717-calm3-22b-random-genre-inst-sft-tsub-part", CALM, INSTRUCTIONS, "ja", 0.007),
    ("ChatbotArenaJaMixtral8x22b", WIZARD, "new answers to prompts of ChatbotArena", "ja", 0.005),
    ("databricks-dolly-15k-ja-regen-nemotron", NEMOTRON, "new answers to prompts of dolly-ja", "ja", 0.002),
)

# Name, kind, language. Sizes are not published.
COLLECTED_TABLE = (
    ("mc4-ja", "web", "ja"),
    ("cc100-ja", "web", "ja"),
    ("oscar-ja", "web", "ja"),
    ("japanese2010", "web", "ja"),
    ("commoncrawl-ja", "web: one WARC and five WET snapshots from 2020 to 2024", "ja"),
    ("commoncrawl-pdf-ja", "PDF files found by Common Crawl", "ja"),
    ("shisa", "web", "ja"),
    ("llm-jp-corpus-ja", "web", "ja"),
    ("wikipedia-ja", "encyclopedia", "ja"),
    ("nhk", "news", "ja"),
    ("aozora", "books", "ja"),
    ("webnovels-ja", "novels", "ja"),
    ("fineweb", "web, 2013 to 2020", "en"),
    ("pes2o", "research papers", "en"),
    ("pmc", "research papers in medicine", "en"),
    ("stackexchange", "questions and answers", "en"),
    ("open-web-math", "mathematics on the web", "en"),
    ("cosmopedia", "textbooks and stories, synthetic", "en"),
    ("flan", "tasks as instructions", "en"),
    ("wikipedia-en", "encyclopedia", "en"),
    ("wikibooks-en", "textbooks", "en"),
    ("gutenberg", "books", "en"),
    ("ft-instruction-synthesizer-collection", "texts with instructions", "en"),
    ("openmathinstruct", "mathematics instructions", "en"),
    ("cot-collection", "instructions with reasoning", "en"),
    ("basic-math", "mathematics instructions", "en"),
    ("atlas-math", "mathematics instructions", "en"),
    ("mathglm", "arithmetic", "en"),
    ("stackmathqa", "mathematics questions and answers", "en"),
    ("rule-arithmetic", "rule-written arithmetic", "ja"),
    ("random-sugaku", "rule-written mathematics and probability", "ja"),
    ("llm-japanese-dataset", "instructions", "ja"),
    ("synth-topic-reasoning-calm3", "instructions in logic, synthetic", "ja"),
    ("proof-pile-python", "Python", "code"),
    ("starcoder", "repositories", "code"),
    ("github-small", "repositories", "code"),
)

# Shares of a language within a stage.
CRAWLS_JA = ("mc4-ja", "cc100-ja", "oscar-ja", "japanese2010", "commoncrawl-ja")
PHASE1_JA = dict.fromkeys(CRAWLS_JA, 0.17) | {
    "commoncrawl-pdf-ja": 0.05,
    "wikipedia-ja": 0.05,
    "shisa": 0.03,
    "nhk": 0.01,
    "aozora": 0.01,
}
PHASE1_EN_WITHOUT_PMC = {
    "pes2o": 0.2,
    "stackexchange": 0.15,
    "cosmopedia": 0.15,
    "open-web-math": 0.12,
    "flan": 0.08,
    "proof-pile-python": 0.05,
    "wikipedia-en": 0.04,
    "wikibooks-en": 0.01,
}
PHASE1_EN = PHASE1_EN_WITHOUT_PMC | {"pmc": 0.2}
PHASE2_JA = dict.fromkeys(CRAWLS_JA, 0.07) | {"llm-jp-corpus-ja": 0.55, "wikipedia-ja": 0.05, "webnovels-ja": 0.05}
PHASE2_EN = {
    "fineweb": 0.85,
    "wikipedia-en": 0.04,
    "ft-instruction-synthesizer-collection": 0.04,
    "gutenberg": 0.03,
    "openmathinstruct": 0.02,
    "stackexchange": 0.02,
}
PHASE2_CODE = {"starcoder": 0.9, "github-small": 0.1}


def _files(name: str) -> tuple[str, ...]:
    return (f"data/sources/{name}/*.jsonl.zst",)


SYNTHETIC = tuple(
    Source(name=name, paths=_files(name), teacher=teacher, kind=kind, language=language, billion_tokens=tokens)
    for name, teacher, kind, language, tokens in SYNTHETIC_TABLE
)
COLLECTED = tuple(
    Source(name=name, paths=_files(name), kind=kind, language=language) for name, kind, language in COLLECTED_TABLE
)


@mixture("tanuki_synthetic")
def tanuki_synthetic() -> Mixture:
    """Read the 38 synthetic sets, 231.6 billion tokens, in proportion to their sizes."""
    return Mixture(sources=SYNTHETIC, stages=(Stage(weights=by_tokens(SYNTHETIC)),))


@mixture("tanuki_phase1")
def tanuki_phase1() -> Mixture:
    """Read epoch 1 of phase 1: English, English with medical papers, then Japanese; the rest keeps 5% in each stage.

    Upstream had five Japanese stages, one for each cluster of the corpus; here they are one. Stages begin at data steps
    of 1,536 rows of 2,048 tokens: Japanese after the 105.6 billion English tokens, medical papers halfway to it (not
    recorded).
    """
    weights = (
        _sum_to(0.95, PHASE1_EN_WITHOUT_PMC) | _sum_to(0.05, PHASE1_JA),
        _sum_to(0.95, PHASE1_EN) | _sum_to(0.05, PHASE1_JA),
        _sum_to(0.05, PHASE1_EN) | _sum_to(0.95, PHASE1_JA),
    )
    return _mixture(
        *(Stage(from_step=step, weights=part) for step, part in zip((0, 16_784, 33_568), weights, strict=True))
    )


@mixture("tanuki_phase1_japanese")
def tanuki_phase1_japanese() -> Mixture:
    """Read epoch 2 of phase 1: Japanese only, shuffled."""
    return _mixture(Stage(weights=PHASE1_JA))


@mixture("tanuki_phase2")
def tanuki_phase2() -> Mixture:
    """Read the 1,020 billion tokens of phase 2: the synthetic sets, and collected ones that make 58% of it Japanese.

    Published is a share of Japanese between a half and two thirds.
    """
    collected = _sum_to(440, PHASE2_JA) | _sum_to(300, PHASE2_EN) | _sum_to(48, PHASE2_CODE)
    return _mixture(Stage(weights=by_tokens(SYNTHETIC) | collected))


@mixture("tanuki_phase2_0729")
def tanuki_phase2_0729() -> Mixture:
    """Read the last stage of phase 2: logic, its translation, dialogues, and six sets of unrecorded size, counted as a
    billion tokens each."""
    known = (
        "logical-wizardlm-7b",
        "logical-wizardlm-7b-ja",
        "0723-calm3-22b-random-genre-inst-sft-multiturn-clean-tsub",
    )
    unknown = ("cot-collection", "basic-math", "atlas-math", "mathglm", "stackmathqa", "webnovels-ja")
    return _mixture(
        Stage(weights=by_tokens(tuple(s for s in SYNTHETIC if s.name in known)) | dict.fromkeys(unknown, 1.0))
    )


@mixture("tanuki_8x8b_annealing")
def tanuki_8x8b_annealing() -> Mixture:
    """Read the end of the 8x8B's training, synthetic only: logic, half-fixed tasks, and four sets of unrecorded size,
    counted as a billion tokens each."""
    known = (
        "0804calm3-logical-multiturn-pretrain",
        "0804ramdom-to-fixed-multiturn-Calm3-pretrain-tsub",
        "ramdom-to-fixed-multiturn-Calm3",
        "logical-wizardlm-7b",
        "logical-wizardlm-7b-ja-0805",
    )
    unknown = ("rule-arithmetic", "random-sugaku", "llm-japanese-dataset", "synth-topic-reasoning-calm3")
    return _mixture(
        Stage(weights=by_tokens(tuple(s for s in SYNTHETIC if s.name in known)) | dict.fromkeys(unknown, 1.0))
    )


def _sum_to(total: float, parts: Mapping[str, float]) -> dict[str, float]:
    """Return the parts, scaled to a sum of `total`."""
    return {name: round(part * total / sum(parts.values()), 6) for name, part in parts.items()}


def _mixture(*stages: Stage) -> Mixture:
    """Return a mixture of these stages, with the sources that have a weight in them."""
    named = {name for stage in stages for name in stage.weights}
    return Mixture(sources=tuple(source for source in SYNTHETIC + COLLECTED if source.name in named), stages=stages)
