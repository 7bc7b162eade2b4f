//! Node kinds and fields of tree-sitter-python as Rust enums, resolved once per process.

use std::num::NonZeroU16;
use std::sync::LazyLock;

use tree_sitter::Language;

/// Declares [`Kind`] and [`Field`] together with their names in the grammar.
macro_rules! vocabulary {
    (
        named { $($named:ident = $named_text:literal,)* }
        tokens { $first_token:ident = $first_token_text:literal, $($token:ident = $token_text:literal,)* }
        fields { $($field:ident = $field_text:literal,)* }
    ) => {
        /// What a node is, as far as lowering asks.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(super) enum Kind {
            /// Punctuation, most keywords and operators, comments.
            Skip,
            /// Text that the grammar could not place.
            Error,
            /// A named kind without a form of its own in the IR: it becomes opaque.
            Unknown,
            $($named,)*
            $first_token,
            $($token,)*
        }

        impl Kind {
            /// Whether it is one of the keywords and operators that change the meaning of their parent.
            pub(super) fn is_token(self) -> bool {
                self >= Self::$first_token
            }
        }

        const NAMED: &[(&str, Kind)] = &[$(($named_text, Kind::$named),)*];
        const TOKENS: &[(&str, Kind)] =
            &[($first_token_text, Kind::$first_token), $(($token_text, Kind::$token),)*];

        /// The role of a node in its parent, where the order of siblings does not tell.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Field {
            /// All other roles.
            Other,
            $($field,)*
        }

        const FIELDS: &[(&str, Field)] = &[$(($field_text, Field::$field),)*];
    };
}

vocabulary! {
    named {
        AliasedImport = "aliased_import",
        ArgumentList = "argument_list",
        AsPattern = "as_pattern",
        AsPatternTarget = "as_pattern_target",
        Assignment = "assignment",
        Attribute = "attribute",
        AugmentedAssignment = "augmented_assignment",
        Await = "await",
        BinaryOperator = "binary_operator",
        Block = "block",
        BooleanOperator = "boolean_operator",
        BreakStatement = "break_statement",
        Call = "call",
        CaseClause = "case_clause",
        CasePattern = "case_pattern",
        ClassDefinition = "class_definition",
        ClassPattern = "class_pattern",
        ComparisonOperator = "comparison_operator",
        ConcatenatedString = "concatenated_string",
        ConditionalExpression = "conditional_expression",
        ConstrainedType = "constrained_type",
        ContinueStatement = "continue_statement",
        DecoratedDefinition = "decorated_definition",
        Decorator = "decorator",
        DefaultParameter = "default_parameter",
        DeleteStatement = "delete_statement",
        DictPattern = "dict_pattern",
        Dictionary = "dictionary",
        DictionaryComprehension = "dictionary_comprehension",
        DictionarySplat = "dictionary_splat",
        DictionarySplatPattern = "dictionary_splat_pattern",
        DottedName = "dotted_name",
        ElifClause = "elif_clause",
        Ellipsis = "ellipsis",
        ElseClause = "else_clause",
        ExceptClause = "except_clause",
        ExpressionList = "expression_list",
        ExpressionStatement = "expression_statement",
        False = "false",
        FinallyClause = "finally_clause",
        Float = "float",
        ForInClause = "for_in_clause",
        ForStatement = "for_statement",
        FormatExpression = "format_expression",
        FormatSpecifier = "format_specifier",
        FunctionDefinition = "function_definition",
        FutureImportStatement = "future_import_statement",
        GeneratorExpression = "generator_expression",
        GenericType = "generic_type",
        GlobalStatement = "global_statement",
        Identifier = "identifier",
        IfClause = "if_clause",
        IfStatement = "if_statement",
        ImportFromStatement = "import_from_statement",
        ImportPrefix = "import_prefix",
        ImportStatement = "import_statement",
        Integer = "integer",
        Interpolation = "interpolation",
        KeywordArgument = "keyword_argument",
        KeywordPattern = "keyword_pattern",
        KeywordSeparator = "keyword_separator",
        Lambda = "lambda",
        LambdaParameters = "lambda_parameters",
        List = "list",
        ListComprehension = "list_comprehension",
        ListPattern = "list_pattern",
        ListSplat = "list_splat",
        ListSplatPattern = "list_splat_pattern",
        MatchStatement = "match_statement",
        MemberType = "member_type",
        NamedExpression = "named_expression",
        None = "none",
        NonlocalStatement = "nonlocal_statement",
        NotOperator = "not_operator",
        Pair = "pair",
        Parameters = "parameters",
        ParenthesizedExpression = "parenthesized_expression",
        ParenthesizedListSplat = "parenthesized_list_splat",
        PassStatement = "pass_statement",
        PatternList = "pattern_list",
        PositionalSeparator = "positional_separator",
        RaiseStatement = "raise_statement",
        RelativeImport = "relative_import",
        ReturnStatement = "return_statement",
        Set = "set",
        SetComprehension = "set_comprehension",
        Slice = "slice",
        SplatPattern = "splat_pattern",
        SplatType = "splat_type",
        String = "string",
        Subscript = "subscript",
        True = "true",
        TryStatement = "try_statement",
        Tuple = "tuple",
        TuplePattern = "tuple_pattern",
        Type = "type",
        TypeAliasStatement = "type_alias_statement",
        TypeParameter = "type_parameter",
        TypedDefaultParameter = "typed_default_parameter",
        TypedParameter = "typed_parameter",
        UnaryOperator = "unary_operator",
        UnionPattern = "union_pattern",
        UnionType = "union_type",
        WhileStatement = "while_statement",
        WildcardImport = "wildcard_import",
        WithClause = "with_clause",
        WithItem = "with_item",
        WithStatement = "with_statement",
        Yield = "yield",
    }
    tokens {
        AndToken = "and",
        AsyncToken = "async",
        BitAndToken = "&",
        BitOrToken = "|",
        BitXorToken = "^",
        ColonToken = ":",
        CommaToken = ",",
        FromToken = "from",
        InToken = "in",
        NotInToken = "not in",
        IsToken = "is",
        IsNotToken = "is not",
        EqualToken = "==",
        UnequalToken = "!=",
        OrToken = "or",
        PercentToken = "%",
    }
    fields {
        Attribute = "attribute",
        Body = "body",
        Left = "left",
        Name = "name",
        Right = "right",
    }
}

