"""Questions of the hand-written answers in `answers_of_choices.jsonl`: right option, labels and texts."""

_MACHINES = ("北海道大学", "ポプラ並木", "ベンチ", "パイプ椅子", "リフト")

QUESTIONS: dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "dice": (
        "5",
        ("1", "2", "3", "4", "5"),
        (
            "6回投げれば、必ず1回は5の目が出る",
            "5回続けて5以外の目が出たら、次は必ず5の目が出る",
            "一度5の目が出たら、続く5回は5の目が出ない",
            "60回投げると、ちょうど10回5の目が出る",
            "多くの回数を投げると、5の目が出る割合は1/6に近づく",
        ),
    ),
    "ski": ("4", ("0", "1", "2", "3", "4"), _MACHINES),
    "ski_free": ("リフト", (), _MACHINES),
    "forklift": ("2", ("0", "1", "2", "3", "4"), ("マシン", "テレビ", "フォークリフト", "リフト", "車")),
    "mountain": ("A", ("A", "B", "C", "D"), ("富士山", "北岳", "奥穂高岳", "槍ヶ岳")),
    "freeze": ("イ", ("ア", "イ", "ウ", "エ"), ("蒸発", "凝固", "融解", "昇華")),
    "nli": ("entailment", ("entailment", "contradiction", "neutral"), ()),
}
