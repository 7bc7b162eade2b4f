//! Loop sites: what runs per element, and how often that is.

use onequery_core::ir::{ComprehensionKind, ExprId, ExprKind, Literal, Loop, LoopKind, Pattern};
use onequery_core::{Location, Name, Problem, ProblemKind};

use super::flow::Leaves;
use super::operators::FEW;
use super::{Eval, settled};
use crate::facts::{Site, SiteKind};
use crate::program::{Symbol, target_names};
use crate::value::{Bits, Bound, Deps, Held, Measure, Ty, Value};

/// A site around the current place.
pub(super) struct Active {
    /// Index into the function's sites.
    pub(super) site: usize,
    label: Option<Name>,
    /// `break` leaves it; callbacks are left by `return`.
    is_loop: bool,
    /// Variables that a round takes over from the one before.
    carried: Vec<Name>,
    /// Variables from outside that no round changes.
    kept: Vec<Name>,
    /// The outer sites whose element, or all that it holds, it goes through.
    goes_through: Bits,
}

impl Active {
    /// Forgets its variables, which mean nothing in another file.
    pub(super) fn take_names(&mut self) -> (Vec<Name>, Vec<Name>) {
        (std::mem::take(&mut self.carried), std::mem::take(&mut self.kept))
    }

    /// Takes back what [`Self::take_names`] gave.
    pub(super) fn give_names(&mut self, (carried, kept): (Vec<Name>, Vec<Name>)) {
        (self.carried, self.kept) = (carried, kept);
    }
}

/// What a comprehension's result takes over from what its outermost clause goes through.
#[derive(Clone, Copy, Default)]
pub(super) struct Gathered {
    whole: Bits,
    whole_params: Bits,
    bound: Bound,
}

/// Loops nested deeper are evaluated once: a muted pass at every level would double the work each time.
const MAX_PASSES: usize = 3;

impl Eval<'_, '_> {
    /// The sites around the current place.
    pub(super) fn active(&self) -> Bits {
        self.loops.iter().fold(Bits::default(), |bits, active| {
            Bits(bits.0 | Bits::one(active.site).0)
        })
    }

    /// The innermost site.
    pub(super) fn innermost(&self) -> Bits {
        self.loops
            .last()
            .map(|active| Bits::one(active.site))
            .unwrap_or_default()
    }

    /// The sites that a `return` at the current place leaves: those inside the closure, if it is in one.
    pub(super) fn left_by_return(&self) -> Bits {
        let inside = self.loops.iter().skip(self.flow_base);
        inside.fold(Bits::default(), |bits, active| {
            Bits(bits.0 | Bits::one(active.site).0)
        })
    }

    /// Whether a variable keeps its value from round to round of the innermost loop.
    pub(super) fn is_carried(&self, name: Name) -> bool {
        self.loops
            .last()
            .is_some_and(|active| active.carried.contains(&name))
    }

    /// Whether a variable was there before a loop began that has as many rounds as there are data.
    pub(super) fn grows_with_data(&self, name: Name) -> bool {
        self.loops.iter().any(|active| {
            let is_from_outside = active.kept.contains(&name) || active.carried.contains(&name);
            is_from_outside && self.facts.sites[active.site].bound != Bound::Constant
        })
    }

    /// The sites whose element a variable holds all of when something is added to it here: the loops around, up to the one
    /// that it was made in, go through that element.
    pub(super) fn gathered_of(&self, name: Name) -> Bits {
        let is_outside = |active: &&Active| active.kept.contains(&name) || active.carried.contains(&name);
        let filling = self.loops.iter().rev().take_while(is_outside);
        filling.fold(Bits::default(), |bits, active| bits.with(active.goes_through))
    }

    /// The innermost sites whose rounds all see one and the same value of a variable.
    pub(super) fn rounds_that_keep(&self, name: Name) -> Bits {
        let keeping = self
            .loops
            .iter()
            .rev()
            .take_while(|active| active.kept.contains(&name));
        keeping.fold(Bits::default(), |bits, active| {
            Bits(bits.0 | Bits::one(active.site).0)
        })
    }

    /// The innermost sites whose rounds all find one and the same object in a place that has this value.
    pub(super) fn rounds_that_give(&self, place: ExprId, value: &Value) -> Bits {
        if value.held == Held::Outside {
            return self.active();
        }
        let mut at = place;
        let holder = loop {
            at = match &self.ir.expr(at).kind {
                ExprKind::Name(name) => break Some(*name),
                // `if found := queryset:`.
                ExprKind::Assign { target, .. } => match &**target {
                    Pattern::Name(name, _) => break Some(*name),
                    _ => break None,
                },
                ExprKind::Attr { base, .. } if value.held != Held::No => *base,
                ExprKind::Index { base, .. } => match self.ir.expr(*base).kind {
                    // An entry of a dictionary is the object that was put there.
                    ExprKind::Name(name) if self.has_entries(name) => break Some(name),
                    _ => break None,
                },
                _ => break None,
            };
        };
        holder.map(|name| self.rounds_that_keep(name)).unwrap_or_default()
    }

