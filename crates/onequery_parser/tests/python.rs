//! What Python lowers to, construct by construct, and that no text makes lowering panic.

use std::thread;

use onequery_core::ir::{Expr, ExprKind, FileIr};
use onequery_core::{ProblemKind, Span};
use onequery_parser::{dump, front_end};
use proptest::prelude::*;

fn lower(text: &str) -> FileIr {
    let front_end = front_end(".py").expect("Python is a front end");
    (front_end.lower)(text)
}

/// Compares the dump of a text. Both may start with a line break for legibility.
#[track_caller]
fn check(text: &str, expected: &str) {
    let text = text.strip_prefix('\n').unwrap_or(text);
    let expected = expected.strip_prefix('\n').unwrap_or(expected);
    assert_eq!(dump(&lower(text)), expected);
}

// The first iterable of a comprehension is outside of its loop.

#[test]
fn comprehension_list() {
    check(
        r"x = [f(a) for a in g(b)]",
        r"
fn #0()
  x = list-of { each a in g(b); f(a) }
",
    );
}

#[test]
fn comprehension_clauses_nest() {
    check(
        r"x = {a for a in b if c if d for e in f(a)}",
        r"
fn #0()
  x = set-of { each a in b; if c; if d; each e in f(a); a }
",
    );
}

#[test]
fn comprehension_dict_element_is_a_pair() {
    check(
        r"x = {k: v for k, v in d.items()}",
        r"
fn #0()
  x = dict-of { each (k, v) in d.items(); (k, v) }
",
    );
}

#[test]
fn generator_as_only_argument() {
    check(
        r"any(a.b for a in c)",
        r"
fn #0()
  any(generator-of { each a in c; a.b })
",
    );
}

#[test]
fn comprehension_async() {
    check(
        r"x = [a async for a in b]",
        r"
fn #0()
  x = list-of { each a in b; a }
",
    );
}

#[test]
fn comprehension_over_python_2_list() {
    check(
        r"[x for x in 1, 2]",
        r"
fn #0()
  list-of { each x in (1, 2); x }
",
    );
}

#[test]
fn comprehension_nested_in_element() {
    check(
        r"[[f(a, b) for b in a] for a in c]",
        r"
fn #0()
  list-of { each a in c; list-of { each b in a; f(a, b) } }
",
    );
}

// Loops.

#[test]
fn for_else() {
    check(
        r"
for a, *b in c, d:
    e
else:
    f
",
        r"
fn #0()
  for (a, *b) in (c, d)
    e
  else
    f
",
    );
}

#[test]
fn for_parenthesized_target() {
    check(
        r"for (a) in b: pass",
        r"
fn #0()
  for a in b
",
    );
}

#[test]
fn for_into_places() {
    check(
        r"
for a.b in c:
    for d[e] in f: g
",
        r"
fn #0()
  for a.b in c
    for d[e] in f
      g
",
    );
}

#[test]
fn while_condition_is_header() {
    check(
        r"
while (a := f()) and b:
    break
else:
    continue
",
        r"
fn #0()
  while header (And a = f() b)
    break
  else
    continue
",
    );
}

#[test]
fn async_for_and_with() {
    check(
        r"
async def f():
    async for a in b:
        async with c as d: await e
",
        r"
fn #0()
  def f#1
fn f#1() async in #0
  async for a in b
    async with c as d
      await e
",
    );
}

// Functions: decorators and defaults are lowered where the function is defined.

#[test]
fn defaults_belong_to_the_definer() {
    check(
        r"
def f(a, b=[x for x in y], *, c=lambda: 1):
    return a
",
        r"
fn #0()
  def f#1
fn f#1(a, b = list-of { each x in y; x }, c = lambda #2) in #0
  return a
fn #2() in #0
  1
",
    );
}

#[test]
fn parameters() {
    check(
        r"def f(a, /, b: int = 1, *c: int, d, e=2, **g: str) -> list[X]: ...",
        r"
fn #0()
  def f#1
fn f#1(a, b: int = 1, *c: int, d, e = 2, **g: str) -> list<X> in #0
  ...
",
    );
}

