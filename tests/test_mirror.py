"""Each file of source has a test file of its name, `test_NAME.py` or `test_NAME_*.py`, or a row in `ELSEWHERE`."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).parent.parent

ELSEWHERE = {
    "base/errors.py": "base/test_command.py",
    "checkpoints/barrier.py": "training/test_distributed.py",
    "checkpoints/convert_commands.py": "checkpoints/test_convert.py",
    "checkpoints/convert_options.py": "checkpoints/test_convert.py",
    "checkpoints/hugging_face/config_fields.py": "checkpoints/hugging_face/test_configuration.py",
    "checkpoints/hugging_face/import_model.py": "checkpoints/hugging_face/test_round_trip.py",
    "checkpoints/hugging_face/llama.py": "checkpoints/hugging_face/test_families_parity.py",
    "checkpoints/hugging_face/mistral.py": "checkpoints/hugging_face/test_families_parity.py",
    "checkpoints/hugging_face/modeling_tanuki.py": "checkpoints/hugging_face/test_export_model_parity.py",
    "checkpoints/hugging_face/qwen3.py": "checkpoints/hugging_face/test_families_parity.py",
    "checkpoints/items.py": "checkpoints/test_save.py",
    "checkpoints/parameters.py": "checkpoints/test_merging.py",
    "checkpoints/restore.py": "checkpoints/test_save.py",
    "config/common_options.py": "config/test_command_line.py",
    "config/experiment.py": "config/test_golden.py",
    "config/options.py": "config/test_command_line.py",
    "config/remote_model.py": "client/test_model_names.py",
    "config/renamed.py": "config/test_serialize.py",
    "config/supervision.py": "config/test_validate.py",
    "corpus/cleaning/duplicates/duplicate_settings.py": "corpus/cleaning/duplicates/test_signature_files.py",
    "corpus/cleaning/repeats/repeat_settings.py": "corpus/cleaning/repeats/test_repeated_lines.py",
    "corpus/cleaning/extraction/blocks.py": "corpus/cleaning/extraction/test_readable.py",
    "corpus/cleaning/extraction/plausibility.py": "corpus/cleaning/extraction/test_encodings.py",
    "corpus/cleaning/extraction/widths.py": "corpus/cleaning/extraction/test_broken_lines.py",
    "corpus/cleaning/across_documents.py": "corpus/cleaning/test_run_cleaning.py",
    "corpus/cleaning/ask_model.py": "corpus/cleaning/test_yes_or_no.py",
    "corpus/cleaning/clean_options.py": "corpus/cleaning/test_clean_commands.py",
    "corpus/cleaning/clean_stage.py": "corpus/cleaning/test_run_cleaning.py",
    "corpus/cleaning/contamination/evaluation_settings.py": "corpus/cleaning/contamination/test_evaluation_items.py",
    "corpus/cleaning/engines/engine_options.py": "corpus/cleaning/test_clean_commands.py",
    "corpus/cleaning/engines/stage.py": "corpus/cleaning/engines/test_processes.py",
    "corpus/coverage/coverage_options.py": "corpus/coverage/test_coverage_commands.py",
    "corpus/coverage/coverage_plan.py": "corpus/coverage/test_coverage_commands.py",
    "corpus/maps/map_options.py": "corpus/maps/test_map_commands.py",
    "corpus/cleaning/file_tasks.py": "corpus/cleaning/test_run_cleaning.py",
    "corpus/cleaning/report/cleaning_table.py": "corpus/cleaning/report/test_cleaning_page.py",
    "corpus/cleaning/report/steps.py": "corpus/cleaning/report/test_cleaning_page.py",
    "corpus/cleaning/write_stage.py": "corpus/cleaning/test_run_cleaning.py",
    "corpus/cleaning/quality/fasttext_process.py": "corpus/cleaning/quality/test_fasttext_model.py",
    "corpus/records/formats/file_format.py": "corpus/records/formats/test_by_suffix.py",
    "corpus/records/formats/gzip_members.py": "corpus/records/formats/test_warc_records.py",
    "corpus/records/types.py": "corpus/records/test_read.py",
    "corpus/synthesis/dataset_card.py": "corpus/synthesis/test_run_synthesis.py",
    "corpus/synthesis/made.py": "corpus/synthesis/test_run_synthesis.py",
    "corpus/synthesis/part_files.py": "corpus/synthesis/test_run_synthesis.py",
    "corpus/synthesis/part_totals.py": "corpus/synthesis/test_run_synthesis.py",
    "corpus/synthesis/preview_items.py": "corpus/synthesis/test_synthesize_commands.py",
    "corpus/synthesis/recipe.py": "corpus/synthesis/test_rehearse_item.py",
    "corpus/synthesis/requests_of.py": "corpus/synthesis/test_run_synthesis.py",
    "corpus/synthesis/synthesis_folder.py": "corpus/synthesis/test_run_synthesis.py",
    "corpus/synthesis/synthesis_settings.py": "corpus/synthesis/test_item_parts.py",
    "corpus/synthesis/synthesize_options.py": "corpus/synthesis/test_synthesize_commands.py",
    "corpus/synthesis/synthetic_sources.py": "corpus/synthesis/test_synthesize_commands.py",
    "corpus/synthesis/teach_stage.py": "corpus/synthesis/test_run_synthesis.py",
    "corpus/synthesis/without_copies.py": "corpus/synthesis/test_run_synthesis.py",
    "corpus/synthesis/write_part.py": "corpus/synthesis/test_run_synthesis.py",
    "corpus/synthesis/sandbox/contained_process.py": "corpus/synthesis/sandbox/test_run_code.py",
    "corpus/synthesis/recipes/recipe_table.py": "corpus/synthesis/test_named_syntheses.py",
    "corpus/tasks/algebra.py": "corpus/tasks/test_word_problems.py",
    "corpus/tasks/calendar_problems.py": "corpus/tasks/test_word_problems.py",
    "corpus/tasks/clock_problems.py": "corpus/tasks/test_word_problems.py",
    "corpus/tasks/codes.py": "corpus/tasks/test_word_problems.py",
    "corpus/tasks/coordinates.py": "corpus/tasks/test_word_problems.py",
    "corpus/tasks/geometry.py": "corpus/tasks/test_word_problems.py",
    "corpus/tasks/grids.py": "corpus/tasks/test_word_problems.py",
    "corpus/tasks/quantities.py": "corpus/tasks/test_word_problems.py",
    "corpus/tasks/school_arithmetic.py": "corpus/tasks/test_word_problems.py",
    "corpus/tasks/statistics_problems.py": "corpus/tasks/test_word_problems.py",
    "corpus/tasks/story_words.py": "corpus/tasks/test_word_problems.py",
    "corpus/tasks/surveys.py": "corpus/tasks/test_word_problems.py",
    "corpus/tasks/table_reading.py": "corpus/tasks/test_word_problems.py",
    "corpus/tasks/text_operations.py": "corpus/tasks/test_word_problems.py",
    "corpus/tasks/units.py": "corpus/tasks/test_word_problems.py",
    "corpus/tasks/arithmetic_stories.py": "corpus/tasks/test_arithmetic.py",
    "corpus/tasks/dialogue_order.py": "corpus/tasks/test_dialogue.py",
    "corpus/tasks/dialogue_reservation.py": "corpus/tasks/test_dialogue.py",
    "corpus/tasks/dialogue_schedule.py": "corpus/tasks/test_dialogue.py",
    "corpus/tasks/table_themes.py": "corpus/tasks/test_table.py",
    "data/preparation/merge_parts.py": "data/preparation/test_build_store.py",
    "data/tokenizer/hugging_face_backend.py": "data/tokenizer/test_load.py",
    "data/tokenizer/sentencepiece_backend.py": "data/tokenizer/test_load.py",
    "data/tokenizer/special_pieces.py": "data/tokenizer/test_training.py",
    "data/tokenizer/trainer_process.py": "data/tokenizer/test_training.py",
    "explain.py": "training/explain/test_autopsy.py",
    "evaluation/arena/arena_pages.py": "evaluation/arena/test_arena_app.py",
    "evaluation/arena/model_answer.py": "evaluation/arena/test_battle_service.py",
    "evaluation/arena/rate_options.py": "evaluation/arena/test_rate_commands.py",
    "evaluation/arena/serve_options.py": "evaluation/arena/test_serve_commands.py",
    "evaluation/benchmarks/benchmark_table.py": "evaluation/test_evaluate_commands.py",
    "evaluation/evaluate_options.py": "evaluation/test_evaluate_commands.py",
    "evaluation/evaluation_settings.py": "evaluation/test_run_evaluation.py",
    "evaluation/named_evaluations.py": "evaluation/test_evaluate_commands.py",
    "evaluation/peers/strict_scores.py": "evaluation/peers/test_lm_eval_tasks.py",
    "evaluation/results.py": "evaluation/test_run_evaluation.py",
    "evaluation/run_benchmark.py": "evaluation/test_run_evaluation.py",
    "inference/assistant.py": "inference/test_terminal.py",
    "inference/chat_prompts.py": "inference/test_encoded_prompts.py",
    "inference/engine/cache_size.py": "inference/engine/test_run_jobs.py",
    "inference/server/answer_frame.py": "inference/server/test_completions.py",
    "inference/server/errors.py": "inference/server/test_app.py",
    "inference/server/generation.py": "inference/server/test_completions.py",
    "inference/server/request_limits.py": "inference/server/test_app.py",
    "inference/server/requests.py": "inference/server/test_completions.py",
    "inference/server/status.py": "inference/server/test_app.py",
    "inference/server/usage.py": "inference/server/test_completions.py",
    "lm/kernels/attention/chunked.py": "lm/kernels/attention/test_attention.py",
    "lm/kernels/attention/hopper_block.py": "lm/kernels/attention/test_hopper_attention_interpreted.py",
    "lm/kernels/attention/hopper_dkdv.py": "lm/kernels/attention/test_hopper_attention_interpreted.py",
    "lm/kernels/attention/hopper_dq.py": "lm/kernels/attention/test_hopper_attention_interpreted.py",
    "lm/kernels/attention/hopper_forward.py": "lm/kernels/attention/test_hopper_attention_interpreted.py",
    "lm/kernels/attention/operands.py": "lm/kernels/attention/test_attention.py",
    "lm/kernels/attention/reference_attention.py": "what the other kernels are compared with",
    "lm/kernels/grouped_matmul/hopper_pipeline.py": (
        "lm/kernels/grouped_matmul/test_hopper_grouped_matmul_interpreted.py"
    ),
    "lm/kernels/grouped_matmul/hopper_rows.py": "lm/kernels/grouped_matmul/test_hopper_grouped_matmul_interpreted.py",
    "lm/kernels/grouped_matmul/hopper_weights.py": (
        "lm/kernels/grouped_matmul/test_hopper_grouped_matmul_interpreted.py"
    ),
    "lm/kernels/grouped_matmul/reference_grouped_matmul.py": "what the other kernels are compared with",
    "lm/kernels/jax_internals.py": "imports of private names, which fail when jax moves them",
    "lm/kernels/varying.py": "lm/parallel/test_sharded_cross_entropy.py",
    "lm/kernels/warpgroups.py": "lm/kernels/attention/test_hopper_attention_interpreted.py",
    "lm/objectives/make_objective.py": "training/test_setup.py",
    "lm/objectives/objective.py": "lm/objectives/test_next_token.py",
    "planning/bench/bench_options.py": "planning/bench/test_bench.py",
    "planning/bench/correctness.py": "planning/bench/test_bench_results.py",
    "planning/bench/peers.py": "planning/bench/test_torch_peers_parity.py",
    "planning/bench/run_local.py": "planning/bench/test_bench.py",
    "planning/bench/sizes.py": "planning/bench/test_bench.py",
    "planning/bench/suite_worker.py": "planning/bench/test_run_all.py",
    "planning/bench/suites.py": "planning/bench/test_bench.py",
    "planning/bench/timed_program.py": "planning/bench/test_bench_results.py",
    "planning/compiled/compile_cases.py": "planning/compiled/test_compile_report.py",
    "planning/compiled/compile_options.py": "planning/bench/test_bench.py",
    "planning/plan/plan_results.py": "planning/plan/test_make_plan.py",
    "planning/studies/study_commands.py": "planning/studies/test_upcycling_study.py",
    "planning/studies/study_options.py": "planning/bench/test_bench.py",
    "planning/sweep/outcome.py": "planning/sweep/test_study.py",
    "planning/sweep/run_sweep.py": "planning/sweep/test_sweep.py",
    "planning/sweep/sweep_settings.py": "planning/sweep/test_study.py",
    "planning/sweep/train_trial.py": "planning/sweep/test_trained_trials.py",
    "train.py": "training/test_job.py",
    "training/explain/autopsy_page.py": "training/explain/test_autopsy.py",
    "training/explain/autopsy_pictures.py": "training/explain/test_autopsy.py",
    "training/loop.py": "training/test_job.py",
}
"""Source file -> the test file that covers it, or the reason why none does."""


def tracked(folder: str) -> list[Path]:
    """Return the Python files that git tracks or would track in a folder, relative to it."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", folder]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode().split("\0")
    paths = [Path(name) for name in listed if name.endswith(".py") and (ROOT / name).is_file()]
    return [path.relative_to(folder) for path in paths]


def test_each_source_file_has_a_test_of_its_name_or_a_row() -> None:
    tests = {path.stem for path in tracked("tests")}
    sources = [path for path in tracked("tanuki_jax") if path.name not in ("__init__.py", "__main__.py")]
    untested = [
        path.as_posix()
        for path in sources
        if not any(stem == f"test_{path.stem}" or stem.startswith(f"test_{path.stem}_") for stem in tests)
    ]
    assert sorted(untested) == sorted(ELSEWHERE)


def test_the_rows_name_files_that_exist() -> None:
    named = [value for value in ELSEWHERE.values() if value.endswith(".py")]
    assert [name for name in named if not (ROOT / "tests" / name).is_file()] == []


def test_the_tests_of_a_wing_lie_in_its_folder() -> None:
    wings = {path.name for path in (ROOT / "tanuki_jax").iterdir() if (path / "__init__.py").is_file()}
    folders = {path.parts[0] for path in tracked("tests") if len(path.parts) > 1}
    assert wings <= folders


def test_no_two_files_of_a_wing_have_one_name() -> None:
    stems = [(path.parts[0], path.stem) for path in tracked("tanuki_jax") if path.name != "__init__.py"]
    assert sorted(stem for stem in set(stems) if stems.count(stem) > 1) == []
