import pytest
from hypothesis import given
from hypothesis import strategies as st

from wa.config.settings import MuxEntry, Settings, mux_entry, parse, settings_table
from wa.model.errors import ConfigError


def refused(text):
    with pytest.raises(ConfigError) as caught:
        parse(text, "config.toml")
    return caught.value


def test_says_nothing_means_the_defaults(tmp_path):
    """No file, an empty one and one of comments all give the defaults of the table."""
    missing = Settings.load(tmp_path / "none.toml")

    assert missing == Settings.defaults() == parse("# nothing\n", "x")
    for setting in settings_table():
        assert missing.value(setting.key) == setting.default
        assert setting.trouble(list(setting.default) if isinstance(setting.default, tuple) else setting.default) is None


def test_reads_every_kind_of_setting():
    """Tables, dotted keys and inline tables mean the same."""
    found = parse(
        """
        retention.age_days = 7
        capture = { memory_mb = 8, never = { title = ["*secret*"] } }
        [log]
        level = "debug"
        [wezterm]
        discover = false
        command = ["flatpak", "run", "org.wezfurlong.wezterm"]
        """,
        "config.toml",
    )

    assert found.retention.age_days == 7
    assert found.capture.memory_mb == 8
    assert found.capture.never.title == ("*secret*",)
    assert found.log.level == "debug"
    assert found.wezterm.discover is False
    assert found.wezterm.command == ("flatpak", "run", "org.wezfurlong.wezterm")
    assert found.origin == dict.fromkeys(
        [
            "retention.age_days",
            "capture.memory_mb",
            "capture.never.title",
            "log.level",
            "wezterm.discover",
            "wezterm.command",
        ],
        "config.toml",
    )


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("[log]\nlevel = 'loud'", 2, "log.level: must be one of debug, info, warning, error, not 'loud'"),
        ("\n[retention]\n# x\nage_days = '7'", 4, "retention.age_days: must be a whole number, not '7'"),
        ("[retention]\nage_days = true", 2, "must be a whole number, not True"),
        ("[retention]\nage_days = -1", 2, "must be at least 0, not -1"),
        ("[capture]\nmemory_mb = 100000", 2, "must be at most 4096"),
        ("[capture.never]\ntitle = 'x'", 2, "must be a list of texts"),
        ("[capture.never]\ntitle = ['a', 1]", 2, "not 1 in it"),
        ("[capture.never]\ntitle = ['']", 2, "not '' in it"),
        ("[log]\nlevle = 'info'", 2, "no such setting; did you mean `log.level`?"),
        ("age_days = 3", 1, "did you mean `retention.age_days`?"),
        ("[colours]\nred = 1", 1, "colours: no such setting; `wa config show` lists them all"),
        ("log = 3", 1, "log: no such setting"),
        ("[log.level]\nx = 1", 1, "must be a text, not {'x': 1}"),
        ("retention.size_mb = 1.5", 1, "must be a whole number, not 1.5"),
    ],
)
def test_says_which_key_on_which_line_is_wrong(text, line, words):
    """Key, reason and line stand in the error, and in its details for programs."""
    error = refused(text)

    assert words in error.message
    assert error.message.startswith(f"config.toml, line {line}: ")
    assert error.details["line"] == line


def test_toml_that_does_not_parse_names_its_line():
    """A syntax error says where."""
    assert "line 2" in refused("[log]\nlevel = \n").message


def test_a_file_that_is_not_text_is_refused(tmp_path):
    """Neither bytes out of UTF-8 nor a folder pass for an empty file."""
    (tmp_path / "config.toml").write_bytes(b"\xff\xfe")

    for path in (tmp_path / "config.toml", tmp_path):
        with pytest.raises(ConfigError, match="cannot be read"):
            Settings.load(path)


