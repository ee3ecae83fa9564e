"""A password in a URL: taken where govc has it, refused elsewhere, shown nowhere."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest

from vcontract._client.proxy import parse_proxy
from vcontract._client.wire import parse_url
from vcontract._config.config import config_for
from vcontract._config.govc import from_environment, with_environment
from vcontract._config.request import RunRequest
from vcontract._errors import HarnessError, UsageError
from vcontract._redaction import redact_everywhere, without_userinfo
from vcontract._schema import load

PASSWORDS = [f"{what}-Canary-1" for what in ("plain", "sl/ash", "c:ol:on", "a@t", "all:/@://@/", "qu?e#ry")]


@pytest.mark.parametrize("escaped", [False, True], ids=["raw", "escaped"])
@pytest.mark.parametrize("password", PASSWORDS)
@pytest.mark.parametrize("scheme", ["", "https://", "http://"])
def test_govc_url_is_taken_apart_whatever_the_password_holds(scheme: str, password: str, *, escaped: bool) -> None:
    """The target is the address alone; user name and password go with the login."""
    given = f"{scheme}me%40vsphere.local:{quote(password, safe='') if escaped else password}@vc:8443/sdk"
    taken = from_environment({"GOVC_URL": given})
    assert taken == (f"{scheme or 'https://'}vc:8443/sdk", "me@vsphere.local", password, False)
    assert from_environment({"GOVC_URL": "vc"})[0] == "https://vc/sdk"


@pytest.mark.parametrize("password", PASSWORDS)
def test_elsewhere_a_url_with_a_password_is_refused_without_being_shown(password: str, tmp_path: Path) -> None:
    """As a target, in a configuration, as a proxy and as a WSDL; whether it can be parsed or not."""
    for host in ("vc", "vc:port", "[vc", "vc:99999"):
        url = f"http://me:{password}@{host}/sdk"
        file = tmp_path / "vcontract.toml"
        file.write_text(f"target = '{url}'\nproxy = '{url}'\n", "utf-8")
        config = config_for("", file)
        for what, place in ((parse_url, url), (parse_url, config.target), (parse_proxy, config.proxy), (load, url)):
            with pytest.raises(HarnessError, match=r"holds a user name|is no URL") as refused:
                what(place)
            assert "anary" not in str(refused.value)
            assert "me:" not in str(refused.value)
        with pytest.raises(UsageError, match=r"holds a user name|is no URL"):
            with_environment(RunRequest(target=url))


@pytest.mark.parametrize("password", PASSWORDS)
def test_a_text_that_nobody_chose_shows_no_userinfo(password: str) -> None:
    """Whoever wrote it, an error of a library or of ours; a user name that is in no URL stays."""
    said = f"cannot reach 'https://me:{password}@vc/sdk' as me@vsphere.local: https://vc/sdk and http://u:{password}@p"
    shown = "cannot reach 'https://…@vc/sdk' as me@vsphere.local: https://vc/sdk and http://…@p"
    assert without_userinfo(said) == shown
    assert redact_everywhere(said) == shown
