from tanuki_jax.training.explain import markup


def test_text_stays_text_wherever_it_stands() -> None:
    evil = "<script>\"&' 狸"
    safe = "&lt;script&gt;&quot;&amp;&#x27; 狸"
    parts = [
        markup.heading(evil),
        markup.paragraph(evil),
        markup.list_of([evil]),
        markup.picture(b"png", evil),
        markup.table([evil, evil], [markup.row([evil, evil]), markup.text_row(evil, 2)]),
    ]
    for part in parts:
        assert evil not in part and safe in part
    assert f"<title>{safe}</title>" in markup.page(evil, parts) and evil not in markup.page(evil, parts)


def test_a_dollar_is_a_dollar() -> None:
    assert "<p>$5 $title</p>" in markup.page("costs", [markup.paragraph("$5 $title")])


def test_numbers_stand_to_the_right_of_what_they_are_of() -> None:
    made = markup.row(["狸", "1", "2"], left=1, marked=True)
    assert made == '<tr class="marked"><td class="left">狸</td><td>1</td><td>2</td></tr>'
