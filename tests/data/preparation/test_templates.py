import dataclasses
import shutil
from pathlib import Path

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.config import experiment
from tanuki_jax.config.experiment import Data
from tanuki_jax.config.mixture import Source
from tanuki_jax.corpus.chat import builtin, template_files
from tanuki_jax.data.preparation.chat_documents import Rendering
from tanuki_jax.data.preparation.inventory import Inventory
from tanuki_jax.data.preparation.templates import configured_template, with_renderings
from tanuki_jax.data.tokenizer.load import Tokenizer

TANUKI, OTHER = builtin.find("tanuki"), builtin.find("user_assistant")
TEXTS = Inventory(Source(name="texts"), (), ())
CHATS = Inventory(Source(name="chats", form="chat"), (), ())


@pytest.fixture
def data(tmp_path: Path, tokenizer_folder: Path) -> Data:
    folder = tmp_path / "tokenizer"
    shutil.copytree(tokenizer_folder, folder)
    config = experiment.Tokenizer(path=str(folder))
    return Data(mixture="m", tokenizer=config, stores="stores", sequence_length=64, batch_rows=1)


def test_a_config_names_a_template_or_none(data: Data) -> None:
    assert configured_template(data.tokenizer) is None
    assert configured_template(dataclasses.replace(data.tokenizer, chat_template="tanuki")) == TANUKI
    with pytest.raises(InputError, match=r"there is no chat template none\.jinja"):
        configured_template(dataclasses.replace(data.tokenizer, chat_template="none.jinja"))


def test_chats_are_rendered_by_the_configured_template(data: Data, tokenizer: Tokenizer) -> None:
    texts, chats = with_renderings([TEXTS, CHATS], data, tokenizer, TANUKI)
    assert texts == TEXTS
    assert chats == dataclasses.replace(CHATS, rendering=Rendering("chat", TANUKI, 64))


def test_without_a_configured_template_that_of_the_tokenizer_is_used(data: Data, tokenizer: Tokenizer) -> None:
    with pytest.raises(InputError, match=f"{data.tokenizer.path} has no chat template"):
        with_renderings([CHATS], data, tokenizer, None)
    template_files.write(Path(data.tokenizer.path), TANUKI)
    for configured in (None, TANUKI):
        (chats,) = with_renderings([CHATS], data, tokenizer, configured)
        assert chats.rendering is not None and chats.rendering.template.source == TANUKI.source


@pytest.mark.parametrize("inventory", [TEXTS, CHATS])
def test_a_template_that_differs_from_the_tokenizers_is_refused(
    data: Data, tokenizer: Tokenizer, inventory: Inventory
) -> None:
    template_files.write(Path(data.tokenizer.path), TANUKI)
    message = rf"is user_assistant, but the tokenizer {data.tokenizer.path} has another chat template, in "
    with pytest.raises(InputError, match=message):
        with_renderings([inventory], data, tokenizer, OTHER)


def test_texts_need_no_template(data: Data, tokenizer: Tokenizer) -> None:
    assert with_renderings([TEXTS], data, tokenizer, None) == [TEXTS]
