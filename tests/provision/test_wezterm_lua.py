"""WezTerm's configuration is looked for where WezTerm looks for it."""

from __future__ import annotations

from pathlib import Path

from wa.provision.wezterm_lua import find_config, module_folders


def test_the_order_is_wezterms(tmp_path: Path) -> None:
    """The one that the environment names; then the home; then the folders of XDG."""
    env = {"HOME": str(tmp_path), "XDG_CONFIG_DIRS": f"{tmp_path}/site:"}
    paths = [tmp_path / ".wezterm.lua", tmp_path / ".config/wezterm/wezterm.lua", tmp_path / "site/wezterm/wezterm.lua"]

    assert find_config(env).path is None
    assert find_config(env).tried == tuple(paths)
    for path in reversed(paths):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        assert find_config(env).path == path
    paths[0].unlink()
    paths[0].symlink_to("nowhere")
    assert find_config(env).path == paths[0]
    given = find_config({**env, "WEZTERM_CONFIG_FILE": "/x/y.lua"})
    assert (given.path, given.is_required) == (Path("/x/y.lua"), True)


def test_modules_are_looked_for_in_the_folders_not_beside_the_file(tmp_path: Path) -> None:
    """`~/.wezterm.lua` has its modules in ~/.config/wezterm or ~/.wezterm."""
    env = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": "/x"}

    assert module_folders(env) == [Path("/x/wezterm"), tmp_path / ".wezterm"]
