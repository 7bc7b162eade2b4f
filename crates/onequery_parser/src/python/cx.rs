//! Where lowering stands: the cursor in the tree, and the function and class around it.

use std::mem;

use onequery_core::ir::{ClassIx, ExprId, Field as ClassField, FnIx, Pattern, TypeRef};
use onequery_core::{Name, Span};
use tree_sitter::{Node, Tree, TreeCursor};

use super::gaps::Gaps;
use super::kinds::{Field, Kind, VOCABULARY, Vocabulary};
use super::statements::statement;
use crate::builder::Builder;

/// One cursor walks the whole tree: every function here and in the sibling files lowers the node under the cursor and
/// leaves the cursor there.
pub(super) struct Cx<'t> {
    text: &'t str,
    /// Where `text` starts in the file; not 0 inside string annotations.
    offset: u32,
    /// Where something of the file is not in `text`.
    gaps: &'t Gaps,
    cursor: TreeCursor<'t>,
    /// The node under the cursor, which is asked several questions per visit.
    node: Node<'t>,
    kind: Kind,
    vocabulary: &'static Vocabulary,
    /// Whether the tree has errors at all; without them no node can be missing.
    has_errors: bool,
    /// The function whose body is being lowered.
    pub(super) function: FnIx,
    /// The class whose body is being lowered, unless a function lies in between.
    pub(super) members: Option<Members>,
    /// What stood at odd places of the statement at hand; kept by the enclosing block.
    pub(super) strays: Vec<ExprId>,
}

/// What a class body has defined so far.
pub(super) struct Members {
    pub(super) class: ClassIx,
    pub(super) fields: Vec<ClassField>,
    pub(super) methods: Vec<FnIx>,
}

impl Members {
    pub(super) fn new(class: ClassIx) -> Self {
        Self {
            class,
            fields: Vec::new(),
            methods: Vec::new(),
        }
    }

    /// Records an assignment in the class body.
    ///
    /// `RED, GREEN = range(2)` names attributes whose single values are not written anywhere.
    pub(super) fn assign(
        &mut self,
        target: &Pattern,
        ty: Option<&TypeRef>,
        value: Option<ExprId>,
        span: Span,
    ) {
        match target {
            &Pattern::Name(name, _) => self.fields.push(ClassField {
                name,
                ty: ty.cloned(),
                value,
                span,
            }),
            Pattern::Tuple(parts) => {
                for part in parts {
                    self.assign(part, None, None, span);
                }
            }
            _ => {}
        }
    }
}

impl<'t> Cx<'t> {
    pub(super) fn new(text: &'t str, offset: u32, gaps: &'t Gaps, tree: &'t Tree) -> Self {
        let node = tree.root_node();
        let mut cx = Self {
            text,
            offset,
            gaps,
            cursor: tree.walk(),
            node,
            kind: Kind::Unknown,
            vocabulary: &VOCABULARY,
            has_errors: node.has_error(),
            function: FnIx(0),
            members: None,
            strays: Vec::new(),
        };
        cx.arrive();
        cx
    }

    /// Reads the node that the cursor has moved to. A node that the parser only wished to see is as good as absent.
    fn arrive(&mut self) {
        self.node = self.cursor.node();
        self.kind = if self.has_errors && self.node.is_missing() {
            Kind::Skip
        } else {
            self.vocabulary.kind(self.node.kind_id())
        };
    }

    /// What the node is.
    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    pub(super) fn field(&self) -> Field {
        self.vocabulary.field(self.cursor.field_id())
    }

    pub(super) fn span(&self) -> Span {
        self.span_of(self.node)
    }

    fn span_of(&self, node: Node<'_>) -> Span {
        let range = node.byte_range();
        let place = |byte: usize| self.offset + u32::try_from(byte).unwrap_or(u32::MAX - self.offset);
        Span::new(
            place(self.gaps.start(range.start)),
            place(self.gaps.end(range.end)),
        )
    }

    /// The node's text.
    pub(super) fn text(&self) -> &'t str {
        self.text.get(self.node.byte_range()).unwrap_or("")
    }

    /// The node's text as a name.
    pub(super) fn name(&self, out: &mut Builder) -> Name {
        out.name(self.text())
    }

    /// The number of children that are not tokens, comments included.
    pub(super) fn n_named_children(&self) -> usize {
        self.node.named_child_count()
    }

    /// Goes to the first child.
    pub(super) fn down(&mut self) -> bool {
        let moved = self.cursor.goto_first_child();
        if moved {
            self.arrive();
        }
        moved
    }

    /// Goes to the next sibling.
    pub(super) fn next(&mut self) -> bool {
        let moved = self.cursor.goto_next_sibling();
        if moved {
            self.arrive();
        }
        moved
    }

    /// Goes back to the parent.
    pub(super) fn up(&mut self) {
        if self.cursor.goto_parent() {
            self.arrive();
        }
    }

    /// The third and last child, if it is an identifier; the tree must have no errors.
    ///
    /// Attributes are among the most frequent nodes, and the cursor would take three steps to their name.
    pub(super) fn third_identifier(&self) -> Option<(&'t str, Span)> {
        if self.has_errors || self.node.child_count() != 3 {
            return None;
        }
        let name = self.node.child(2)?;
        if self.vocabulary.kind(name.kind_id()) != Kind::Identifier {
            return None;
        }
        Some((self.text.get(name.byte_range())?, self.span_of(name)))
    }

    /// Visits only the first child.
    pub(super) fn first<T>(&mut self, visit: impl FnOnce(&mut Self) -> T) -> Option<T> {
        let parent = (self.node, self.kind);
        if !self.down() {
            return None;
        }
        let value = visit(self);
        self.cursor.goto_parent();
        (self.node, self.kind) = parent;
        Some(value)
    }

    /// Visits the children that mean something, without tokens. Errors among them are kept as strays.
    pub(super) fn children(
        &mut self,
        out: &mut Builder,
        mut visit: impl FnMut(&mut Self, &mut Builder, Kind),
    ) {
        self.parts(out, |cx, out, kind| {
            if !kind.is_token() {
                visit(cx, out, kind);
            }
        });
    }

    /// Visits the children that mean something, tokens included. Errors among them are kept as strays.
    pub(super) fn parts(&mut self, out: &mut Builder, mut visit: impl FnMut(&mut Self, &mut Builder, Kind)) {
        let parent = (self.node, self.kind);
        // Counting is cheaper than to ask the cursor for a sibling that is not there.
        let mut n_left = self.node.child_count();
        if n_left == 0 || !self.down() {
            return;
        }
        loop {
            match self.kind {
                Kind::Skip => {}
                Kind::Error => self.stray(out),
                kind => visit(self, out, kind),
            }
            n_left -= 1;
            if n_left == 0 || !self.next() {
                break;
            }
        }
        self.cursor.goto_parent();
        (self.node, self.kind) = parent;
    }

    /// Lowers a node that stands where nothing of its kind is expected. Tokens carry nothing to lower.
    pub(super) fn stray(&mut self, out: &mut Builder) {
        if self.kind.is_token() {
            return;
        }
        let mut items = mem::take(&mut self.strays);
        statement(self, out, &mut items);
        items.append(&mut self.strays);
        self.strays = items;
    }
}
