"""The build keeps no result that may be stale."""

from tools.book import drop_old_results, results_key


def test_results_key_follows_mtlkit_the_lock_and_the_studies(tmp_path):
    (tmp_path / "mtlkit").mkdir()
    (tmp_path / "benchmarks" / "results").mkdir(parents=True)
    (tmp_path / "requirements.txt").write_text("numpy==2.0.0")
    keys = {results_key(tmp_path)}
    (tmp_path / "mtlkit" / "table.py").write_text("a = 1")
    keys.add(results_key(tmp_path))
    (tmp_path / "mtlkit" / "table.py").write_text("a = 2")
    keys.add(results_key(tmp_path))
    (tmp_path / "requirements.txt").write_text("numpy==2.0.1")
    keys.add(results_key(tmp_path))
    (tmp_path / "benchmarks" / "results" / "school.json").write_text("{}")
    keys.add(results_key(tmp_path))
    assert len(keys) == 5


def test_build_keeps_only_results_of_the_present_packages(tmp_path):
    def left():
        return {path.name for path in tmp_path.iterdir()}

    drop_old_results(tmp_path, "now")
    for name in ("html", ".doctrees", ".jupyter_cache"):
        (tmp_path / name).mkdir()
    drop_old_results(tmp_path, "now")
    assert left() == {"cache-key", ".jupyter_cache"}
    drop_old_results(tmp_path, "later")
    assert left() == {"cache-key"}