#[test]
fn parameters_of_python_2() {
    check(
        r"def f((a, b), (c, d)=e): pass",
        r"
fn #0()
  def f#1
fn f#1((a, b), (c, d) = e) in #0
",
    );
}

#[test]
fn keyword_only_after_bare_star() {
    check(
        r"def f(a, *, b): pass",
        r"
fn #0()
  def f#1
fn f#1(a, b) in #0
",
    );
}

#[test]
fn decorators() {
    check(
        r"
@a.b
@c(d)
async def f(): pass
",
        r"
fn #0()
  def f#1
@a.b @c(d) fn f#1() async in #0
",
    );
}

#[test]
fn generators() {
    check(
        r"
def f():
    x = yield
    yield 1, 2
    yield from g()
    def h(): pass
",
        r"
fn #0()
  def f#1
fn f#1() generator in #0
  x = yield
  yield (1, 2)
  yield from g()
  def h#2
fn h#2() in #1
",
    );
}

#[test]
fn nested_functions() {
    check(
        r"
def f():
    def g():
        return lambda x=1, *y: (yield x)
    return g
",
        r"
fn #0()
  def f#1
fn f#1() in #0
  def g#2
  return g
fn g#2() in #1
  return lambda #3
fn #3(x = 1, *y) generator in #2
  yield x
",
    );
}

#[test]
fn type_parameters() {
    check(
        r"def f[T: Base, *Ts, **P](x: T): pass",
        r"
fn #0()
  def f#1
fn f#1<T: Base, Ts, P>(x: T) in #0
",
    );
}

#[test]
fn docstrings_are_dropped() {
    check(
        r#"
'''module'''
def f():
    """doc"""
    'a' 'b'
    f'{x}'
"#,
        r"
fn #0()
  def f#1
fn f#1() in #0
  format(x)
",
    );
}

// Classes.

#[test]
fn class_header() {
    check(
        r"
@a
class A[T](B, C[T], *bases, metaclass=M, table=True, **kw): pass
",
        r"
@a Class A<T>(B, C[T], *bases, *kw, metaclass=M, table=true)
fn #0()
  class A
",
    );
}

#[test]
fn class_fields() {
    check(
        r"
class A:
    'doc'
    a = 1
    b: int
    c: 'list[B]' = f()
    d = e = 2
    g, h = 3, 4
    i.j = 5
    a += 1
    def m(self):
        self.x = 1
        y = 2
",
        r"
Class A()
  field a = 1
  field b: int
  field c: list<B> = f()
  field e = 2
  field d = e = 2
  field g
  field h
  methods m#1
fn #0()
  class A
    a = 1
    b: int
    c: list<B> = f()
    d = e = 2
    (g, h) = (3, 4)
    i.j = 5
    a += 1
    def m#1
fn m#1(self) in #0
  self.x = 1
  y = 2
",
    );
}

#[test]
fn class_fields_in_branches() {
    check(
        r"
class A:
    if a:
        b = 1
        def m(self): pass
    else:
        try:
            c = 2
        finally:
            d = 3
",
        r"
Class A()
  field b = 1
  field c = 2
  field d = 3
  methods m#1
fn #0()
  class A
    if a
      b = 1
      def m#1
    else
      try
        c = 2
      finally
        d = 3
fn m#1(self) in #0
",
    );
}

#[test]
fn class_nested() {
    check(
        r"
class A:
    class B:
        c = 1
        @property
        def m(self): pass
    d = 2
def f():
    class C:
        def m(self):
            def g(): pass
",
        r"
Class A()
  field d = 2
Class B()
  field c = 1
  methods m#1
Class C()
  methods m#3
fn #0()
  class A
    class B
      c = 1
      def m#1
    d = 2
  def f#2
@property fn m#1(self) in #0
fn f#2() in #0
  class C
    def m#3
fn m#3(self) in #2
  def g#4
fn g#4() in #3
",
    );
}