    fn has_entries(&self, name: Name) -> bool {
        self.env.get(name).is_some_and(|value| value.record.is_some())
    }

    /// Marks the innermost site.
    pub(super) fn mark_site(&mut self, mark: impl FnOnce(&mut Site)) {
        if let Some(active) = self.loops.last() {
            mark(&mut self.facts.sites[active.site]);
        }
    }

    /// Runs `body` as what a new site repeats: once muted, to learn what a round leaves for the next, then for the record.
    pub(super) fn repeat(
        &mut self,
        mut site: Site,
        label: Option<Name>,
        is_loop: bool,
        body: &mut dyn FnMut(&mut Self, Bits),
    ) -> usize {
        let ix = self.facts.sites.len();
        let bit = Bits::one(ix);
        // Bits tell no more sites apart: what is found here could count for another.
        let is_beyond = ix >= Bits::LAST;
        if is_beyond && self.muted == 0 {
            self.note_limit(site.at);
        }
        self.muted += u32::from(is_beyond);
        let mut carried = Vec::new();
        let before = self.env.clone();
        let names = |changed: &[Name]| {
            let kept = before.iter().map(|(name, _)| name);
            kept.filter(|name| !changed.contains(name)).collect()
        };
        if self.loops.len() < MAX_PASSES {
            let changes = self.changed.len();
            self.muted += 1;
            self.one_round(
                Active {
                    site: ix,
                    label,
                    is_loop,
                    carried: Vec::new(),
                    // No round is known to change any yet.
                    kept: names(&[]),
                    goes_through: Bits::default(),
                },
                site.clone(),
                body,
            );
            site.may_end = self.facts.sites[ix].may_end;
            self.facts.sites.truncate(ix);
            self.muted -= 1;
            carried = self
                .changed
                .since(changes)
                .iter()
                .copied()
                .filter(|&name| before.get(name).is_some())
                .collect();
            let after = std::mem::replace(&mut self.env, before.clone());
            for &name in &carried {
                if let (Some(old), Some(new)) = (before.get(name), after.get(name)) {
                    let mut joined = old.clone().join(new.clone());
                    joined.deps.loops.add(bit);
                    self.env.set(name, joined);
                }
            }
        }
        let kept = names(&carried);
        self.one_round(
            Active {
                site: ix,
                label,
                is_loop,
                carried,
                kept,
                goes_through: Bits::default(),
            },
            site,
            body,
        );
        let after = std::mem::take(&mut self.env);
        self.muted -= u32::from(is_beyond);
        // The loop may not run at all.
        self.env = before.join(after);
        ix
    }

    /// Takes note of the first loop that is one too many.
    fn note_limit(&mut self, at: Location) {
        let message = format!(
            "more than {} loops run from this function; what those from here on repeat is not reported",
            Bits::LAST
        );
        self.limit.get_or_insert((
            at.file,
            Problem {
                kind: ProblemKind::Fuel,
                span: at.span,
                message,
            },
        ));
    }

    fn one_round(&mut self, active: Active, site: Site, body: &mut dyn FnMut(&mut Self, Bits)) {
        let bit = Bits::one(active.site);
        self.facts.sites.push(site);
        self.loops.push(active);
        let path = self.path;
        // Being conditional, or in a handler, is about the innermost round.
        (self.path.undecided, self.path.by_param) = (0, 0);
        self.path.on_error = false;
        self.path.isolated = false;
        self.in_own_flow(|eval| body(eval, bit));
        self.path = path;
        self.loops.pop();
    }

