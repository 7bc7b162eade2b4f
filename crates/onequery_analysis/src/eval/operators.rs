//! Operators and literals: what their operands make of each other.

use std::sync::Arc;

use onequery_core::Name;
use onequery_core::ir::{BinaryOp, CollectionKind, ExprId, ExprKind, Literal, SliceBounds, UnaryOp};

use super::{Eval, either, settled};
use crate::facts::SiteKind;
use crate::program::Symbol;
use crate::record::Record;
use crate::rows::Rows;
use crate::sql::{self, Statement};
use crate::value::{Bits, Bound, Deps, Held, Measure, Ty, Value};

/// Ranges up to this many rounds are a fixed, small number.
pub(super) const FEW: i64 = 32;

/// As many rows at most are few: what a page shows beside its list.
pub(super) const FEW_ROWS: i64 = 10;

impl Eval<'_, '_> {
    /// `base[from:to:step]`.
    pub(super) fn slice(&mut self, base: ExprId, bounds: &SliceBounds) -> Value {
        let value = self.eval(base);
        let mut deps = Deps::default();
        let mut int = |eval: &mut Self, bound: Option<ExprId>| {
            let bound = eval.eval(bound?);
            deps.add(bound.deps);
            Some(bound.int)
        };
        let (from, to, step) = (
            int(self, bounds.from),
            int(self, bounds.to),
            int(self, bounds.step),
        );
        if step.is_some() {
            // `queryset[::2]` is executed; `queryset[:5]` is not.
            self.consume(base, &value);
        }
        let most = match (from.unwrap_or(Some(0)), to.flatten()) {
            (Some(from), Some(to)) if to >= 0 => Some(to.saturating_sub(from)),
            _ => None,
        };
        if bounds.from.is_some() && bounds.to.is_some() && !value.deps.loops.meets(self.innermost()) {
            self.note_slice(bounds, deps);
        }
        Self::cut(value, most).with_deps(deps)
    }

    /// `ids[start:start + 500]`, where `start` moves from round to round: the loop goes through slices of it.
    fn note_slice(&mut self, bounds: &SliceBounds, moving: Deps) {
        let innermost = self.innermost();
        let moves = moving.loops.with(moving.varies).meets(innermost);
        let is_computed = |bound: ExprId| matches!(self.ir.expr(bound).kind, ExprKind::Binary(..));
        let from = bounds.from.is_some_and(is_computed);
        self.mark_site(|site| {
            let by_steps = site.kind == SiteKind::While || from;
            if moves && by_steps && matches!(site.bound, Bound::Data | Bound::Limited) {
                site.bound = Bound::Chunks;
            }
        });
    }

    /// At most so many elements of a value.
    pub(super) fn cut(value: Value, most: Option<i64>) -> Value {
        // A slice of pages is not a page.
        let is_few = most.is_some_and(|most| most <= FEW_ROWS) || value.bound == Bound::Constant;
        let mut value = Value {
            bound: match most {
                _ if is_few => Bound::Constant,
                Some(_) => Bound::Limited,
                None => Bound::Data,
            },
            // A slice of a query is another query.
            held: Held::No,
            ..value
        };
        // Of a relation few rows are asked for, but as often as there are rows that have it.
        let is_asked = |rows: &Rows| rows.pending.is_none() || rows.path.is_empty();
        if let Some(rows) = value.rows.as_mut().filter(|rows| is_few && is_asked(rows)) {
            Arc::make_mut(rows).few = true;
        }
        value
    }

    pub(super) fn literal(&self, literal: Literal) -> Value {
        match literal {
            Literal::Str(text) => Value {
                statement: sql::statement(self.text(text)),
                text: Some((self.file, text)),
                ..Value::plain()
            },
            Literal::Int(value) => Value {
                int: Some(value),
                ..Value::plain()
            },
            Literal::Bool(value) => Value {
                truth: Some(value),
                ..Value::plain()
            },
            Literal::None => Value {
                truth: Some(false),
                ..Value::plain()
            },
            _ => Value::plain(),
        }
    }

    /// `-operand`, `not operand`.
    pub(super) fn unary(&mut self, op: UnaryOp, operand: ExprId) -> Value {
        let value = self.eval(operand);
        if op == UnaryOp::Not {
            self.test(operand, &value);
        }
        Value {
            ty: Ty::Plain,
            deps: value.deps,
            measure: match value.measure {
                // All rounds but one are nearly all of them.
                Measure::OneRound => Measure::None,
                // `not number % 500`
                Measure::Remainder if op == UnaryOp::Not => Measure::Reached,
                other => other,
            },
            ..Value::default()
        }
    }