#[test]
fn class_lambda_is_no_method() {
    check(
        r"
class A:
    f = lambda self: 1
",
        r"
Class A()
  field f = lambda #1
fn #0()
  class A
    f = lambda #1
fn #1(self) in #0
  1
",
    );
}

// Imports.

#[test]
fn import_module() {
    check(
        r"import a, b.c, d.e as f",
        r"
import-root a as a
import-root b.c as b
import d.e as f
fn #0()
  import a
  import b.c
  import d.e
",
    );
}

#[test]
fn import_from() {
    check(
        r"
from a.b import c, d as e
from a import *
",
        r"
import a.b.c as c
import a.b.d as e
import-glob a as -
fn #0()
  import a.b.c
  import a.b.d
  import a
",
    );
}

#[test]
fn import_relative() {
    check(
        r"
from . import a
from .. b import (c,
  d as e,)
from ... import *
",
        r"
import .a as a
import ..b.c as c
import ..b.d as e
import-glob ... as -
fn #0()
  import .a
  import ..b.c
  import ..b.d
  import ...
",
    );
}

#[test]
fn import_future_is_skipped() {
    check(
        r"from __future__ import annotations",
        r"
fn #0()
",
    );
}

#[test]
fn import_inside_function() {
    check(
        r"
def f():
    from a import b, c
    import d.e
",
        r"
import a.b as b
import a.c as c
import-root d.e as d
fn #0()
  def f#1
fn f#1() in #0
  import a.b
  import a.c
  import d.e
",
    );
}

// Statements.

#[test]
fn if_elif_else() {
    check(
        r"
if a:
    b
elif c:
    d
else:
    e
",
        r"
fn #0()
  if a
    b
  else
    if c
      d
    else
      e
",
    );
}

#[test]
fn try_all() {
    check(
        r"
try:
    a
except (B, C) as d:
    e
except:
    raise
else:
    f
finally:
    g
",
        r"
fn #0()
  try
    a
  except (B, C) as d
    e
  except
    raise
  else
    f
  finally
    g
",
    );
}

#[test]
fn try_group() {
    check(
        r"
try: a
except* B as c: d
",
        r"
fn #0()
  try
    a
  except B as c
    d
",
    );
}

#[test]
fn try_python_2() {
    check(
        r"
try: a
except B, c: d
",
        r"
fn #0()
  try
    a
  except (B, c)
    d
",
    );
}

#[test]
fn with_targets() {
    check(
        r"
with a() as b, c as (d, e), f: g
with (a as b, c as d.e,): g
",
        r"
fn #0()
  with a() as b, c as (d, e), f
    g
  with a as b, c as d.e
    g
",
    );
}

#[test]
fn match_patterns() {
    check(
        r#"
match a, b:
    case Point(x, y=0) | [1, *rest] as q if x: c
    case {"k": v, **kw}: d
    case (x): pass
    case (x,): pass
    case a, *_: pass
    case -1 | "s" | A.B | None | 1+2j: pass
    case a.B(c=D(e) as f, g=_, h=i): pass
    case _: pass
"#,
        r"
fn #0()
  match (a, b)
    case q @ Point(x, y=_) | (_, *rest) if x
      c
    case (v, *kw)
      d
    case x
    case (x)
    case (a, ..)
    case _ | _ | _ | _ | _
    case a.B(c=f @ D(e), g=_, h=i)
    case _
",
    );
}

#[test]
fn assignments() {
    check(
        r"
a = b = c, d
a.b, (c[d], *e) = f
g: int = 1
h: str
i += 1
(j) = 2
[k, l] = m
",
        r"
fn #0()
  a = b = (c, d)
  (a.b, (c[d], *e)) = f
  g: int = 1
  h: str
  i += 1
  j = 2
  (k, l) = m
",
    );
}

#[test]
fn walrus() {
    check(
        r"if (n := f(x)) > 1: n",
        r"
fn #0()
  if (Compare n = f(x) 1)
    n
",
    );
}

#[test]
fn unbind() {
    check(
        r"
global a, b
nonlocal c
del d, (e, f.g), h[i]
del j.k
",
        r"
fn #0()
  unbind a.b
  unbind c
  opaque(f.g, h[i], unbind d.e)
  opaque(j.k)
",
    );
}

