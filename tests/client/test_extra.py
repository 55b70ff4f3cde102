"""Without aiohttp, client and mock teacher say what to install."""

import subprocess
import sys

import pytest

CLIENT = """
import asyncio
from tanuki_jax.client.client import Client
from tanuki_jax.config.endpoints import Endpoint

async def run():
    async with Client([Endpoint(url="http://a")]):
        pass

asyncio.run(run())
"""
TEACHER = "from tanuki_jax.rehearse import main; main(['--port=0'])"


@pytest.mark.parametrize("program", [CLIENT, TEACHER], ids=["client", "teacher"])
def test_a_missing_library_is_named_with_its_remedy(program: str) -> None:
    command = [sys.executable, "-c", f"import sys; sys.modules['aiohttp'] = None\n{program}"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.stderr.rstrip().endswith("InputError: model endpoints need aiohttp: pip install 'tanuki-jax[client]'")
