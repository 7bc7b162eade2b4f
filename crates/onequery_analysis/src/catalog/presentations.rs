//! How catalogues describe what a framework does with rows: serializers, views, tables, templates.

use serde::Deserialize;

use super::schema::Position;

/// How a class shows a row: a serializer, a response model, a type of a GraphQL schema.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Shows {
    /// What is shown when an instance is made.
    pub(crate) given: Option<ShownGiven>,
    /// The attribute that lists the names of what is shown, one of a class inside behind a dot.
    pub(crate) fields: Option<String>,
    /// What stands there for all columns and relations that the model declares.
    pub(crate) all_fields: Option<String>,
    /// The attribute that lists the names of what is not shown of them.
    pub(crate) excluded: Option<String>,
    /// The attribute that says how many relations deep related rows are shown instead of their keys.
    pub(crate) depth: Option<String>,
    /// The attribute that names the model.
    pub(crate) model: Option<String>,
    /// The keywords of a field that say the path from the row to what it shows, the one that counts first.
    #[serde(default)]
    pub(crate) source: Vec<String>,
    pub(crate) path_separator: Option<String>,
    /// The path that means the row itself.
    pub(crate) itself: Option<String>,
    /// The keyword of fields that say that they show many rows.
    pub(crate) many: Option<String>,
    /// The keyword of fields that are not shown.
    pub(crate) hidden_if: Option<String>,
    /// Methods and attributes of a class with which what it shows is decided at run time.
    #[serde(default)]
    pub(crate) unless: Vec<String>,
    /// Methods of a class with which that may be.
    #[serde(default)]
    pub(crate) unsure_if: Vec<String>,
    /// The method that shows a row, which a class may override.
    pub(crate) method: Option<String>,
    /// The attributes that the class declares by their types are fields, too.
    #[serde(default)]
    pub(crate) annotated: bool,
    /// What stands before a field's name in the name of a method that gives what it shows of the row, its first argument.
    pub(crate) resolver_prefix: Option<String>,
    /// Who asks says which fields are shown.
    #[serde(default)]
    pub(crate) if_asked: bool,
}

/// What an instance of a class that shows rows is given.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ShownGiven {
    /// The argument that is shown, by position.
    pub(crate) rows: usize,
    /// The same by keyword.
    pub(crate) rows_keyword: Option<String>,
    /// The keyword that says that the argument holds many rows.
    pub(crate) many: Option<String>,
    /// The argument with which it is checked instead of shown.
    pub(crate) unless_keyword: Option<String>,
}

/// How a decorator says through which class the framework shows what a function gives.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ShownReturned {
    /// The keyword that goes before the function's declared type.
    pub(crate) keyword: Option<String>,
}

/// What a class lists: a view.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Lists {
    /// The method and the attribute that give the rows; the method goes first.
    pub(crate) rows: [String; 2],
    /// The method and the attribute that give the class that shows each of them.
    pub(crate) shown_by: [String; 2],
    /// The method that lists, which a class may override to do something else.
    pub(crate) method: Option<String>,
    /// Methods that the rows go through, each the first argument of it, which a class may override.
    #[serde(default)]
    pub(crate) through: Vec<String>,
    /// The attribute that says what is asked for, and what it holds when rows are to be listed.
    pub(crate) action: Option<[String; 2]>,
    /// The attribute that says how it is asked, and what it holds when rows are to be listed.
    pub(crate) verb: Option<[String; 2]>,
    /// It lists nothing unless its code says so.
    #[serde(default)]
    pub(crate) only_asked: bool,
}

/// A list of all rows of a model, in columns: an administration site's.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Table {
    /// The attribute that lists the columns: columns and relations of the model, methods of it and of the class itself.
    pub(crate) columns: String,
    /// The method that gives a row's text, which is the only column unless some are listed.
    pub(crate) text: String,
    /// The method that gives the rows, which a class may override.
    pub(crate) rows: String,
    /// The attribute that says which relations are loaded: all, or those in a list.
    pub(crate) eager: String,
    pub(crate) path_separator: String,
    /// Methods that a class overrides to decide it at run time.
    pub(crate) unless: Vec<String>,
}

