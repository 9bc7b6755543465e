"""Files on their way between the bot and a painter, in a bucket of the server's object store."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import shutil
import tempfile
from pathlib import Path
from typing import (
    IO,
    TYPE_CHECKING,
    Any,
    Collection,
    Dict,
    Iterable,
    Iterator,
    Mapping,
    Optional,
    Sequence,
    Tuple,
)

from bot.errors import FleetError
from bot.painting.fleet.link import Link
from bot.painting.fleet.subjects import bucket_of
from bot.threads import held_on_thread, on_thread
from runtime.files import atomic_write

if TYPE_CHECKING:
    from nats.js.object_store import ObjectStore

#: Bytes of a message. Read in an envelope, it takes a third more; a server takes 1 MiB.
_CHUNK = 512 << 10
#: Seconds after which a file is deleted that nobody has deleted.
KEEP = 3600.0
#: Bytes that a bucket holds at most: the files of one job, and of sketches.
ROOM = 256 << 20


class Bucket:
    """The files between the bot and `painter`; all methods raise `FleetError`."""

    def __init__(self, link: Link, painter: str) -> None:
        self._link = link
        self._name = bucket_of(painter)
        self._stream = f"OBJ_{self._name}"

    async def make(self) -> None:
        """Make the bucket, if it is not there; only the bot may."""
        from nats.js.api import ObjectStoreConfig, StorageType

        config = ObjectStoreConfig(ttl=KEEP, max_bytes=ROOM, storage=StorageType.FILE)
        await self._link.attempt(self._link.js.create_object_store(self._name, config=config))
        # What an earlier run left.
        await self._purge()

    async def remove(self, names: Iterable[str]) -> None:
        """Delete files, if they are there; only the bot may."""
        await asyncio.gather(*map(self._remove, names))

    async def put(self, name: str, path: Path) -> None:
        """Store the file `path` as `name`; raises `OSError` for a file that cannot be read."""
        from nats.js.api import ObjectMeta, ObjectMetaOptions

        meta = ObjectMeta(name=name, options=ObjectMetaOptions(max_chunk_size=_CHUNK))
        file = await on_thread(lambda: path.open("rb"))
        try:
            await self._link.attempt(self._store.put(name, file, meta))
        finally:
            file.close()

    async def put_all(
        self, paths: Sequence[str], prefix: str, own: Collection[str]
    ) -> Tuple[Dict[str, str], Dict[str, str]]:
        """Store those of `paths` whose SHA-256 is not in `own`, which the reader has itself.

        Returns the name of each path, which begins with `prefix`, and the SHA-256 of each name that
        was not stored. Raises `OSError` too.
        """
        names: Dict[str, str] = {}
        digests: Dict[str, str] = {}
        for number, path in enumerate(paths):
            name = names[path] = f"{prefix}-{number}{Path(path).suffix}"
            digest = await on_thread(_sha256_of, path)
            if digest in own:
                digests[name] = digest
            else:
                await self.put(name, Path(path))
        return names, digests

    async def get_all(
        self, names: Sequence[str], folder: Path, own: Mapping[str, Optional[Path]]
    ) -> Dict[str, str]:
        """Write files to `folder`, unless the reader has its `own`; returns the path of each name."""
        paths: Dict[str, str] = {}
        for name in names:
            path = own.get(name)
            paths[name] = inside(folder, name) if path is None else str(path)
            if path is None:
                await self.get(name, Path(paths[name]))
        return paths

    async def get(self, name: str, path: Path, *, durable: bool = False) -> None:
        """Write the file `name` to `path`, whole or not at all; raises `OSError` of the disk too."""
        info = await self._info(name)
        sizes = (info.chunks, info.size)
        if not all(isinstance(each, int) and 0 <= each <= ROOM for each in sizes):
            raise FleetError(f"{name} has no size that a file of the fleet can have.")
        async with held_on_thread(atomic_write(path, durable=durable)) as file:
            if await self._copy(info, file) != info.digest:
                raise FleetError(f"{name} arrived damaged.")

    async def _info(self, name: str) -> Any:
        return await self._link.attempt(self._store.get_info(name))

    async def _remove(self, name: str) -> None:
        info = await self._link.attempt(self._find(name))
        if info is None:
            return
        # Not `ObjectStore.delete`, which leaves a mark.
        encoded = base64.urlsafe_b64encode(name.encode()).decode()
        await self._purge(f"$O.{self._name}.M.{encoded}")
        await self._purge(f"$O.{self._name}.C.{info.nuid}")

    async def _find(self, name: str) -> Any:
        from nats.js.errors import ObjectNotFoundError

        try:
            return await self._store.get_info(name)
        except ObjectNotFoundError:
            return None

    async def _purge(self, subject: Optional[str] = None) -> None:
        await self._link.attempt(self._link.js.purge_stream(self._stream, subject=subject))

    @property
    def _store(self) -> ObjectStore:
        from nats.js.object_store import ObjectStore

        # Without asking the server whether it is there.
        return ObjectStore(self._name, self._stream, self._link.js)

    async def _copy(self, info: Any, file: IO[bytes]) -> str:
        """Write all chunks; returns their digest as the store writes it."""
        # Not `ObjectStore.get`: it needs a consumer, which a painter may not have.
        subject = f"$O.{self._name}.C.{info.nuid}"
        digest, sequence = hashlib.sha256(), 0
        size = 0
        for _ in range(info.chunks):
            chunk = await self._link.attempt(
                self._link.js.get_msg(self._stream, seq=sequence + 1, subject=subject, next=True)
            )
            sequence = chunk.seq
            data = chunk.data or b""
            size += len(data)
            if not data or size > info.size:
                raise FleetError(f"{info.name} is not of the size that it says.")
            digest.update(data)
            await on_thread(file.write, data)
        return f"SHA-256={base64.urlsafe_b64encode(digest.digest()).decode()}"


def inside(folder: Path, name: str) -> str:
    """The path of the file `name` in `folder`, or of that itself; raises `FleetError` for another."""
    if name != "." and (Path(name).name != name or name in ("", "..")):
        raise FleetError(f"{name!r} is not a file's name.")
    return str(folder / name)


@contextlib.contextmanager
def working_folder() -> Iterator[Path]:
    """A folder for the files of one job or sketch, removed with them."""
    folder = tempfile.mkdtemp(prefix="jetbrush-")
    try:
        yield Path(folder)
    finally:
        # A child process that is being stopped may still write there.
        shutil.rmtree(folder, ignore_errors=True)


def _sha256_of(path: str) -> str:
    """The digest of a file in hexadecimal digits."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()