#[test]
fn raise_and_assert() {
    check(
        r"
raise
raise A(b) from c
assert a, b
",
        r"
fn #0()
  raise
  raise A(b), c
  opaque(a, b)
",
    );
}

#[test]
fn statements_on_one_line() {
    check(
        r"a; b; pass; c",
        r"
fn #0()
  a
  b
  c
",
    );
}

#[test]
fn tuple_as_statement() {
    check(
        r"a, b",
        r"
fn #0()
  a
  b
",
    );
}

#[test]
fn type_alias() {
    check(
        r"
type A[T] = list[T] | None
B: TypeAlias = 'C'
",
        r#"
fn #0()
  A = (Bitwise list[T] None)
  B: TypeAlias = "C"
"#,
    );
}

#[test]
fn python_2_statements() {
    check(
        r"
print a, b
print >>f, c
exec code in d
print(e)
raise A, 'b'
",
        r#"
fn #0()
  opaque(a, b)
  opaque(opaque(f), c)
  opaque(code, d)
  print(e)
  raise (A, "b")
"#,
    );
}

// Expressions.

#[test]
fn calls() {
    check(
        r"
f(a, *b, c=d, **e)
f()(g.h)
f(*(a), )
",
        r"
fn #0()
  f(a, *b, c=d, **e)
  f()(g.h)
  f(*a)
",
    );
}

#[test]
fn operators() {
    check(
        r"
a or b and not c
-a + b * c % d
a | b & c ^ d
a < b <= c
a in b
a not in b is not c
a == b != c
",
        r"
fn #0()
  (Or a (And b not c))
  (Arithmetic unary a (Modulo (Arithmetic b c) d))
  (Bitwise a (BitAnd b (Bitwise c d)))
  (Compare (Compare a b) c)
  (In a b)
  (Unequal (In a b) c)
  (Unequal (Equal a b) c)
",
    );
}

#[test]
fn conditional() {
    check(
        r"x = a if b else c if d else e",
        r"
fn #0()
  x = { if b; a; else; if d; c; else; e }
",
    );
}

#[test]
fn subscripts() {
    check(
        r"
a[b]
a[b, c]
a[:]
a[1:]
a[:2]
a[1:2:3]
a[::-1]
a[1:2, 3, ::4]
a[*b]
",
        r"
fn #0()
  a[b]
  a[(b, c)]
  a[:]
  a[1:]
  a[:2]
  a[1:2:3]
  a[::unary 1]
  a[(opaque(1, 2), 3, opaque(4))]
  a[*b]
",
    );
}

#[test]
fn collections() {
    check(
        r"
[a, *b]
(a, b)
()
(a,)
{a, *b}
{a: b, **c}
{}
[]
",
        r"
fn #0()
  [a, *b]
  (a, b)
  ()
  (a)
  set{a, *b}
  dict{a, b, *c}
  dict{}
  []
",
    );
}

#[test]
fn numbers() {
    check(
        r"f(1, 0xFF, 0o17, 0b11, 1_000, 10L, 1.5, 2j, 1e3, 99999999999999999999)",
        r"
fn #0()
  f(1, 255, 15, 3, 1000, 10, number, number, number, number)
",
    );
}

#[test]
fn constants() {
    check(
        r"f(None, True, False, ...)",
        r"
fn #0()
  f(None, true, false, ...)
",
    );
}

#[test]
fn strings() {
    check(
        r#"f('a', "b", '''c"d''', r'\d', u'e', b'f', rb'g', 'h' "i" '''j''', '', b'' 'k', '\n')"#,
        r#"
fn #0()
  f("a", "b", "c\"d", "\\d", "e", literal, literal, "hij", "", literal, "\\n")
"#,
    );
}

#[test]
fn format_strings() {
    check(
        r"f(f'', f'a', f'{a}', F'{b!r:>{c}}{d=}', 'e' f'{g}' 'h', rf'{{}}{i}', f'{j:%Y}', t'{k}')",
        r#"
fn #0()
  f("", "a", format(a), format(b, c, d), format("e", g), format(i), format(j), format(k))
"#,
    );
}

