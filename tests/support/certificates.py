"""Owns certificates that a test's servers sign themselves."""

import subprocess
from pathlib import Path


def certificate_of(name: str, folder: Path) -> tuple[Path, Path]:
    """The files of a key and of a certificate of this host name, which nobody else has signed."""
    key, certificate = folder / "key.pem", folder / "cert.pem"
    subprocess.run(  # noqa: S603 - words of ours
        [
            *("/usr/bin/env", "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes"),
            *("-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}"),
            *("-keyout", str(key), "-out", str(certificate), "-days", "2"),
        ],
        check=True,
        capture_output=True,
    )
    return key, certificate
