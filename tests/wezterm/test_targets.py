import pytest

from wa.model.errors import UsageError
from wa.wezterm.targets import SshTarget


@pytest.mark.parametrize("host", ["", "-oProxyCommand=touch /tmp/x", "-", "a b", "a\nb", "a\x00b", "--"])
def test_a_host_that_ssh_would_read_as_an_option_is_refused(host: str) -> None:
    """A name from a config file must not become an option or a second word of ssh's command line."""
    with pytest.raises(UsageError):
        SshTarget(host)


def test_the_host_is_the_name_unless_one_is_given() -> None:
    """People name a remote mux as they name it to ssh."""
    assert SshTarget("me@build-7").name == "me@build-7"
    assert SshTarget("10.0.0.7", name="build").name == "build"