    pub(super) fn binary(&mut self, op: BinaryOp, left: ExprId, right: ExprId) -> Value {
        let a = self.eval(left);
        if matches!(op, BinaryOp::And | BinaryOp::Or) {
            let is_given = self.guard(left).and_then(|guard| self.is_taken(guard));
            match is_given {
                // `queryset or Book.objects.all()` where the caller gives one.
                Some(is_given) if is_given == (op == BinaryOp::Or) => return a,
                Some(_) => return self.eval(right),
                None => {}
            }
            self.test(left, &a);
            let b = self.sometimes(&a, |eval| eval.eval(right));
            let measure = match (a.measure, b.measure) {
                (Measure::Reached, _) | (_, Measure::Reached) => Measure::Reached,
                (Measure::Passed, _) | (_, Measure::Passed) => Measure::Passed,
                (Measure::OneRound, Measure::OneRound) => Measure::OneRound,
                (Measure::OneRound, _) | (_, Measure::OneRound) if op == BinaryOp::And => Measure::OneRound,
                _ => Measure::None,
            };
            // `found or default` is one of both; `a and b` as a value is mostly `b`.
            let joined = if op == BinaryOp::Or {
                a.join(b)
            } else {
                let looked_up = b.looked_up.or(a.looked_up);
                Value { looked_up, ..b }.with_deps(a.deps)
            };
            return Value { measure, ..joined };
        }
        let b = self.eval(right);
        if op == BinaryOp::In {
            self.consume(right, &b);
        }
        let deps = a.deps.with(b.deps);
        match op {
            // `querysets |= more` stays a queryset; `"SELECT … " + order` stays the statement.
            BinaryOp::BitAnd | BinaryOp::Bitwise | BinaryOp::Arithmetic => {
                let ty = if a.ty == b.ty { a.ty } else { a.ty.join(b.ty) };
                let bound = if a.bound == b.bound { a.bound } else { Bound::Data };
                let (likely, origin) = (a.likely || b.likely, a.origin.or(b.origin));
                // `defaults | more` of dictionaries has what both have.
                let record = match (a.record, b.record) {
                    (Some(mut a), Some(b)) => {
                        Arc::make_mut(&mut a).extend(&b);
                        Some(a)
                    }
                    (a, b) => a.or(b),
                };
                Value {
                    record,
                    bound,
                    likely,
                    origin,
                    statement: a.statement,
                    rows: a.rows.or(b.rows),
                    ..Value::of(ty)
                }
                .with_deps(deps)
            }
            BinaryOp::Modulo if matches!(self.ir.expr(left).kind, ExprKind::Literal(Literal::Str(_))) => {
                self.show_text(right, &b);
                Value {
                    statement: a.statement,
                    ..Value::plain()
                }
                .with_deps(deps)
            }
            // `"SELECT … %s" % key`.
            BinaryOp::Modulo if matches!(a.statement, Statement::Rows(_)) => Value {
                statement: a.statement,
                ..Value::plain()
            }
            .with_deps(deps),
            // Every second or third is no batch.
            BinaryOp::Modulo => Value {
                measure: if b.int.is_some_and(|int| int <= 3) {
                    Measure::None
                } else {
                    Measure::Remainder
                },
                ..Value::plain()
            }
            .with_deps(deps),
            BinaryOp::Compare | BinaryOp::Equal | BinaryOp::Unequal => {
                let is_equal = op == BinaryOp::Equal;
                let measured = [(&a, &b), (&b, &a)].into_iter().find_map(|(size, limit)| {
                    let measure = match size.measure {
                        Measure::Remainder => Measure::Reached,
                        // `len(batch) > 0` says nothing.
                        Measure::Size if limit.int != Some(0) => Measure::Reached,
                        Measure::Total if limit.int != Some(0) => Measure::Passed,
                        Measure::Round if is_equal => Measure::OneRound,
                        _ => return None,
                    };
                    Some((measure, limit.int))
                });
                let (measure, int) = measured.unwrap_or_default();
                Value {
                    measure,
                    int,
                    ..Value::plain()
                }
                .with_deps(deps)
            }
            _ => Value::plain().with_deps(deps),
        }
    }

    /// `[item; times]`.
    pub(super) fn repeated(&mut self, item: ExprId, times: ExprId) -> Value {
        let item = self.eval(item);
        let times = self.eval(times);
        let list = self.program.catalogs.literals(self.language()).list;
        Value::of(Ty::lib(list, vec![item.ty])).with_deps(item.deps.with(times.deps))
    }