def test_muxes_are_sockets_or_hosts():
    """Each table gives one mux; a host names itself, a socket takes its file's stem."""
    found = parse(
        """
        [[mux]]
        name = "work"
        socket = "/run/x/sock"
        [[mux]]
        ssh = "me@build.example"
        wezterm = ["/opt/wezterm/wezterm"]
        [[mux]]
        socket = "/tmp/other.sock"
        """,
        "config.toml",
    )

    assert found.mux == (
        MuxEntry("work", socket="/run/x/sock"),
        MuxEntry("me@build.example", ssh="me@build.example", wezterm=("/opt/wezterm/wezterm",)),
        MuxEntry("other", socket="/tmp/other.sock"),
    )


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("[[mux]]\nname = 'a'", 2, "give either a socket or ssh"),
        ("[[mux]]\nsocket = '/a'\nssh = 'b'", 2, "give either a socket or ssh"),
        ("[[mux]]\nsocket = '/a'\n\n[[mux]]\nname = 'a'\nsocket = '/b'", 5, "two muxes are called a"),
        ("[[mux]]\nssh = '-oProxyCommand=x'", 2, "no ssh destination"),
        ("[[mux]]\nsocket = '/a'\n[[mux]]\nsokcet = '/b'", 4, "no such key"),
        ("[[mux]]\nsocket = 3", 2, "must be text, not 3"),
        ("[[mux]]\nname = 'gui-7'\nsocket = '/a'", 2, "mean something else"),
        ("[[mux]]\nname = 'p7'\nsocket = '/a'", 2, "mean something else"),
        ("[[mux]]\nname = 'a/b'\nsocket = '/a'", 2, "cannot name a mux"),
        ("[[mux]]\nsocket = '/a'\nwezterm = ['x']", 3, "only a mux with ssh"),
        ("[[mux]]\nssh = 'a'\nzone = 'Nowhere/Else'", 3, "'Nowhere/Else' is no time zone"),
        ("[[mux]]\nssh = 'a'\nzone = '../x'", 3, "is no time zone"),
        ("[[mux]]\nssh = 'a'\nzone = 1", 3, "must be text"),
        ("[mux]\nsocket = '/a'", 1, "must be written as [[mux]] tables"),
    ],
)
def test_muxes_that_cannot_be_are_refused(text, line, words):
    """The error names the table, the key and the line."""
    error = refused(text)

    assert words in error.message
    assert f"line {line}:" in error.message


@given(st.text(max_size=30))
def test_any_socket_gets_a_name_or_a_reason(path):
    """Whatever stands after `socket =`, a mux has a usable name or the error says why not."""
    try:
        entry = mux_entry(None, socket=f"/{path}" if "\0" not in path else "/x")
    except ConfigError:
        return
    assert "/" not in entry.name
    assert entry.name.isascii()
    assert entry.name


@given(
    st.dictionaries(st.sampled_from([s.key for s in settings_table()]), st.integers() | st.booleans() | st.just("x"))
)
def test_a_value_is_taken_as_written_or_refused(values):
    """No value is bent into another type."""
    text = "\n".join(
        f"{key} = {str(value).lower() if value != 'x' else chr(34) + 'x' + chr(34)}" for key, value in values.items()
    )
    try:
        found = parse(text, "x")
    except ConfigError:
        return
    for key, value in values.items():
        assert found.value(key) == value
        assert type(found.value(key)) is type(value)


def test_every_setting_explains_itself():
    """The table has a sentence for each key, and no key twice."""
    keys = [setting.key for setting in settings_table()]

    assert len(set(keys)) == len(keys)
    assert all(setting.help.endswith(".") and setting.kind for setting in settings_table())


def test_a_mux_may_have_a_time_zone() -> None:
    """Also one that is reached by a socket: what stands behind it may be a container."""
    found = parse(
        "[[mux]]\nssh = 'a'\nzone = 'Europe/Berlin'\n[[mux]]\nsocket = '/b'\nzone = 'UTC'\n[[mux]]\nssh = 'c'", "f"
    )

    assert [entry.zone for entry in found.mux] == ["Europe/Berlin", "UTC", ""]
