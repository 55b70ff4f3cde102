from pathlib import Path

import pytest

from tanuki_jax.corpus.records.storage import locate


@pytest.mark.parametrize("name", ["plain.txt", "a name with spaces.txt", "100%41.txt", "深い/日本語.txt"])
def test_a_local_path_and_its_file_address_lead_to_the_same_bytes(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"here")
    for address in (str(path), f"file://{path}"):
        system, location = locate(address)
        with system.open_input_file(location) as file:
            assert file.read() == b"here"
