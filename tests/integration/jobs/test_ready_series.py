"""The ready studies of published series are planned from configurations: no network, no model, no cache."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SENTENCE = "# sent_id = s-1\n" + "".join(
    f"{at}\t{word}\t{word}\tX\tX\t_\t{at - 1}\t{'dep' if at > 1 else 'root'}\t_\t_\n"
    for at, word in enumerate(("Layers", "change", "slowly"), start=1)
)


@pytest.mark.parametrize(("name", "n_checkpoints"), [("pythia", 14), ("multiberts", 10)])
def test_a_series_is_planned_offline_from_its_configuration(tmp_path, name, n_checkpoints):
    data = tmp_path / "data"
    for file, text in {
        "wikitext2/wikitext-test.raw.txt": "Layers change slowly . Some do not .\n",
        "ud_ewt/en_ewt-ud-dev.conllu": SENTENCE + "\n",
    }.items():
        (data / file).parent.mkdir(parents=True)
        (data / file).write_text(text)
    kept = {key: os.environ[key] for key in ("PATH", "LD_LIBRARY_PATH") if key in os.environ}
    clean = {**kept, "HOME": str(tmp_path), "HF_HUB_OFFLINE": "1", "ACTSTORE_DATA": str(data)}
    command = [sys.executable, "-m", "jobs.plan", f"studies/{name}.toml", "--store", str(tmp_path / "store")]
    answer = subprocess.run(command, cwd=ROOT, env=clean, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    told = answer.stdout + answer.stderr
    for assumed in ("no weights in", "its tokens are estimated"):
        [line] = [line for line in told.splitlines() if assumed in line]
        assert line.startswith(f"assumed: {n_checkpoints} checkpoints (")
    assert "of one worker left" in told
    assert not (tmp_path / "store").exists()
