from tests.support import corpus


def test_every_clip_of_the_repository_is_in_its_manifest():
    clips = corpus.read_manifest(corpus.FREE_AUDIO)
    listed = {clip.path for clip in clips}
    assert listed == {path for path in corpus.FREE_AUDIO.iterdir() if path.suffix in (".wav", ".flac", ".mp3")}
    jfk = next(clip for clip in clips if clip.name == "jfk.wav")
    assert (jfk.language, jfk.seconds, jfk.reference[:7]) == ("en", 11.0, "And so,")


def test_a_missing_corpus_is_explained(monkeypatch, tmp_path):
    monkeypatch.setenv(corpus.CORPUS_VARIABLE, str(tmp_path))
    assert str(tmp_path) in corpus.why_no_corpus()
    (tmp_path / "manifest.tsv").touch()
    assert corpus.why_no_corpus() is None