    pub(super) fn run_loop(&mut self, the_loop: &Loop) -> Value {
        let source = the_loop.source.map(|source| {
            let value = self.eval(source);
            let deps = self.consume(source, &value);
            value.with_deps(deps)
        });
        if let (Some(value), LoopKind::Comprehension) = (&source, the_loop.kind) {
            match &mut self.gathered {
                // What a comprehension makes of a batch is still the batch.
                None => {
                    let (whole, whole_params, bound) = (value.whole, value.whole_params, value.bound);
                    self.gathered = Some(Gathered {
                        whole,
                        whole_params,
                        bound,
                    });
                }
                Some(outermost) if value.bound != Bound::Constant => outermost.bound = Bound::Data,
                Some(_) => {}
            }
        }
        let kind = match the_loop.kind {
            LoopKind::For | LoopKind::AsyncFor => SiteKind::For,
            LoopKind::Comprehension => SiteKind::Comprehension,
            LoopKind::While | LoopKind::WhileLet | LoopKind::Endless => SiteKind::While,
        };
        let item = source
            .as_ref()
            .map(|value| self.item_of(value))
            .unwrap_or_default();
        // `for letter in "ABC"`.
        let over_text = source
            .as_ref()
            .is_some_and(|value| value.ty == Ty::Plain && value.text.is_some());
        let site = Site {
            kind,
            at: self.here(the_loop.head_span),
            origin: source.as_ref().and_then(|value| value.origin),
            bound: match &source {
                Some(_) if over_text => Bound::Constant,
                Some(value) => self.bound_over(value, &item),
                None => Bound::Data,
            },
            has_elements: source.is_some(),
            source_known: source.as_ref().is_none_or(|value| !value.ty.is_unknown()),
            paced: false,
            unending: the_loop.kind == LoopKind::Endless
                || the_loop.header.is_some_and(|header| self.is_true(header)),
            counts: self.counts_rounds(the_loop, source.as_ref()),
            may_end: false,
            by: None,
        };
        let element = source.as_ref().map(|value| Value {
            ty: item,
            ..element_of(value)
        });
        let is_constant = source
            .as_ref()
            .is_some_and(|value| value.bound == Bound::Constant)
            && the_loop.source.is_some_and(|source| self.is_of_module(source));
        let goes_through = source.as_ref().map_or(Bits::default(), |value| value.whole);
        self.repeat(site, the_loop.label, true, &mut |eval, bit| {
            if let Some(active) = eval.loops.last_mut() {
                active.goes_through = goes_through;
            }
            if let (Some(pattern), Some(element)) = (&the_loop.element, &element) {
                let deps = Deps {
                    loops: bit,
                    ..element.deps
                };
                eval.bind(
                    pattern,
                    Value {
                        deps,
                        whole: bit,
                        ..element.clone()
                    },
                );
                if is_constant {
                    eval.bind_few(pattern);
                }
            }
            if let Some(header) = the_loop.header {
                eval.loop_header(header);
            }
            eval.eval(the_loop.body);
        });
        if let Some(otherwise) = the_loop.otherwise {
            self.eval(otherwise);
        }
        Value::default()
    }

    /// Whether an expression is a module's variable, or the entries of one: `TARGETS`, `TARGETS.items()`.
    fn is_of_module(&self, id: ExprId) -> bool {
        match &self.ir.expr(id).kind {
            ExprKind::Deref(inner) => self.is_of_module(*inner),
            ExprKind::Call { callee, args, .. } if args.is_empty() => match self.ir.expr(*callee).kind {
                ExprKind::Attr { base, .. } => self.is_of_module(base),
                _ => false,
            },
            ExprKind::Name(_) | ExprKind::Path { .. } => {
                let symbol = self.program.resolve_expr(self.file, self.scope(), id);
                matches!(symbol, Symbol::Variable(..))
            }
            _ => false,
        }
    }

    /// The collections in an element of a constant are written down, too.
    fn bind_few(&mut self, pattern: &Pattern) {
        let mut names = Vec::new();
        target_names(pattern, &mut names);
        for name in names {
            if let Some(value) = self.env.get_mut(name) {
                value.bound = Bound::Constant;
            }
        }
    }

    /// Whether a loop goes through numbers that it has no name for: `for _ in 0..retries`.
    fn counts_rounds(&self, the_loop: &Loop, source: Option<&Value>) -> bool {
        let range = self.program.catalogs.literals(self.language()).range;
        let is_range = source.is_some_and(|source| {
            matches!(&source.ty, Ty::Lib(ty, _) if *ty == range) && self.item_of(source) == Ty::Plain
        });
        let is_unnamed = match &the_loop.element {
            Some(Pattern::Name(name, _)) => self.text(*name).starts_with('_'),
            Some(Pattern::Wildcard) => true,
            _ => false,
        };
        is_range && is_unnamed
    }

    /// Notes that a path leaves some sites, and not because something failed.
    pub(super) fn note_end(&mut self, loops: Bits) {
        for ix in loops.indices() {
            if let Some(site) = self.facts.sites.get_mut(ix) {
                site.may_end = true;
            }
        }
    }

