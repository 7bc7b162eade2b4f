"""A bit of everything that Python can say; tests cut and mutate it."""
from __future__ import annotations

import asyncio, os.path as osp
from . import models
from ..shop.models import (Author as Writer, Book,)
from typing import *

type Pairs[K, *Ts, **P] = dict[K, list["Book | None"]]
limit: int = 0x_FF + 1_000
big, *rest = 10 ** 30, 1.5e3, 2j, b"bytes", r"\d", ...
text = "joined " 'from ' """parts""" f"and {limit!r:>{big}} {rest=}"


def traced(label: str = "x", /, *args: int, key=lambda row, *, n=1: row.id + n, **extra: Any) -> Callable[..., int]:
    def wrap(function):
        nonlocal label
        label += "!"
        return function
    return wrap


@traced("shop", key=len)
class Shelf(models.Model, Generic[T], metaclass=Meta, abstract=True):
    """Docstring."""

    name = models.CharField(max_length=100)
    books: Mapped[list["Book"]] = relationship(back_populates="shelf", lazy="selectin")
    owner: "Optional[Writer]"
    LEFT, RIGHT = range(2)
    if limit > 3:
        extra = property(lambda self: self.name)
    else:
        try:
            extra = None
        except (ValueError, TypeError) as error:
            raise RuntimeError("no") from error

    class Meta:
        ordering = ["-name"]

    @property
    def titles(self) -> list[str]:
        return [book.title for book in self.books.all() if book.author_id is not None]

    @staticmethod
    async def load(session: AsyncSession, *ids: int) -> AsyncIterator[Self]:
        async with session.begin() as transaction, lock:
            async for row in await session.stream(select(Shelf).where(Shelf.id.in_(ids))):
                yield row
        result = [x async for x in stream() if await x.ready()]


def report(request, (a, b)=None):
    global total, count
    total = count = 0
    books = (
        Book.objects.filter(author__name__in={a.name for a in Writer.objects.all()})
        # the newest first
        .select_related("author")
        .order_by("-published")[:limit:2]
    )
    for ix, (book, _) in enumerate(zip(books, rest)):
        if not book.author or ix % 2 == 0 and book in rest:
            continue
        elif (n := len(book.title)) > 10 <= n < 20:
            print(book.author.name, end="\n", *rest, **{"file": None})
        elif n == 3:
            break
        else:
            del book.cache, rest[0], (a, b)
    else:
        return {"total": total, **{k: v for k, vs in groups.items() for v in vs if v}, "set": {1, *rest}}
    while (chunk := read(1024)):
        buffer[len(buffer):] += chunk
        matrix[1:2, ::3, ...] = -matrix @ ~other | mask & 1 ^ 2
    assert total >= 0, f"negative: {total}"
    with open(a) as source, (open(b)) as (target, other.place): pass
    with (closing(a) as first, closing(b) as second,):
        any(x.done for x in first)
    try:
        value = 1 if a else 2 if b else yield_it()
    except* OSError as group:
        pass
    finally:
        x = yield
        yield from sub()
        yield 1, 2


def route(command):
    match command, 1:
        case Move(x=0, y=Point(dx, dy=-1) as delta) | [Jump(), *others] if dx > 0:
            return delta
        case {"name": str() as name, "at": (lat, lon), **options}:
            return name
        case "quit" | 'exit' | None | True | 3.14 | 1+2j | Color.RED:
            return
        case (single):
            pass
        case first, *_:
            pass
        case _:
            raise


if __name__ == "__main__": asyncio.run(main()); sys.exit(0)
print "python 2", total
exec code in scope