    pub(super) fn collection(&mut self, kind: CollectionKind, items: &[ExprId]) -> Value {
        let mut deps = Deps::default();
        let mut bound = if items.is_empty() {
            Bound::Data
        } else {
            Bound::Constant
        };
        let mut types = Vec::with_capacity(items.len());
        let (mut likely, mut rows) = (false, None);
        let mut record = Record::default();
        let (mut key, mut first_text) = (None, None);
        for &item in items {
            let value = self.eval(item);
            if let ExprKind::Spread(inner) = self.ir.expr(item).kind {
                self.consume(inner, &value);
                bound = Bound::Data;
                if let Some(spread) = &value.record {
                    record.extend(spread);
                }
            } else if kind != CollectionKind::Dict {
                first_text = first_text.or(value.text);
                if let Some(item) = &value.record {
                    record = record.join(item);
                }
            } else {
                key = match key.take() {
                    None => Some(value.text),
                    Some(key) => {
                        if let Some(key) = key {
                            record.set(self.program.text(key), value.clone());
                        }
                        None
                    }
                };
            }
            deps.add(value.deps);
            likely |= value.likely;
            rows = either(rows, settled(&value));
            types.push(value.ty);
        }
        let literals = self.program.catalogs.literals(self.language());
        let every = |types: &mut dyn Iterator<Item = Ty>| types.reduce(Ty::join).unwrap_or_default();
        let ty = match kind {
            CollectionKind::Tuple => Ty::tuple(types),
            CollectionKind::List => Ty::lib(literals.list, vec![every(&mut types.into_iter())]),
            CollectionKind::Set => Ty::lib(literals.set, vec![every(&mut types.into_iter())]),
            CollectionKind::Dict => {
                let keys = every(&mut types.iter().step_by(2).cloned());
                let values = every(&mut types.into_iter().skip(1).step_by(2));
                Ty::lib(literals.dict, vec![keys, values])
            }
        };
        Value {
            bound,
            likely,
            rows,
            // An empty list holds all that there is of anything; what is added to it decides.
            whole: if items.is_empty() {
                Bits::ALL
            } else {
                Bits::default()
            },
            text: first_text,
            record: (!record.is_empty()).then(|| Arc::new(record)),
            ..Value::of(ty)
        }
        .with_deps(deps)
    }

    pub(super) fn range(&mut self, from: Option<ExprId>, to: Option<ExprId>) -> Value {
        let end = to;
        let from = from.map(|from| self.eval(from));
        let to = to.map(|to| self.eval(to));
        let most = end.and_then(|end| self.at_most(end));
        let few = match &from {
            Some(from) => few(from.int, most),
            None => few(Some(0), most),
        };
        let deps = [&from, &to]
            .into_iter()
            .flatten()
            .fold(Deps::default(), |deps, value| deps.with(value.deps));
        let range = self.program.catalogs.literals(self.language()).range;
        let bound = if few { Bound::Constant } else { Bound::Data };
        Value {
            bound,
            ..Value::of(Ty::lib(range, vec![Ty::Plain]))
        }
        .with_deps(deps)
    }

    /// A number that an expression of constants does not exceed: 6 of `WINDOW - 1`.
    fn at_most(&mut self, id: ExprId) -> Option<i64> {
        match self.ir.expr(id).kind {
            ExprKind::Binary(BinaryOp::Arithmetic, left, right) => {
                let (left, right) = (self.at_most(left)?, self.at_most(right)?);
                Some(left.saturating_mul(right).max(left.saturating_add(right)))
            }
            ExprKind::Cast(inner, _) | ExprKind::Deref(inner) => self.at_most(inner),
            _ => {
                self.muted += 1;
                let value = self.eval(id);
                self.muted -= 1;
                value.int
            }
        }
    }

    pub(super) fn record(&mut self, path: &[Name], fields: &[(Name, ExprId)], rest: Option<ExprId>) -> Value {
        let mut deps = Deps::default();
        for &(_, value) in fields {
            deps.add(self.eval(value).deps);
        }
        if let Some(rest) = rest {
            deps.add(self.eval(rest).deps);
        }
        let texts = self.program.texts(self.file, path);
        let ty = match self
            .program
            .resolve_path(self.scope(), self.type_scope().own, &texts)
        {
            Symbol::Class(class) => Ty::Instance(class),
            _ => Ty::Unknown,
        };
        Value::of(ty).with_deps(deps)
    }
}

/// Whether a range has a small number of rounds.
pub(super) fn few(from: Option<i64>, to: Option<i64>) -> bool {
    matches!((from, to), (Some(from), Some(to)) if to.saturating_sub(from) <= FEW)
}