    /// How many elements a collection has, by what it is and what they are. A list of an enumeration's members may have any
    /// number of them.
    pub(super) fn bound_over(&self, collection: &Value, item: &Ty) -> Bound {
        let is_fixed = match (&collection.ty, item) {
            (Ty::Class(class), _) => self.program.is_enumeration(*class),
            // A loop over classes has as many rounds as there are classes.
            (_, Ty::Lib(lib, _)) => self.program.catalogs.ty(*lib).enumeration,
            _ => false,
        };
        if is_fixed {
            Bound::Constant
        } else {
            collection.bound
        }
    }

    fn is_true(&self, header: ExprId) -> bool {
        matches!(self.ir.expr(header).kind, ExprKind::Literal(Literal::Bool(true)))
    }

    /// A `while` condition: it runs per round, and what it asks decides when the loop ends.
    fn loop_header(&mut self, header: ExprId) {
        let value = self.eval(header);
        let deps = value.deps.with(self.test(header, &value));
        let loops = self.innermost();
        self.decides(deps, Leaves { loops, failed: false });
        // `while ix < len(items)` with `ix += 1` walks over elements; `while tries < 3` does not.
        let is_measured = matches!(value.measure, Measure::Reached | Measure::Passed);
        if is_measured && value.int.is_none_or(|int| int > FEW) {
            self.mark_site(|site| site.has_elements = true);
        }
    }

    pub(super) fn leave_loop(&mut self, value: Option<ExprId>, label: Option<Name>) -> Value {
        if let Some(value) = value {
            self.eval(value);
        }
        let loops = self.inner_loops(label, true);
        self.note_end(loops);
        self.leaves = Some(Leaves { loops, failed: false });
        Value::default()
    }

    pub(super) fn next_round(&mut self, label: Option<Name>) -> Value {
        // `continue 'outer` leaves the loops inside the labelled one.
        let loops = if label.is_some() {
            self.inner_loops(label, false)
        } else {
            Bits::default()
        };
        self.leaves = Some(Leaves { loops, failed: false });
        Value::default()
    }

    /// The loops from the innermost up to the labelled one.
    fn inner_loops(&self, label: Option<Name>, itself: bool) -> Bits {
        let mut bits = Bits::default();
        for active in self.loops.iter().rev() {
            let last = active.is_loop && (label.is_none() || active.label == label);
            if !last || itself {
                bits.add(Bits::one(active.site));
            }
            if last {
                break;
            }
        }
        bits
    }

    pub(super) fn comprehension(&mut self, kind: ComprehensionKind, body: ExprId, each: ExprId) -> Value {
        // The body binds the element's variables, which are gone afterwards.
        let (env, changes) = (self.env.clone(), self.changed.len());
        let outer = self.each.replace((each, Value::default()));
        let outer_source = self.gathered.take();
        self.eval(body);
        let gathered = std::mem::replace(&mut self.gathered, outer_source).unwrap_or_default();
        let element = std::mem::replace(&mut self.each, outer)
            .map(|(_, value)| value)
            .unwrap_or_default();
        self.env = env;
        self.changed.split_off(changes);
        let literals = self.program.catalogs.literals(self.language());
        let ty = match kind {
            ComprehensionKind::List => Ty::lib(literals.list, vec![element.ty]),
            ComprehensionKind::Set => Ty::lib(literals.set, vec![element.ty]),
            ComprehensionKind::Generator => Ty::lib(literals.generator, vec![element.ty]),
            ComprehensionKind::Dict => Ty::lib(literals.dict, element.ty.args().to_vec()),
        };
        Value {
            likely: element.likely,
            whole: gathered.whole,
            whole_params: gathered.whole_params,
            bound: gathered.bound,
            rows: element.rows,
            record: element.record.filter(|_| kind != ComprehensionKind::Dict),
            ..Value::of(ty)
        }
        .with_deps(element.deps)
    }
}

/// A site that goes over the elements of a collection where no loop is written.
pub(super) fn site_over(kind: SiteKind, at: Location, collection: &Value) -> Site {
    Site {
        kind,
        at,
        origin: collection.origin,
        bound: collection.bound,
        has_elements: true,
        source_known: !collection.ty.is_unknown(),
        paced: false,
        unending: false,
        counts: false,
        may_end: false,
        by: None,
    }
}

/// What an element inherits from its collection.
pub(super) fn element_of(collection: &Value) -> Value {
    Value {
        deps: collection.deps,
        likely: collection.likely,
        origin: collection.origin,
        // A batch of a constant is no constant, but a page of batches is none either.
        bound: Bound::Data,
        rows: settled(collection),
        record: collection.record.clone(),
        ..Value::default()
    }
}