/// Named kinds that stand between others without a meaning of their own.
const TRIVIA: &[&str] = &[
    "comment",
    "line_continuation",
    "string_start",
    "string_content",
    "string_end",
    "type_conversion",
];

/// Ids of the grammar as indices.
pub(super) struct Vocabulary {
    kinds: Vec<Kind>,
    fields: Vec<Field>,
}

pub(super) static VOCABULARY: LazyLock<Vocabulary> =
    LazyLock::new(|| Vocabulary::new(&tree_sitter_python::LANGUAGE.into()));

impl Vocabulary {
    fn new(language: &Language) -> Self {
        let ids =
            0..u16::try_from(language.node_kind_count()).expect("tree-sitter's kind ids are 16 bits wide");
        let mut kinds: Vec<_> = ids
            .map(|id| {
                if language.node_kind_is_named(id) {
                    Kind::Unknown
                } else {
                    Kind::Skip
                }
            })
            .collect();
        let trivia = TRIVIA.iter().map(|&text| (text, Kind::Skip));
        for (text, kind) in NAMED.iter().copied().chain(trivia) {
            kinds[usize::from(language.id_for_node_kind(text, true))] = kind;
        }
        for &(text, kind) in TOKENS {
            kinds[usize::from(language.id_for_node_kind(text, false))] = kind;
        }
        let mut fields = vec![Field::Other; language.field_count() + 1];
        for &(text, field) in FIELDS {
            let id = language.field_id_for_name(text).map_or(0, NonZeroU16::get);
            fields[usize::from(id)] = field;
        }
        Self { kinds, fields }
    }

    /// The kind behind an id; tree-sitter's id for errors is outside of the table.
    pub(super) fn kind(&self, id: u16) -> Kind {
        self.kinds.get(usize::from(id)).copied().unwrap_or(Kind::Error)
    }

    /// The field behind an id.
    pub(super) fn field(&self, id: Option<NonZeroU16>) -> Field {
        id.and_then(|id| self.fields.get(usize::from(id.get())).copied())
            .unwrap_or(Field::Other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A name that the grammar no longer has would silently lower to nothing.
    #[test]
    fn every_name_is_in_the_grammar() {
        let language = Language::from(tree_sitter_python::LANGUAGE);
        for text in NAMED.iter().map(|(text, _)| text).chain(TRIVIA) {
            assert_ne!(language.id_for_node_kind(text, true), 0, "{text}");
        }
        for (text, _) in TOKENS {
            assert_ne!(language.id_for_node_kind(text, false), 0, "{text}");
        }
        for (text, _) in FIELDS {
            assert!(language.field_id_for_name(text).is_some(), "{text}");
        }
    }
}
