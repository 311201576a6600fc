"""What happens to tests of SSH where there is no server."""

from __future__ import annotations

import pytest
import sshd
from _pytest.outcomes import Failed, Skipped


def test_a_missing_server_is_a_failure_only_where_it_has_to_be_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sshd.shutil, "which", lambda name: None)
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.delenv("JFR_SSHD_UNAVAILABLE", raising=False)
    with pytest.raises(Skipped, match="not installed"):
        sshd.require_sshd()
    monkeypatch.setenv("CI", "1")
    with pytest.raises(Failed, match="nothing says that it cannot be had"):
        sshd.require_sshd()
    monkeypatch.setenv("JFR_SSHD_UNAVAILABLE", "no network")
    with pytest.raises(Skipped, match="no network"):
        sshd.require_sshd()
