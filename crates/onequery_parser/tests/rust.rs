//! Rust lowers to the IR it should, whatever the text.

use onequery_core::ir::{ExprKind, FileIr};
use onequery_core::{ProblemKind, Span};

fn lower(text: &str) -> FileIr {
    (onequery_parser::front_end(".rs")
        .expect("Rust has a front end")
        .lower)(text)
}

/// Compares the dump of a file, without its indentation in the test.
#[track_caller]
fn check(text: &str, expected: &str) {
    let dump = onequery_parser::dump(&lower(text));
    same(&dump.replacen("fn #0()\n", "", 1), expected);
}

#[track_caller]
fn same(is: &str, should_be: &str) {
    let (is, should_be) = (without_margin(is), without_margin(should_be));
    assert_eq!(is, should_be, "\n--- is\n{is}\n--- should be\n{should_be}");
}

fn without_margin(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    let indent = |line: &str| line.len() - line.trim_start().len();
    let margin = lines.clone().map(indent).min().unwrap_or(0);
    lines.map(|line| format!("{}\n", &line[margin..])).collect()
}

/// Compares the body of `fn f`, which `statements` are.
#[track_caller]
fn check_body(statements: &str, expected: &str) {
    let dump = onequery_parser::dump(&lower(&format!("fn f() {{ {statements} }}")));
    same(&dump.replacen("fn #0()\nfn f#1() in #0\n", "", 1), expected);
}

/// The texts of all expressions that `wanted` picks.
fn texts(text: &str, wanted: impl Fn(&ExprKind) -> Option<Span>) -> Vec<String> {
    let ir = lower(text);
    ir.exprs
        .iter()
        .filter_map(|expr| wanted(&expr.kind))
        .map(|span| span.text(text).to_owned())
        .collect()
}

fn expression_texts(text: &str, wanted: impl Fn(&ExprKind) -> bool) -> Vec<String> {
    let ir = lower(text);
    ir.exprs
        .iter()
        .filter(|expr| wanted(&expr.kind))
        .map(|expr| expr.span.text(text).to_owned())
        .collect()
}

mod items {
    use super::check;

    #[test]
    fn structs_have_named_and_numbered_fields() {
        check(
            "struct Post<'a, T: Clone, const N: usize> where T: Send + ?Sized { id: i32, body: &'a mut Option<T>, r#type: [u8; N] }
             struct Pair(pub i32, String);
             struct Unit;
             union Bits { a: u32, b: f32 }
             type Res<T> = std::result::Result<T, Error>;",
            "
            Struct Post<T: Clone + Send>()
              field id: i32
              field body: Option<T>
              field type: [u8]
            Struct Pair()
              field 0: i32
              field 1: String
            Struct Unit()
            Struct Bits()
              field a: u32
              field b: f32
            Alias Res<T>()
              field : std.result.Result<T, Error>
            ",
        );
    }

    #[test]
    fn enum_variants_are_fields() {
        check(
            "enum Status { #[default] Draft = 1, One(Post), Two(A, B), Three { x: i32 } }",
            "
            Enum Status()
              field Draft
              field One: Post
              field Two: (A, B)
              field Three: i32
            ",
        );
    }