/// How a class walks over rows and asks something of each: a feed, a map of a site.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Walks {
    /// The method and the attribute that give the rows.
    pub(crate) rows: [String; 2],
    /// The methods of the class that are called with each row.
    pub(crate) asks: Vec<String>,
    /// The methods of the row that are called when the class lacks one: that one, and the row's.
    #[serde(default)]
    pub(crate) falls_back: Vec<[String; 2]>,
}

/// Which model a class is registered for by a call.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Registers {
    /// The position of the class, behind the model. Without it the call decorates the class, and all arguments are models.
    pub(crate) by: Option<usize>,
}

/// What a field shows.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Field {
    pub(crate) shows: FieldShows,
    /// For a method: what stands before the field's name in its name.
    pub(crate) prefix: Option<String>,
    /// The keyword that names the method, or the attribute, or the class.
    pub(crate) keyword: Option<String>,
    /// For a class: it shows many rows.
    #[serde(default)]
    pub(crate) many: bool,
    /// For text: the method that gives it.
    pub(crate) method: Option<String>,
    /// The method of a field's own class that gives what it shows of a row, and the one that shows that: what a project's
    /// subclass overrides.
    pub(crate) overrides: Option<[String; 2]>,
}

/// See [`Field`].
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum FieldShows {
    /// What is at the end of the path.
    Value,
    /// The key of the row there, which the row before it has.
    Key,
    /// The text of the row there.
    Text,
    /// An attribute of the row there.
    Attribute,
    /// What a method of the class gives for the row.
    Method,
    /// What a function that is given gives for the row.
    Function,
    /// What the class that is given shows of what is there. The class may be a text, or what a function without parameters
    /// gives, or inside another field.
    Class,
}

/// How a class renders a template: a view of a page.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Page {
    /// The attribute that names the template. Without it the name is made of the model's and `suffix`.
    pub(crate) template: String,
    /// The method that decides about the template, which a class may override.
    pub(crate) template_method: String,
    pub(crate) suffix: Option<String>,
    /// The method that gives what the template is given, each class of a hierarchy a part of it.
    pub(crate) context: String,
    /// How the template calls the class's instance.
    pub(crate) itself: String,
    /// What it shows besides, when it shows rows.
    pub(crate) rows: Option<PageRows>,
}

/// The rows that a page shows: all of them, or one.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PageRows {
    /// The method and the attribute that give the rows; the method goes first.
    pub(crate) rows: [String; 2],
    /// The attribute that names the model, all of whose rows are meant without the other two.
    pub(crate) model: String,
    /// How the template calls them.
    pub(crate) names: Vec<String>,
    /// The attribute that gives one more name.
    pub(crate) named: String,
    /// What follows the model's name in the name that they have without that attribute.
    pub(crate) name_suffix: String,
    /// It shows one of them.
    #[serde(default)]
    pub(crate) one: bool,
}

/// What a call that renders a template is given.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Renders {
    /// The arguments that may be the template's name.
    pub(crate) template: Vec<Position>,
    /// The arguments that may hold the template's variables, as a dictionary.
    #[serde(default)]
    pub(crate) context: Vec<Position>,
    /// Its keyword arguments are variables.
    #[serde(default)]
    pub(crate) keywords: bool,
    /// The template is that of the receiver, a page.
    #[serde(default)]
    pub(crate) own: bool,
}

/// How a decorator makes a function known to templates.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RegistersTag {
    #[serde(rename = "as")]
    pub(crate) kind: TagKind,
    /// The arguments of the decorator that may be the name there; the function's own unless one is given.
    #[serde(default)]
    pub(crate) names: Vec<Position>,
    /// The argument that is the name of the template that is rendered with what the function returns.
    pub(crate) template: Option<Position>,
    /// The keyword with which the function is given the template's variables before its arguments.
    pub(crate) context_keyword: Option<String>,
}

/// What templates call a function as.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Hash)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum TagKind {
    /// `{{ value|name }}`.
    Filter,
    /// `{% name %}`.
    Tag,
    /// `{{ name() }}`.
    Global,
}
