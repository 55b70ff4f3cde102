from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.cleaning.duplicates.array_file import write_arrays
from tanuki_jax.corpus.cleaning.duplicates.clusters import FATES
from tanuki_jax.corpus.cleaning.repeats.surviving_rows import host_of, survivors


def test_kept_rows_come_with_their_hosts_across_batches(tmp_path: Path) -> None:
    texts = [f"文章{number}" for number in range(700)]
    urls = [f"http://h{number % 3}.example/" if number % 5 else None for number in range(700)]
    pq.write_table(pa.table({"text": texts, "url": urls}), tmp_path / "part")
    kept = np.arange(700) % 7 != 0
    write_arrays(tmp_path / "fates", FATES, {}, {"kept": kept})
    batches = list(survivors(tmp_path / "part", tmp_path / "fates", "url"))
    assert [text for batch in batches for text in batch.texts] == [texts[n] for n in np.flatnonzero(kept)]
    hosts = [host for batch in batches for host in batch.hosts.tolist()]
    assert hosts == [host_of(urls[n]) for n in np.flatnonzero(kept)]
    assert len(set(hosts)) == 4
    with pytest.raises(InputError, match="no column 'link'"):
        list(survivors(tmp_path / "part", None, "link"))


def test_an_address_without_a_host_has_none() -> None:
    assert host_of("http://a.example/x") == host_of("https://A.example:80/y?z") != 0
    assert {host_of(url) for url in (None, "", "no address", "http://[broken/")} == {0}
