"""What can be known on this machine: keys, codec, forms, the gateway's settings."""

import asyncio
import hmac
import os
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from temporalio.service import RPCError

from turnkeeper.backend import Sought
from turnkeeper.doctor.finding import Examined, Finding, ok, skipped, warning, wrong
from turnkeeper.errors import FormError, KeyUnknown, SettingsError
from turnkeeper.forms.load import load_folder
from turnkeeper.misspelt import misspelt
from turnkeeper.security.converter import keyring
from turnkeeper.security.identity import session_id
from turnkeeper.security.key_store import SessionId, database, identity_of
from turnkeeper.security.key_store import key_store as open_key_store
from turnkeeper.visibility import visibility_query

if TYPE_CHECKING:
    from turnkeeper.security.keyring import Keyring

_UNSET = "TURNKEEPER_KEYS is unset"
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


async def settings(_: Examined) -> Finding:
    """Nothing that looks like a setting is something else."""
    found = misspelt(os.environ)
    if found:
        return warning("; ".join(found), "write it as docs/settings.md does, or unset it")
    return ok("every TURNKEEPER_ variable that looks like a setting is one")


async def keys(examined: Examined) -> Finding:
    """A key is wrapped by the tenant key and unwrapped again."""
    settings = examined.settings
    if settings.keys is None:
        return warning(
            "sessions are not encrypted here, and their ids can be guessed: " + _UNSET,
            "`turnkeeper keys make FILE`, and set TURNKEEPER_KEYS and TURNKEEPER_KEY_STORE for"
            " every worker, gateway and client",
        )
    from turnkeeper.security.aead import new_key

    provider = keyring(settings).provider
    data_key = new_key()
    wrapped = await provider.wrap(settings.tenant, data_key)
    if not hmac.compare_digest(await provider.unwrap(settings.tenant, wrapped), data_key):
        return wrong("the tenant key does not open what it closed", "look at TURNKEEPER_KEYS")
    return ok(f"the tenant key wraps and unwraps; its current version is {wrapped.version}")


async def key_store(examined: Examined) -> Finding:
    """It answers, and what is in it was wrapped by a tenant key that is here: one key of the oldest
    version and that of the tenant's identity are unwrapped. A store that is not there is not made.
    """
    settings = examined.settings
    if settings.keys is None:
        return skipped(_UNSET)
    from turnkeeper.security.rewrapping import tenant_keys

    ring = keyring(settings)
    if not await asyncio.to_thread(database(settings.key_store or "").is_made):
        return await _not_there(examined)
    found = await tenant_keys(ring, settings.tenant)
    missing = sorted({*found.live, *([found.identity] if found.identity else [])})
    missing = [version for version in missing if version not in found.versions.known]
    if missing:
        return wrong(
            f"keys are wrapped by a version that is not here: {', '.join(missing)}",
            "bring that version of the tenant key back; sessions under it wait until then",
        )
    try:
        await _unwrap_some(ring, settings.tenant, found.identity or "")
    except KeyUnknown as error:
        return wrong(
            f"it does not go with TURNKEEPER_KEYS: {error}",
            "set TURNKEEPER_KEYS and TURNKEEPER_KEY_STORE as the workers have them: sessions can't"
            " be read, nor found by their callers, until then",
        )
    live = f"sessions that it has keys of: {sum(found.live.values())}"
    if found.outdated:
        old = f"{live}; keys under an older version: {found.outdated}"
        return warning(old, "turnkeeper keys rewrap")
    return ok(live)


async def _unwrap_some(ring: "Keyring", tenant: str, identity: str) -> None:
    """The tenant's identity key, and a key that another version than `identity` wraps. Raises
    KeyUnknown."""
    of_tenant = await ring.store.live(identity_of(tenant))
    others = await ring.store.outdated(tenant, identity, "", 1)
    for stored in (of_tenant, *others):
        if stored is not None and stored.wrapped is not None:
            await ring.provider.unwrap(tenant, stored.wrapped)


async def _not_there(examined: Examined) -> Finding:
    """Of a store that nothing was ever put in: wrong where there are sessions already."""
    there, settings = "there is no key store as yet", examined.settings
    mend = (
        "the first session makes one. If there was one, bring it back or set TURNKEEPER_KEY_STORE"
        " to where it is: what it had the keys of can't be read without it"
    )
    own = f"{settings.prefix}:{settings.tenant}:"
    try:
        found = await examined.client.count_workflows(visibility_query(own, Sought(), None))
    except (RPCError, RuntimeError):  # What is wrong with the server is another check's.
        return warning(there, mend)
    if found.count == 0 or settings.accept_plaintext:
        return warning(there, mend)
    return wrong(f"{there}, and the server has sessions of this tenant", mend)


async def codec(examined: Examined) -> Finding:
    """What a session would store is encrypted and read back; nothing is kept of it."""
    settings = examined.settings
    if settings.keys is None:
        return skipped(_UNSET)
    from turnkeeper.security.codec import SessionCodec
    from turnkeeper.security.keyring import Keyring

    session = SessionId(
        examined.client.namespace,
        session_id(settings.prefix, settings.tenant, "doctor", "doctor"),
    )
    converter, said = examined.client.data_converter.payload_converter, {"answer": "4711"}
    with TemporaryDirectory() as folder:
        own = Keyring(keyring(settings).provider, open_key_store(f"sqlite:{folder}/keys.db"))
        await own.of_session(session)
        bound = SessionCodec(own).of(session)
        stored = await bound.encode([converter.to_payload(said)])
        (back,) = await bound.decode(stored)
    if said["answer"].encode() in stored[0].data or converter.from_payload(back) != said:
        return wrong("what is stored is not what was said, encrypted", "please report it")
    return ok("what is said is encrypted, and read back")


async def forms(examined: Examined) -> Finding:
    """Each file of the folder is a form."""
    folder = examined.settings.forms
    if not folder.is_dir():
        return skipped(
            f"there is no folder {folder} here; only workers need one (TURNKEEPER_FORMS)"
        )
    try:
        found = await asyncio.to_thread(load_folder, folder)
    except FormError as error:
        count = len(error.mistakes)
        return wrong(
            f"{count} {'mistake' if count == 1 else 'mistakes'}, the first: {error.mistakes[0]}",
            f"`turnkeeper forms check {folder}` lists them all",
        )
    if not found:
        return wrong(f"there is no form in {folder}", "a form is a *.yaml file in that folder")
    return ok(", ".join(found))


async def gateway(examined: Examined) -> Finding:
    """A gateway with these settings would start, and platforms would reach it."""
    try:
        from turnkeeper.gateway.access.ways import ways_in
    except ImportError as error:
        return skipped(f"turnkeeper[gateway] is not installed here ({error.name} is missing)")
    try:
        ways_in(examined.settings)
    except SettingsError as error:
        return warning("a gateway would not start with these settings", str(error))
    public = urlsplit(examined.settings.public_url or "")
    if not public.hostname:
        return ok("a gateway would answer on this machine alone: TURNKEEPER_PUBLIC_URL is unset")
    if public.scheme != "https" and public.hostname not in _LOOPBACK:
        return warning(
            "TURNKEEPER_PUBLIC_URL is http://: keys, tokens and calls would be read on the way",
            "put TLS before the gateway and give it its https:// address",
        )
    return ok(f"a gateway would be reached as {public.hostname}")
