import subprocess
import sys

import pytest

from iepile_dataset.registration import _module, teach


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


# evaluate imports transformers where it is installed, and that PyTorch: seconds, and nothing that is asked about here.
WITHOUT_TRANSFORMERS = "import sys; sys.modules['transformers'] = None\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    "imports",
    [
        "import iepile, evaluate; from datasets import load_dataset",
        "import evaluate; from datasets import load_dataset; import iepile",
        "import datasets.inspect, evaluate; import iepile; iepile.register(); from datasets import load_dataset",
    ],
)
def test_the_order_of_imports_does_not_matter(imports):
    code = f"{WITHOUT_TRANSFORMERS}{imports}; from datasets import get_dataset_config_names\n"
    code += "assert 'ner' in get_dataset_config_names('iepile')\n"
    code += "print(next(iter(load_dataset('iepile', 'ner', split='test', streaming=True)))['task'])\n"
    code += "print(evaluate.load('iepile_f1', 're').name)"
    assert run(code).split() == ["NER", "iepile_f1"]


def test_importing_iepile_imports_none_of_the_heavy_libraries():
    code = "import iepile, iepile.cli, sys; print([m for m in ('torch', 'datasets', 'evaluate', 'transformers') if m in sys.modules])"
    assert run(code) == "[]"


@pytest.mark.slow
def test_other_names_still_reach_the_library():
    code = "import iepile; from datasets import load_dataset\n"
    code += "try: load_dataset('iepile_no_such', 'x')\nexcept Exception as e: print(type(e).__name__)"
    assert run(code) != ""


def test_a_library_that_has_moved_its_factory_is_named_with_the_remedy():
    import datasets.load

    with pytest.raises(RuntimeError, match="release of datasets has moved no_such_factory"):
        teach(datasets.load, "no_such_factory", "iepile", _module)