#[test]
fn await_and_lambda() {
    check(
        r"x = await f(lambda a, *, b=1, **c: a)",
        r"
fn #0()
  x = await f(lambda #1)
fn #1(a, b = 1, **c) in #0
  a
",
    );
}

#[test]
fn attributes_over_lines() {
    check(
        r"
(a
  # why
  .b()  # how
  .
  c)
",
        r"
fn #0()
  a.b().c
",
    );
}

// Types.

#[test]
fn types_paths() {
    check(
        r"
a: int
b: x.y.Z
c: list[x.Y]
d: dict[str, list[X]]
e: Mapped[X]
f: x.y[Z]
g: tuple[int, ...]
h: type[X]
",
        r"
fn #0()
  a: int
  b: x.y.Z
  c: list<x.Y>
  d: dict<str, list<X>>
  e: Mapped<X>
  f: x.y<Z>
  g: tuple<int>
  h: type<X>
",
    );
}

#[test]
fn types_unions() {
    check(
        r"
a: X | None
b: Optional[X]
c: typing.Union[X, Y, None]
d: X | Y | list[Z]
e: (X | Y)
f: list[X] | None
",
        r"
fn #0()
  a: X | ()
  b: X | ()
  c: X | Y | ()
  d: X | Y | list<Z>
  e: X | Y
  f: list<X> | ()
",
    );
}

#[test]
fn types_special() {
    check(
        r"
a: Callable[[A, B], C]
b: Callable[..., C]
c: Callable
d: Annotated[X, 'meta', Foo(1)]
e: Literal['a', 1]
f: None
g: f()
h: t.Callable[[], None]
i: A - B
",
        r"
fn #0()
  a: fn(A, B) -> C
  b: fn() -> C
  c: Callable
  d: X
  e: Literal<_, _>
  f: ()
  g: _
  h: fn() -> ()
  i: _
",
    );
}

#[test]
fn types_in_strings() {
    check(
        r#"
a: 'X'
b: "x.Y"
c: 'list["X"]'
d: 'X | None'
e: Optional['X']
f: list['x.Y']
g: 'not a type ['
h: ' X '
i: ''
j: f'{x}'
k: 'None'
"#,
        r"
fn #0()
  a: X
  b: x.Y
  c: list<X>
  d: X | ()
  e: X | ()
  f: list<x.Y>
  g: _
  h: X
  i: _
  j: _
  k: ()
",
    );
}

// Broken files.

#[test]
fn broken_call() {
    check(
        r"
a = f(
for x in y:
    z()
",
        r"
fn #0()
  opaque(a, f, (In x z()))
  opaque()
  opaque(y)
problem syntax-error at 7: invalid syntax; the rest of the file was analysed
",
    );
}

#[test]
fn broken_attribute() {
    check(
        r"
def f(self):
    return self.

x = 1
",
        r"
fn #0()
  def f#1
  opaque(self)
  x = 1
fn f#1(self) in #0
problem syntax-error at 17: invalid syntax; the rest of the file was analysed
",
    );
}

#[test]
fn broken_class() {
    check(
        r"
class A:
    x =
    def m(self): return g(1)
",
        r"
Class A()
  methods m#1
fn #0()
  class A
    def m#1
  opaque(x)
fn m#1(self) in #0
  return g(1)
problem syntax-error at 13: invalid syntax; the rest of the file was analysed
",
    );
}

#[test]
fn broken_def() {
    check(
        r"
def f(

",
        r"
fn #0()
  opaque(f)
problem syntax-error at 0: invalid syntax; the rest of the file was analysed
",
    );
}

#[test]
fn broken_if() {
    check(
        r"
if a b c:
    d()
elif:
    e()
else
    f()
",
        r"
fn #0()
  if a
    e()
  opaque(b, c, { d() })
  opaque()
  f()
problem syntax-error at 5: invalid syntax; the rest of the file was analysed
",
    );
}

#[test]
fn broken_brackets() {
    check(
        r"
x = [1, (2, {3: 4]
y = 5
",
        r"
fn #0()
  x = [1]
  opaque(2, (3, 4))
  y = 5
problem syntax-error at 8: invalid syntax; the rest of the file was analysed
",
    );
}

#[test]
fn broken_in_loop_head() {
    check(
        r"
for x in y z(1):
    w
",
        r"
fn #0()
  for x in z(1)
    w
  opaque(y)
problem syntax-error at 9: invalid syntax; the rest of the file was analysed
",
    );
}

// Texts.

#[test]
fn text_empty() {
    check(
        "",
        r"
fn #0()
",
    );
}

#[test]
fn text_whitespace() {
    check(
        " \t\r\n  \n",
        r"
fn #0()
",
    );
}

#[test]
fn text_byte_order_mark() {
    check(
        "\u{feff}a = 1\r\nif b:\r\n\tc\r\n",
        r"
fn #0()
  a = 1
  if b
    c
",
    );
}

// Places and flags that the dump does not show.

/// The text of the first expression that `find` accepts.
fn span_of(text: &str, find: impl Fn(&ExprKind) -> Option<Span>) -> &str {
    let ir = lower(text);
    let found = ir.exprs.iter().find_map(|Expr { kind, .. }| find(kind));
    found.map_or("", |span| span.text(text))
}

#[test]
fn head_of_a_loop_ends_with_its_iterable() {
    let head = |kind: &ExprKind| match kind {
        ExprKind::Loop(the_loop) => Some(the_loop.head_span),
        _ => None,
    };
    assert_eq!(
        span_of("for a, b in f(c):\n    d\nelse: e\n", head),
        "for a, b in f(c)"
    );
    assert_eq!(span_of("while a < b:\n    d\n", head), "while a < b");
    assert_eq!(span_of("[a for b in c if d]", head), "for b in c");
}

#[test]
fn attributes_have_the_place_of_their_name() {
    let name = |kind: &ExprKind| match kind {
        ExprKind::Attr { name_span, .. } => Some(*name_span),
        _ => None,
    };
    assert_eq!(span_of("é = book.author", name), "author");
    assert_eq!(span_of("(book.  # why\n  author)", name), "author");
}

#[test]
fn types_in_strings_have_their_place() {
    let text = "x: '''list[Book]'''";
    let ir = lower(text);
    let places: Vec<_> = ir
        .exprs
        .iter()
        .filter_map(|expr| match &expr.kind {
            ExprKind::Assign { ty: Some(ty), .. } => match &**ty {
                onequery_core::ir::TypeRef::Path { span, args, .. } => Some((
                    span.text(text),
                    format!("{args:?}").contains("start: 11, end: 15"),
                )),
                _ => None,
            },
            _ => None,
        })
        .collect();
    assert_eq!(places, [("list[Book]", true)]);
}

#[test]
fn places_of_definitions() {
    let text = "@a\ndef f(): pass\n@b\nclass C: pass\nd = lambda: e\n";
    let ir = lower(text);
    assert_eq!(ir.functions[1].span.text(text), "@a\ndef f(): pass");
    assert_eq!(ir.functions[1].name_span.text(text), "f");
    assert_eq!(ir.classes[0].span.text(text), "@b\nclass C: pass");
    assert_eq!(ir.classes[0].name_span.text(text), "C");
    assert_eq!(ir.functions[2].span.text(text), "lambda: e");
}

#[test]
fn holders_of_functions_classes_and_imports() {
    let ir = lower(
        "class A:\n    def f(self):\n        import a\n        class B: pass\n    class C: pass\n    import b\n",
    );
    let f = &ir.functions[1];
    assert_eq!(
        (f.class.map(|ix| ix.0), f.outer.map(|ix| ix.0)),
        (Some(0), Some(0))
    );
    let holders: Vec<_> = ir
        .classes
        .iter()
        .map(|class| (class.function.0, class.outer.map(|ix| ix.0)))
        .collect();
    assert_eq!(holders, [(0, None), (1, None), (0, Some(0))]);
    let imports: Vec<_> = ir
        .imports
        .iter()
        .map(|import| import.function.map(|ix| ix.0))
        .collect();
    assert_eq!(imports, [Some(1), None]);
}

#[test]
fn params_after_a_star_are_keyword_only() {
    let keyword_only = |text| -> Vec<bool> {
        let ir = lower(text);
        ir.functions[1]
            .params
            .iter()
            .map(|param| param.keyword_only)
            .collect()
    };
    assert_eq!(
        keyword_only("def f(a, /, b, *, c, d=1, **e): pass"),
        [false, false, true, true, false]
    );
    assert_eq!(keyword_only("def f(a, *b, c): pass"), [false, false, true]);
}

#[test]
fn element_of_a_comprehension_is_its_innermost_expression() {
    let ir = lower("{a.b: c for d in e if f}");
    let each = ir.exprs.iter().find_map(|expr| match expr.kind {
        ExprKind::Comprehension { each, .. } => Some(ir.expr(each)),
        _ => None,
    });
    assert!(matches!(
        each,
        Some(Expr {
            kind: ExprKind::Collection(..),
            ..
        })
    ));
}

#[test]
fn long_strings_are_cut_between_characters() {
    let ir = lower(&format!("a = 'x{}'", "é".repeat(5000)));
    let longest = (ir.exprs.iter())
        .filter_map(|expr| match expr.kind {
            ExprKind::Literal(onequery_core::ir::Literal::Str(name)) => Some(ir.name(name).len()),
            _ => None,
        })
        .max();
    assert_eq!(longest, Some(4095));
}

#[test]
fn nul_bytes() {
    assert!(!lower("a = 1\0\nb = '\0'\n").exprs.is_empty());
}

// Robustness.

/// A bit of everything.
const KITCHEN_SINK: &str = include_str!("python_kitchen_sink.py");

/// The invariants that hold for every text.
fn assert_sound(text: &str) {
    let ir = lower(text);
    for (ix, expr) in ir.exprs.iter().enumerate() {
        assert!(expr.span.start <= expr.span.end && expr.span.end as usize <= text.len());
        let too_large = match &expr.kind {
            ExprKind::Opaque(parts) | ExprKind::Block { items: parts, .. } => {
                parts.iter().any(|part| part.index() >= ix)
            }
            ExprKind::Call { callee, .. } => callee.index() >= ix,
            _ => false,
        };
        assert!(!too_large, "children have smaller ids than their parents");
    }
    let n_syntax = (ir.problems.iter())
        .filter(|problem| problem.kind == ProblemKind::Syntax)
        .count();
    assert!(n_syntax <= 1, "only the first error is reported");
    assert!(!dump(&ir).is_empty());
}

#[test]
fn kitchen_sink_is_valid() {
    assert_eq!(lower(KITCHEN_SINK).problems, []);
}

#[test]
fn every_prefix_lowers() {
    for (end, _) in KITCHEN_SINK.char_indices() {
        lower(&KITCHEN_SINK[..end]);
    }
}

/// Runs on the stack that rayon's threads have, and returns the problems' kinds.
#[track_caller]
fn problems_on_a_small_stack(text: String) -> Vec<ProblemKind> {
    let run = move || {
        assert_sound(&text);
        lower(&text).problems.iter().map(|problem| problem.kind).collect()
    };
    let thread = thread::Builder::new().stack_size(2 << 20).spawn(run);
    thread
        .expect("a thread can be started")
        .join()
        .expect("lowering does not panic")
}

/// Compound statements inside of each other.
fn indented(lines: &[&str]) -> String {
    let line = |depth: usize, line: &&str| format!("{:1$}{line}\n", "", 2 * depth);
    (0..300)
        .flat_map(|depth| lines.iter().map(move |text| line(depth, text)))
        .collect()
}

#[test]
fn deep_nesting_is_cut() {
    let n = 10_000;
    for text in [
        format!("{}x{}", "(".repeat(n), ")".repeat(n)),
        format!("{}x{}", "[".repeat(n), "]".repeat(n)),
        format!("{}x{}", "f(".repeat(n), ")".repeat(n)),
        format!("{}x{}", "{1: ".repeat(n), "}".repeat(n)),
        format!("{}x", "not ".repeat(n)),
        format!("{}x", "lambda: ".repeat(n)),
        format!("{}x", "a if b else ".repeat(n)),
        format!("{}x", "a = ".repeat(n)),
        format!("[x {}]", "for a in b ".repeat(n)),
        format!("x: {}y{}", "a[".repeat(n), "]".repeat(n)),
        format!("{}x{} = y", "(".repeat(n), ")".repeat(n)),
        format!("{}x{}", "[".repeat(n), " for a in b]".repeat(n)),
        format!("{}x{}", "a.b[".repeat(n), "]".repeat(n)),
        format!("{}x{}", "a + (".repeat(n), ")".repeat(n)),
        indented(&["if a:"]),
        indented(&["class A:"]),
        indented(&["for a in b:"]),
        indented(&["@a", "def f(b=c):"]),
        indented(&["with a as b:"]),
        indented(&["try:"]),
        indented(&["match a:", " case b:"]),
    ] {
        let start = text[..20].to_owned();
        assert!(
            problems_on_a_small_stack(text).contains(&ProblemKind::TooDeep),
            "{start}"
        );
    }
}

/// Chains nest in the IR too, but keep all of their parts when they are too long for it.
#[test]
fn long_chains_keep_their_parts() {
    let n = 10_000;
    for (text, n_parts) in [
        (vec!["a"; n].join(" + "), n),
        (vec!["a"; n].join(" and "), n),
        (vec!["a"; n].join(" < "), n),
        (format!("a{}", ".b(a)".repeat(n - 1)), n),
        (format!("a{}", "[a]".repeat(n - 1)), n),
        (format!("if a: a\n{}", "elif a: a\n".repeat(n / 2 - 1)), n),
        (format!("x = [{}]", "a, ".repeat(n)), n),
        (format!("x = {}", "'a' ".repeat(n)), 0),
        ("a\n".repeat(n), n),
    ] {
        let n_found = lower(&text)
            .exprs
            .iter()
            .filter(|expr| matches!(expr.kind, ExprKind::Name(_)) && expr.span.text(&text) == "a")
            .count();
        assert_eq!(n_found, n_parts, "{}", &text[..20]);
        assert_eq!(problems_on_a_small_stack(text), []);
    }
}

proptest! {
    #[test]
    fn any_text_lowers(text in any::<String>()) {
        assert_sound(&text);
    }

    #[test]
    fn any_tokens_lower(tokens in prop::collection::vec(prop::sample::select(TOKENS), 0..60)) {
        assert_sound(&tokens.join(" "));
        assert_sound(&tokens.concat());
    }

    /// Real code with a piece cut out, moved or replaced.
    #[test]
    fn mutated_code_lowers(from: prop::sample::Index, len in 0..80_usize, to: prop::sample::Index, noise in "\\PC{0,4}") {
        let mut chars: Vec<char> = KITCHEN_SINK.chars().collect();
        let from = from.index(chars.len());
        let cut: Vec<char> = chars.drain(from..(from + len).min(chars.len())).chain(noise.chars()).collect();
        let to = to.index(chars.len());
        chars.splice(to..to, cut);
        assert_sound(&chars.into_iter().collect::<String>());
    }
}

const TOKENS: &[&str] = &[
    "\n", "\n    ", "\n\t", ":", ",", ".", "(", ")", "[", "]", "{", "}", "=", ":=", "==", "*", "**", "@",
    "->", "|", "-", "not", "in", "and", "is", "if", "elif", "else", "for", "while", "try", "except",
    "finally", "with", "as", "async", "await", "def", "class", "lambda", "match", "case", "return", "yield",
    "from", "import", "del", "global", "raise", "type", "print", "a", "b", "1", "'", "\"", "f\"{", "}\"",
    "'x'", "\"\"\"", "#", "\\", "_", "None", "...", "é", "\u{feff}", "\0", "\r\n",
];