    #[test]
    fn traits_hold_their_methods_and_bases() {
        check(
            "pub trait Repo: Send + base::Base<i32> { type Out; const C: i32 = c();
               fn get(&self) -> Option<Self::Out>;
               async fn all(&self) -> Vec<Post> { self.load().await } }",
            "
            Trait Repo<Out>(Send, base::Base<i32>)
              methods get#1 all#2
              _: i32 = c()
            fn get#1(self) -> Option<Self.Out> in #0
            fn all#2(self) -> Vec<Post> async in #0
              value
                await self.load()
            ",
        );
    }

    #[test]
    fn impls_hold_their_methods() {
        check(
            "impl<T: A> Repo<i32> for Pair<T> where T: B { fn get(self: Box<Self>, (a, b): (i32, i32)) {} }
             impl &dyn Repo {}
             impl Tr for name!(x) {}",
            "
            impl<T: A + B> Repo<i32> for Pair<T> {get#1}
            impl dyn Repo {}
            impl Tr for name ! (x) {}
            fn get#1(self: Box<Self>, (a, b): (i32, i32)) in #0
            ",
        );
    }

    #[test]
    fn attributes_are_decorators() {
        check(
            "/// Documented.
             #[derive(Debug, diesel::Queryable)]
             #[diesel(table_name = users, belongs_to(User, foreign_key = user_id), check_for_backend(diesel::pg::Pg))]
             #[table_name = \"users\"]
             #[get(\"/users\", 1)]
             #[serde(rename = \"x\", type = \"y\", ref = \"z\")]
             struct Post;
             #[instrument(skip(self), fields(id = %id))] fn f() {}",
            "
            @derive(Debug, diesel::Queryable) @diesel(table_name=users, belongs_to(User, foreign_key=user_id), check_for_backend(diesel::pg::Pg)) @table_name(\"users\") @get(\"/users\", 1) @serde(rename=\"x\", type=\"y\", ref=\"z\") Struct Post()
            @instrument(skip(self), fields(id=id)) fn f#1() in #0
            ",
        );
    }

    #[test]
    fn use_trees_are_flattened() {
        check(
            "use std::{collections::{self, HashMap as Map}, fmt::*, io::{self as stdio, Write as _}};
             pub(crate) use crate::models::User;
             pub use a::*;
             use b;
             extern crate alloc as al;
             mod file;
             #[path = \"x/y.rs\"] mod other;",
            "
            import std.collections as collections
            import std.collections.HashMap as Map
            import-glob std.fmt as -
            import std.io as stdio
            import std.io.Write as -
            pub-import crate.models.User as User
            pub-import-glob a as -
            import b as b
            import alloc as al
            module file as -
            module other as x/y.rs
            ",
        );
    }

    #[test]
    fn inline_modules_are_scopes() {
        check(
            "mod a { use b::c; pub fn f() {} mod d { struct S; impl S { fn g() {} } } }",
            "
            import b.c as c mod a
            Struct S() mod a::d
            impl S {g#2}
            fn f#1() in #0 mod a
            fn g#2() in #0 mod a::d
            ",
        );
    }

    #[test]
    fn constants_are_evaluated_with_the_file() {
        check(
            "const LIMIT: usize = 1 + compute(); static NAME: &str = \"n\"; const _: () = (); impl A { const K: u8 = 3; }
             mod a { static B: LazyLock<Db> = LazyLock::new(|| open()); }",
            "
            impl A {}
              LIMIT: usize = (Arithmetic 1 compute())
              NAME: str = \"n\"
              _: () = None
              _: u8 = 3
              B: LazyLock<Db> = LazyLock::new(lambda #1)
            fn #1() in #0 mod a
              open()
            ",
        );
    }

    #[test]
    fn foreign_functions_have_no_body() {
        check(
            "extern \"C\" { fn c(x: *const u8, ...) -> i32; static S: i32; } unsafe extern \"C\" fn d() -> ! {}",
            "
              S: i32
            fn c#1(x: u8, *_) -> i32 in #0
            fn d#2() -> _ in #0
            ",
        );
    }

    #[test]
    fn test_code_is_marked_and_passes_it_on() {
        check(
            "#[cfg(test)] mod tests { #[tokio::test] async fn works() { let f = || 1; } struct T; impl T { fn g() {} } }
             #[test] fn t() { fn inner() {} }
             #[rstest] fn r() {}
             #[cfg(all(test, unix))] fn all() {}
             #[cfg(not(test))] fn not() {}
             #[cfg(feature = \"test\")] fn feature() {}
             impl A { #[cfg(test)] fn m() {} }",
            "
            Struct T() test mod tests
            impl T test {g#3}
            impl A {m#10}
            @tokio::test fn works#1() async test in #0 mod tests
              f := lambda #2
            fn #2() test in #1 mod tests
              1
            fn g#3() test in #0 mod tests
            @test fn t#4() test in #0
              def inner#5
            fn inner#5() test in #4
            @rstest fn r#6() test in #0
            @cfg(all(test, unix)) fn all#7() test in #0
            @cfg(not(test)) fn not#8() in #0
            @cfg(feature=\"test\") fn feature#9() in #0
            @cfg(test) fn m#10() test in #0
            ",
        );
        check("#![cfg(test)] fn f() {}", "fn f#1() test in #0");
    }

    #[test]
    fn items_in_bodies_stand_where_they_are_written() {
        check(
            "fn f() { use a::{b, c}; fn g() {} struct S { x: i32 } impl S { fn m(&self) {} } const K: i32 = 3;
               mod inner { fn h() {} } }",
            "
            import a.b as b
            import a.c as c
            Struct S()
              field x: i32
            impl S {m#3}
            fn f#1() in #0
              import a.b
              import a.c
              def g#2
              class S
              K: i32 = 3
            fn g#2() in #1
            fn m#3(self) in #1
            fn h#4() in #0 mod inner
            ",
        );
    }
}

mod types {
    use super::check;

    #[test]
    fn holders_are_peeled_and_the_rest_is_kept() {
        check(
            "fn f(a: &'a mut (Box<T>), b: *const [u8], c: impl Fn(A, B) -> C + Send + 'static, d: fn(A), e: (A, !),
               g: dyn Iterator<Item = T>, h: <T as Trait<X>>::Out, i: <Vec<i32>>::Item, j: BoxFuture<'a, Result<T, E>>,
               k: _, l: m!(), n: Foo<3, { 4 }, N>, o: for<'a> fn(&'a str) -> &'a str, p: impl Iterator<Item: Show>) {}",
            "fn f#1(a: Box<T>, b: [u8], c: dyn fn(A, B) -> C + Send, d: fn(A) -> (), e: (A, _), g: dyn Iterator<Item = T>, h: Trait.Out<T, X>, i: Vec.Item<i32>, j: BoxFuture<Result<T, E>>, k: _, l: _, n: Foo<N>, o: fn(str) -> str, p: dyn Iterator<Item = dyn Show>) in #0",
        );
    }

    #[test]
    fn futures_are_kept_as_written() {
        check(
            "async fn a() -> T {} fn b() -> impl Future<Output = T> + '_ {} fn c() -> Pin<Box<dyn Future<Output = T> + Send>> {}",
            "
            fn a#1() -> T async in #0
            fn b#2() -> dyn Future<Output = T> in #0
            fn c#3() -> Pin<Box<dyn Future<Output = T> + Send>> in #0
            ",
        );
    }
}

mod loops {
    use super::{check_body, texts};
    use onequery_core::ir::ExprKind;

    #[test]
    fn an_iterable_is_evaluated_once_outside() {
        check_body(
            "for post in load(conn)?.iter() { post.author(conn); }",
            "
            value
              for post in load(conn)?.iter()
                post.author(conn)
            ",
        );
    }

    #[test]
    fn a_condition_is_evaluated_per_round() {
        check_body(
            "while i < next() { i += 1; } while let Some(x) = stack.pop() { x; } while let Some(x) = a() && x > 3 {}",
            "
            while header (Compare i next())
              i += 1
            while-let header Some(x) ~= stack.pop()
              x
            value
              while-let header (And Some(x) ~= a() (Compare x 3))
            ",
        );
    }

    #[test]
    fn labels_and_values_leave_loops() {
        check_body(
            "let v = 'outer: loop { for _ in 0..3 { if x { continue 'outer; } break 'outer 5; } }; 'b: { break 'b; }",
            "
            v := { loop label outer; value; for _ in range( 0, 3); if x; continue outer; break outer 5 }
            value
              break b
            ",
        );
    }

    #[test]
    fn heads_reach_to_the_iterable_or_condition() {
        let text =
            "fn f() { 'a: for (i, x) in (a.b()) { } while let Some(x) = y() && z {} while (a) {} loop { } }";
        let heads = texts(text, |kind| match kind {
            ExprKind::Loop(the_loop) => Some(the_loop.head_span),
            _ => None,
        });
        assert_eq!(
            heads,
            [
                "for (i, x) in (a.b())",
                "while let Some(x) = y() && z",
                "while (a)",
                "loop"
            ]
        );
    }
}

mod expressions {
    use super::{check, check_body};

    #[test]
    fn method_chains() {
        check_body(
            "users::table.find(post.user_id).first::<User>(conn).await?.0[1].x;",
            "await users::table.find(post.user_id).first<User>(conn)?.0[1].x",
        );
    }

    #[test]
    fn paths() {
        check_body(
            "Vec::<i32>::new(); <T as Default>::default(); <Vec<T>>::new(); Self::x(self); ::std::mem::drop(r#type); a;",
            "
            Vec::new<i32>()
            Default::default<T>()
            Vec::new<T>()
            Self::x(self)
            std::mem::drop(type)
            a
            ",
        );
    }

    #[test]
    fn literals() {
        check_body(
            "(1, 0xff_u8, 1e3, 99999999999999999999, \"a\\\"b\", r#\"c\"d\"#, 'c', b\"x\", c\"y\", true, ());",
            r#"(1, 255, number, number, "a\\\"b", "c\"d", literal, literal, literal, true, None)"#,
        );
    }

    #[test]
    fn operators() {
        check_body(
            "a == b || c && d; a | b ^ c; a % b; a << 1; -a; !a; *a; &mut &a; &raw const a; x as u64; (a + b) * c;",
            "
            (Or (Equal a b) (And c d))
            (Bitwise a (Bitwise b c))
            (Modulo a b)
            (Arithmetic a 1)
            unary a
            not a
            a
            a
            a
            (x as u64)
            (Arithmetic (Arithmetic a b) c)
            ",
        );
    }

    #[test]
    fn assignments() {
        check_body(
            "a.b.0 = c[1..3]; a[i] = b[..n]; *p = 3; (a, _, ..) = b; [a, b] = c; P { x, y: z } = p; Some(q) = r; x += 1; y <<= 2;",
            "
            a.b.0 = c[1:3]
            a[i] = b[:n]
            p = 3
            (a, _, ..) = b
            (a, b) = c
            P(x=x, y=z) = p
            Some(q) = r
            x += 1
            y += 2
            ",
        );
    }

    #[test]
    fn lets() {
        check_body(
            "let a: Vec<i32> = b; let c; let (mut x, ref y) = t; let Some(d) = e else { return Err(x) }; d",
            "
            a: Vec<i32> := b
            c
            (x, y) := t
            if Some(d) ~= e
            else
              value
                return Err(x)
            value
              d
            ",
        );
    }

    #[test]
    fn conditions() {
        check_body(
            "if let Some(x) = a && let Ok(y) = b && z { 1 } else if c { 2 } else { 3 };",
            "
            if (And (And Some(x) ~= a Ok(y) ~= b) z)
              value
                1
            else
              if c
                value
                  2
              else
                value
                  3
            ",
        );
    }

    #[test]
    fn matches() {
        check_body(
            "match e { Some(x @ 1..=3) | None if x > 2 => f(x), Foo::Bar { a, b: Baz(c), .. } => { g() }
               [first, .., last] | [first, last @ ..] => 3, &(ref a, MAX) => 4, -1 | \"s\" | i32::MAX => 5, whole @ A::B(_) => 6,
               _ => unreachable!() };",
            "
            match e
              case Some(x @ _) | None() if (Compare x 2)
                f(x)
              case Foo.Bar(a=a, b=Baz(c))
                value
                  g()
              case (first, .., last) | (first, *last)
                3
              case (a, MAX())
                4
              case _ | _ | i32.MAX()
                5
              case whole @ A.B(_)
                6
              case _
                unreachable!()
            ",
        );
    }

    #[test]
    fn closures_and_blocks() {
        check(
            "fn f() { let g = move |x: i32, (a, b)| -> i32 { x }; let h = async |x| x.await; let i = async move { x.await };
               unsafe { u() }; const { 1 }; }",
            "
            fn f#1() in #0
              g := lambda #2
              h := lambda #3
              i := { async; value; await x }
              value
                u()
              value
                1
            fn #2(x: i32, (a, b)) -> i32 in #1
              value
                x
            fn #3(x) async in #1
              await x
            ",
        );
    }

    #[test]
    fn collections_records_and_ranges() {
        check_body(
            "Post { id: 1, body, ..Default::default() }; [1, 2]; [f(); 4]; (1,); 1..; ..=2; ..; a..b;",
            "
            Post { id: 1, body: body, ..Default::default() }
            [1, 2]
            [f(); 4]
            (1)
            range( 1,)
            range(, 2)
            range(,)
            range( a, b)
            ",
        );
    }

    #[test]
    fn stray_semicolons_and_empty_returns() {
        check(
            "fn f() { ;;; return; ; yield 1; }",
            "fn f#1() generator in #0\n  return\n  yield 1",
        );
    }
}

mod macros {
    use super::{check, check_body};

    #[test]
    fn arguments() {
        check_body(
            "println!(\"{}\", x); info!(user = %id, ?err, a.b = 1, target: \"x\", \"msg\"); vec![1, 2]; vec![f(); 3]; vec![];
             sqlx::query_as!(User, \"select\", a); m!(Vec<User>, &'static str, 1); hashmap! { \"a\" => f() }; std::vec![1];",
            "
            println!(\"{}\", x)
            info!(user=id, err, a.b=1, target=\"x\", \"msg\")
            vec!(1, 2)
            [f(); 3]
            vec!()
            sqlx::query_as!(User, \"select\", a)
            m!(Vec<User>, opaque(), 1)
            hashmap!(\"a\", f())
            std::vec!(1)
            ",
        );
    }

    #[test]
    fn syntax_of_their_own() {
        check_body(
            "matches!(a, Some(x) if x > 3); json!({\"a\": f(), \"b\": [1, {\"c\": g(x)}], (k): null}); json!([1]); json!(a + b);
             tokio::select! { biased; Some(x) = rx.recv() => { f(x) } _ = sleep(1), if ok => g(), else => h() }
             futures::select! { a = b => c(), complete => break, default => d() };",
            "
            matches!(a, (Compare x 3))
            json!(dict{\"a\", f(), \"b\", [1, dict{\"c\", g(x)}], k, null})
            json!([1])
            json!((Arithmetic a b))
            opaque({ if Some(x) ~= await rx.recv(); value; f(x) }, { if (And ok _ ~= await sleep(1)); g() }, h())
            opaque({ if a ~= await b; c() }, break, d())
            ",
        );
    }

    #[test]
    fn blocks() {
        check(
            "fn f() { stream! { let a = b; for x in xs { yield load(x).await; } }; db_run! { conn: { users.load(conn) } } }",
            "
            fn f#1() in #0
              stream!({ a := b; value; for x in xs; yield await load(x) })
              value
                db_run!(conn={ value; users.load(conn) })
            ",
        );
    }

    #[test]
    fn what_fits_nothing_gives_what_can_be_read() {
        check_body(
            "weird! { fn x() => f(1) if y.z(3) { q() }; for a in b.c() { + } };",
            "weird!(opaque(x(), f(1), { if y.z(3); value; q() }, b.c()))",
        );
    }

    #[test]
    fn among_items() {
        check(
            "diesel::table! { users (id) { id -> Integer, } }
             lazy_static! { static ref X: Regex = Regex::new(\"x\").unwrap(); }
             thread_local! { static Y: i32 = f(); }
             cfg_if! { if #[cfg(unix)] { fn unix() {} } }
             joinable!(posts -> users (user_id));
             proptest! { #[test] fn p(x in 0..3) { g() } }",
            "
              diesel::table!(users, opaque())
              lazy_static!(opaque(Regex::new(\"x\").unwrap()))
              Y: i32 = f()
              cfg_if!(opaque({  }))
              joinable!(opaque(users(user_id)))
            fn unix#1() in #0
            ",
        );
    }

    #[test]
    fn the_files_own_are_expanded() {
        check(
            "macro_rules! each { ($x:expr, $f:ident, [$($y:ty),* $(,)?]) => { for x in $x { $($y::$f(x * $x);)* } }; }
             macro_rules! bind { ($n:ident = $v:expr) => { let $n = $v; } }
             macro_rules! make { ($n:ident) => { struct $n; impl $n { fn new() -> Self { $n } } } }
             macro_rules! two { (a) => { 1 }; (b) => { 2 }; }
             make!(Made);
             fn f() { each!(a + b, load, [A, B]); bind!(c = d()); two!(a); bind!(1); c }",
            "
            Struct Made()
            impl Made {new#1}
            fn new#1() -> Self in #0
              value
                Made
            fn f#2() in #0
              for x in (Arithmetic a b)
                A::load((Arithmetic x (Arithmetic a b)))
                B::load((Arithmetic x (Arithmetic a b)))
              c := d()
              two!(a)
              bind!(1)
              value
                c
            ",
        );
        check(
            "macro_rules! each { ($x:expr, $($y:ident),*) => { for x in $x { $($y(x);)* } }; }
             fn f() { each!(a + b, g, h); }",
            "
            fn f#1() in #0
              for x in (Arithmetic a b)
                g(x)
                h(x)
            ",
        );
    }

    #[test]
    fn endless_expansion_ends() {
        let text = "macro_rules! again { ($($x:tt)*) => { again!($($x)* $($x)*) } } fn f() { again!(1 + 2) }";
        assert!(super::lower(text).problems.is_empty());
    }
}

mod spans {
    use super::{expression_texts, lower, texts};
    use onequery_core::ir::ExprKind;

    const TEXT: &str =
        "fn f() { let s = \"é – 𝄞\"; (a.b)(1).load::<T>(x)?.y.await; (q + r).z(); -(p) as T<u8>; s[(1)] }";

    fn check_call_spans(text: &str) {
        let calls = expression_texts(text, |kind| matches!(kind, ExprKind::Call { .. }));
        assert_eq!(
            calls,
            ["(a.b)(1)", "(a.b)(1).load::<T>(x)", "(q + r).z()"],
            "{text:?}"
        );
    }

    #[test]
    fn calls_reach_from_the_receiver_to_the_parenthesis() {
        check_call_spans(TEXT);
        let names = texts(TEXT, |kind| match kind {
            ExprKind::Attr { name_span, .. } => Some(*name_span),
            _ => None,
        });
        assert_eq!(names, ["b", "load", "y", "z"]);
        let others = |kind: &ExprKind| {
            matches!(
                kind,
                ExprKind::Cast(..) | ExprKind::Index { .. } | ExprKind::Await(_)
            )
        };
        assert_eq!(
            expression_texts(TEXT, others),
            ["(a.b)(1).load::<T>(x)?.y.await", "-(p) as T<u8>", "s[(1)]"]
        );
    }

    #[test]
    fn line_ends_marks_and_shebangs_do_not_shift_them() {
        check_call_spans(&format!("\u{feff}{TEXT}"));
        check_call_spans(&format!("#!/usr/bin/env é\n{TEXT}"));
        check_call_spans(&format!("\u{feff}#!/usr/bin/env é\r\n{TEXT}"));
        check_call_spans(&format!(
            "#![allow(x)]\r\n/// é\r\n/* é\r\n */{}",
            TEXT.replace("; ", ";\r\n")
        ));
        check_call_spans(&format!("fn broken( {{ é\n{TEXT}"));
        check_call_spans(&format!("fn broken() {{ let é = ; }}\n{TEXT}"));
    }

    #[test]
    fn they_belong_to_one_file_whatever_was_lowered_before() {
        let pad = "// é\n".repeat(100);
        check_call_spans(&format!("{pad}{TEXT}"));
        check_call_spans(TEXT);
        std::thread::scope(|threads| {
            for _ in 0..4 {
                threads.spawn(|| {
                    check_call_spans(&format!("{pad}{pad}{TEXT}"));
                    check_call_spans(TEXT);
                });
            }
        });
    }

    #[test]
    fn declarations_reach_from_their_visibility_to_their_end() {
        let text = "/// Doc.\n#[a] pub(crate) async unsafe fn f(x: i32) -> T { x } impl A { const fn g() {} }\n#[b] pub struct S { a: T }\npub struct P(u8);";
        let ir = lower(text);
        let functions: Vec<_> = ir.functions[1..]
            .iter()
            .map(|function| function.span.text(text))
            .collect();
        assert_eq!(
            functions,
            [
                "pub(crate) async unsafe fn f(x: i32) -> T { x }",
                "const fn g() {}"
            ]
        );
        let names: Vec<_> = ir.functions[1..]
            .iter()
            .map(|function| function.name_span.text(text))
            .collect();
        assert_eq!(names, ["f", "g"]);
        let classes: Vec<_> = ir.classes.iter().map(|class| class.span.text(text)).collect();
        assert_eq!(classes, ["pub struct S { a: T }", "pub struct P(u8);"]);
        assert_eq!(ir.classes[0].fields[0].span.text(text), "a: T");
        assert_eq!(ir.impls[0].span.text(text), "impl A { const fn g() {} }");
    }

    #[test]
    fn expansions_stand_where_they_are_called() {
        let text = "macro_rules! each { ($x:expr) => { for x in $x { x.load(); } } }\nfn f() { each!(xs); }";
        let calls = expression_texts(text, |kind| {
            matches!(kind, ExprKind::Call { .. } | ExprKind::Loop(_))
        });
        assert_eq!(calls, ["each!(xs)", "each!(xs)"]);
    }
}

mod recovery {
    use super::{check, lower};

    const REST: &str = "; the rest of the file was analysed";

    #[test]
    fn broken_items_leave_the_others() {
        check(
            "fn a() { x() }\nstruct { a }\nfn b() { y() }\nuse c::d\nfn e() {}",
            &format!(
                "
              opaque({{ value; a }})
            fn a#1() in #0
              value
                x()
            fn b#2() in #0
              value
                y()
            fn e#3() in #0
            problem syntax-error at 22: expected identifier{REST}
            "
            ),
        );
    }

    #[test]
    fn broken_statements_leave_the_others() {
        check(
            "mod m { impl A { fn a(&self) { x(); let = f(1); y() } fn b() {} } }",
            &format!(
                "
            impl A {{a#1 b#2}}
            fn a#1(self) in #0 mod m
              x()
              opaque(f(1))
              value
                y()
            fn b#2() in #0 mod m
            problem syntax-error at 40: expected one of: identifier, `::`, `<`, `_`, literal, `const`, `ref`, `mut`, `&`, parentheses, square brackets, `..`, `const`{REST}
            "
            )
,
        );
    }

    #[test]
    fn text_that_does_not_lex_leaves_the_other_items() {
        check(
            "use a::b;\nfn c() { d( }\nfn e() { f() }\nconst G: &str = 'unclosed;\nfn h() {}",
            &format!(
                "
            import a.b as b
            fn e#1() in #0
              value
                f()
            fn h#2() in #0
            problem syntax-error at 22: a bracket or quote is not closed, or a character is not Rust's{REST}
            "
            ),
        );
    }

    #[test]
    fn no_text_is_too_odd() {
        for text in [
            "",
            "\u{feff}",
            "#!",
            "#!/bin/sh",
            "\0",
            "}",
            "{",
            "'",
            "\"",
            "r#\"",
            "/*",
            "fn",
            "é",
            "#",
            "#[",
            "m!",
        ] {
            lower(text);
        }
    }
}

mod depth {
    use super::{ProblemKind, lower};

    /// Lowers on this test's small stack, and says whether it was too deep.
    fn is_too_deep(text: &str) -> bool {
        lower(text)
            .problems
            .iter()
            .any(|problem| problem.kind == ProblemKind::TooDeep)
    }

    #[test]
    fn brackets() {
        for (open, close) in [
            ("(", ")"),
            ("[", "]"),
            ("{", "}"),
            ("f(", ")"),
            ("|| {", "}"),
            ("vec![", "]"),
            ("if a {", "}"),
        ] {
            for (n, too_deep) in [(20, false), (60, false), (240, true), (10_000, true)] {
                let text = format!("fn f() {{ {}1{} }}", open.repeat(n), close.repeat(n));
                // Up to 200 levels are followed.
                if n != 240 {
                    assert_eq!(is_too_deep(&text), too_deep, "{open} {n}");
                } else {
                    lower(&text);
                }
            }
        }
        let modules = |n: usize| format!("{}{}", "mod a { ".repeat(n), "}".repeat(n));
        assert!(!is_too_deep(&modules(100)));
        assert!(is_too_deep(&modules(1_000)));
    }

    #[test]
    fn chains() {
        for (link, last) in [
            ("!", "a"),
            ("-", "a"),
            ("&", "a"),
            ("*", "a"),
            ("a = ", "a"),
            ("|a, b| ", "a"),
            ("return ", "a"),
            ("if a {} else ", "{}"),
            ("A::<A<", "a"),
            ("a as A<", "a"),
            ("&mut ", "a"),
            ("break ", "a"),
            ("a..", "a"),
            ("match ", "a"),
            ("async ", "a"),
            ("let a = ", "a"),
            ("<", "a"),
            ("a <", "a"),
            ("a && ", "a"),
        ] {
            for n in [10, 60, 350, 1_000, 5_900, 100_000] {
                lower(&format!("fn f() {{ {}{last}; }}", link.repeat(n)));
                lower(&format!("fn f() {{ m!({}{last}); }}", link.repeat(n)));
            }
        }
        for link in [
            "&",
            "*const ",
            "Box<",
            "fn() -> ",
            "impl Fn() -> ",
            "dyn A<",
            "[",
            "(",
            "<A as ",
        ] {
            for n in [10, 60, 300, 5_900] {
                lower(&format!("type A = {}A;", link.repeat(n)));
            }
        }
        for link in ["&", "a @ ", "Some(", "a | ", "box "] {
            for n in [10, 60, 300, 5_900] {
                lower(&format!("fn f() {{ let {}a = b; }}", link.repeat(n)));
            }
        }
    }

    #[test]
    fn long_chains_are_not_deep() {
        for link in [
            ".a()", "?", ".await", ".0", "[0]", "()", " + a", " && a", " as u8",
        ] {
            let text = format!("fn f() {{ a{}; }}", link.repeat(2_000));
            assert!(!is_too_deep(&text), "{link}");
        }
        let text = format!(
            "fn f() {{ a{}; a{}; }}",
            " + a".repeat(10_000),
            ".a().b()".repeat(3_000)
        );
        assert!(!is_too_deep(&text));
        assert!(is_too_deep(&format!(
            "fn f() {{ {}1 }}",
            "if a {} else ".repeat(2_000)
        )));
    }

    #[test]
    fn the_rest_of_a_deep_file_is_lowered() {
        let text = format!("fn f() {{ {}a; }} fn g() {{}}", "!".repeat(2_000));
        assert_eq!(lower(&text).functions.len(), 3);
    }

    #[test]
    fn expansions_do_not_deepen() {
        for body in ["$(!)*", "$(- $x)*", "$($x =)*", "$(a.$x())*"] {
            let text = format!(
                "macro_rules! m {{ ($($x:ident),*) => {{ {body} 1 }} }} fn f() {{ m!({}) }}",
                "a, ".repeat(5_000)
            );
            lower(&text);
        }
    }
}

mod any_text {
    use super::lower;
    use proptest::prelude::*;

    const KITCHEN_SINK: &str = include_str!("kitchen_sink.rs.txt");

    #[test]
    fn the_kitchen_sink_is_clean() {
        assert_eq!(lower(KITCHEN_SINK).problems, []);
    }

    #[test]
    fn prefixes_and_files_with_a_hole() {
        // A third of them, because each one is a whole file.
        for (at, _) in KITCHEN_SINK.char_indices().step_by(3) {
            lower(&KITCHEN_SINK[..at]);
        }
        let lines: Vec<_> = KITCHEN_SINK.lines().collect();
        for hole in 0..lines.len() {
            let mut rest = lines.clone();
            rest.remove(hole);
            lower(&rest.join("\n"));
        }
    }

    proptest! {
        #[test]
        fn arbitrary_text(text in any::<String>()) {
            lower(&text);
        }

        #[test]
        fn arbitrary_tokens(words in prop::collection::vec(prop::sample::select(vec![
            "fn", "f", "(", ")", "{", "}", "[", "]", "<", ">", ",", ";", ":", "::", "=", "=>", "->", "|", "&", "!", ".", "..", "?",
            "'a", "'a'", "\"s\"", "1", "let", "if", "else", "match", "for", "in", "while", "loop", "async", "await", "impl",
            "struct", "enum", "mod", "use", "pub", "self", "Self", "x", "#", "macro_rules", "$", "*", "+", "vec", "json", "select",
            "\n", "const", "static", "type", "trait", "where", "dyn", "move", "unsafe", "return", "break", "yield", "é", "r#\"",
        ]), 0..60)) {
            lower(&words.join(" "));
            lower(&format!("fn f() {{ {} }}", words.join(" ")));
        }

        #[test]
        fn spans_fit_the_text(text in "[a-z(){};.é\\n\"'& =]{0,80}") {
            let text = format!("fn f() {{ {text} }}\nfn g() {{ a.b(é) }}");
            for expr in &lower(&text).exprs {
                prop_assert!(text.get(expr.span.start as usize..expr.span.end as usize).is_some());
            }
        }
    }
}
