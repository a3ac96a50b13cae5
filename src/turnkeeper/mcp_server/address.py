"""Where the server listens: this machine only. From elsewhere it is reached by a proxy with TLS."""

from dataclasses import dataclass

from turnkeeper.errors import SettingsError

LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen; port 0 is any free one."""

    host: str
    port: int

    @classmethod
    def read(cls, text: str) -> "Address":
        """`[HOST:]PORT`; the host is 127.0.0.1 unless it is given.

        Raises:
            SettingsError: it is no such address, or one that other machines can reach.
        """
        host, _, port = text.rpartition(":")
        host = host.removeprefix("[").removesuffix("]") or "127.0.0.1"
        if not (port.isascii() and port.isdigit() and int(port) < 65536):
            raise SettingsError(f"--http is {text!r} and must be [HOST:]PORT, such as 8765.")
        if host not in LOOPBACK:
            raise SettingsError(
                f"--http is {text!r}, but this server speaks no TLS: it listens on "
                f"{', '.join(LOOPBACK)} only; put a proxy before it."
            )
        return cls(host, int(port))

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"
