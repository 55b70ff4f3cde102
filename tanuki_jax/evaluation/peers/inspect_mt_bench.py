"""The Japanese MT-Bench as a task of inspect-ai, with the questions, prompts and reading of verdicts of ours.

OWN_BASE_URL=http://localhost:8000/v1 OWN_API_KEY=none JUDGE_BASE_URL=http://judge:8000/v1 JUDGE_API_KEY=none \
    inspect eval tanuki_jax/evaluation/peers/inspect_mt_bench.py --model openai-api/own/MODEL \
    --model-role grader=openai-api/judge/JUDGE -T data=data

It differs from ours in failures: a request that failed ends inspect's run, or leaves its mean (`--no-fail-on-error`),
and has the lowest rating in ours. A verdict that cannot be read is in no mean of either.
"""

import math
from pathlib import Path
from typing import Any

from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import (
    ChatMessageAssistant,
    ChatMessageSystem,
    ChatMessageUser,
    GenerateConfig,
    get_model,
)
from inspect_ai.scorer import Score, mean, scorer, stderr
from inspect_ai.solver import solver

from tanuki_jax.evaluation.benchmark import Item, Reply
from tanuki_jax.evaluation.benchmarks.mt_bench_ja import (
    LOWEST,
    METRICS,
    MtBenchJa,
    MtQuestion,
    messages_for_judge,
    rating_of,
)

_MESSAGES = {"system": ChatMessageSystem, "user": ChatMessageUser, "assistant": ChatMessageAssistant}


@task  # type: ignore[untyped-decorator]
def mt_bench_ja(
    data: str = "data", questions: str = MtBenchJa.questions, references: str = MtBenchJa.references
) -> Task:
    """Return the task.

    Args:
        data: folder in which the relative paths begin.
        questions: file of the questions.
        references: file of right answers.
    """
    benchmark = MtBenchJa(questions=questions, references=references)
    samples = [_sample(item) for item in benchmark.load(Path(data)).items]
    return Task(
        dataset=MemoryDataset(samples, name=benchmark.name),
        solver=both_turns(benchmark.max_tokens),
        scorer=ratings(benchmark.judge_tokens),
    )


def _sample(item: Item) -> Sample:
    question: MtQuestion = item.row
    kept = {"turns": [*question.turns], "references": [*question.references], "temperature": question.temperature}
    return Sample(id=item.id, input=question.turns[0], target=item.expected, metadata={**kept, **item.tags})


def _question(state: Any) -> MtQuestion:
    kept = state.metadata
    return MtQuestion(tuple(kept["turns"]), tuple(kept["references"]), kept["temperature"])


@solver  # type: ignore[untyped-decorator]
def both_turns(max_tokens: int) -> Any:
    """Return the solver: both turns of a conversation, at the temperature of the category.

    Args:
        max_tokens: most tokens of an answer.
    """

    async def solve(state: Any, generate: Any) -> Any:
        question, answers = _question(state), list[str]()
        for turn in question.turns:
            if answers:
                state.messages.append(ChatMessageUser(content=turn))
            state = await generate(state, temperature=question.temperature, top_p=1.0, max_tokens=max_tokens)
            answers.append(state.output.completion.strip())
        state.store.set("answers", answers)
        return state

    return solve


@scorer(metrics={"*": [mean(), stderr()]})  # type: ignore[untyped-decorator]
def ratings(judge_tokens: int) -> Any:
    """Return the scorer: ratings of both turns by the model in the role `grader`, and their mean.

    Args:
        judge_tokens: most tokens of a verdict.
    """

    async def score(state: Any, target: Any) -> Score:
        judge, question = get_model(role="grader", required=True), _question(state)
        answers, found, verdicts = state.store.get("answers"), list[float](), list[str]()
        for turn, answer in enumerate(answers, 1):
            if not answer:
                found.append(LOWEST)
                continue
            messages = [
                _MESSAGES[each["role"]](content=each["content"])
                for each in messages_for_judge(question, answers[:turn])
            ]
            output = await judge.generate(messages, config=GenerateConfig(temperature=0.0, max_tokens=judge_tokens))
            rating = rating_of(Reply(output.completion.strip(), cut=output.stop_reason == "max_tokens"))
            found.append(math.nan if rating is None else rating)
            verdicts.append(output.completion)
        values = (sum(found) / len(found), *found)
        return Score(value=dict(zip(METRICS, values, strict=True)), explanation="\n\n".join(verdicts))

    return score
